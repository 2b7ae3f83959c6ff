"""Speaks the lines: `make speech`, or `python -m sandbox.speech.make`, needs Debian's flite and sox.

    apt-get install flite sox

Writes `sandbox/speech/clips/*.wav` (8 kHz mono µ-law) and the hold media of the example fleet,
`agents.d/media/*.wav` (8 kHz mono PCM). Both are committed: only who changes a line needs this.
The same versions of flite and sox make the same bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from sandbox.speech.library import FOLDER
from sandbox.speech.lines import HOLD_WELCOME, LINES, Line
from sandbox.speech.music import RATE, hold_music

MEDIA_FOLDER = Path(__file__).parents[2] / "agents.d" / "media"

# Cut what is quieter than 1 % at both ends, give 40 ms of silence back, peak at -3 dBFS.
_TRIM = ("silence", "1", "0.02", "1%", "reverse")
_EFFECTS = (*_TRIM, *_TRIM, "pad", "0.04", "0.04", "norm", "-3")
_ULAW = ("--encoding", "mu-law", "--bits", "8")
_PCM = ("--encoding", "signed-integer", "--bits", "16")


def main() -> int:
    """Make every clip and say so; the exit code is 1 when a program is missing."""
    missing = [program for program in ("flite", "sox") if shutil.which(program) is None]
    if missing:
        sys.stderr.write(f"needs {' and '.join(missing)}: apt-get install flite sox\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    MEDIA_FOLDER.mkdir(parents=True, exist_ok=True)
    for line in LINES:
        _report(_speak(line, FOLDER, _ULAW))
    _report(_speak(HOLD_WELCOME, MEDIA_FOLDER, _PCM))
    _report(_write_music(MEDIA_FOLDER / "hold-music.wav"))
    return 0


def _speak(line: Line, folder: Path, encoding: tuple[str, ...]) -> Path:
    path = folder / f"{line.name}.wav"
    with tempfile.TemporaryDirectory() as scratch:
        spoken = Path(scratch) / "spoken.wav"
        _run("flite", "-voice", line.voice, "-t", line.text, "-o", str(spoken))
        _run(
            "sox", "-R", str(spoken), "--rate", str(RATE), "--channels", "1", *encoding, str(path), *_EFFECTS
        )
    return path


def _write_music(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(hold_music())
    return path


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed programs, our own texts


def _report(path: Path) -> None:
    sys.stdout.write(f"{path.name:32}{path.stat().st_size:>8} bytes\n")


if __name__ == "__main__":
    sys.exit(main())
