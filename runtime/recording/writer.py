"""One thread that writes the recordings of all calls of a node, second by second.

The sizes in a file's header are brought up to date with each write, so what there is can be played whatever
becomes of the process. A disk that fails or is full ends the recording, never the call.
"""

from __future__ import annotations

import asyncio
import io
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from runtime.figures.logs import get_logger
from runtime.recording.tape import Piece, Side, Tape
from runtime.recording.timeline import RATE, StereoTimeline

_log = get_logger(__name__)

# Seconds of calls that may wait for the disk.
MOST_WAITING: Final = 2_000
CLOSING_SECONDS: Final = 10.0
HEADER_BYTES: Final = 44
_CHANNELS, _WIDTH = 2, 2


class LocalRecording:
    """The recording of one call, as the call sees it. Nothing here waits or raises."""

    def __init__(self, path: Path, began: float, hand_over: Callable[[_Batch], bool]) -> None:
        self.path = path
        self.failed: str | None = None
        self._tape = Tape()
        self._timeline = StereoTimeline(began)
        self._hand_over = hand_over
        self._file: io.BufferedRandom | None = None
        self._written = 0
        self._closed = False

    @property
    def told(self) -> str:
        """What the call's record says of it: where it is, or why there is none."""
        return str(self.path) if self.failed is None else f"not recorded: {self.failed}"

    # --- on the event loop

    def hear_caller(self, payload: str, now: float) -> None:
        """Note a piece of the caller's audio: base64 µ-law, as it came."""
        self._tape.note(Side.CALLER, now, payload)

    def play_agent(self, payload: str, now: float) -> None:
        """Note what was sent to be played to the caller."""
        self._tape.note(Side.AGENT, now, payload)

    def cut_agent(self, now: float) -> None:
        """Note that what has not been played is thrown away."""
        self._tape.note(Side.CUT, now)

    def pass_on(self, now: float) -> None:
        """Hand over what was noted; to be called about once a second."""
        if not self._closed and not self._hand_over(_Batch(self, self._tape.take(), now)):
            self._tape.lost += 1

    def close(self, now: float) -> None:
        """End the recording, once."""
        if self._closed:
            return
        self._closed = True
        self._hand_over(_Batch(self, self._tape.take(), now, last=True))
        if self._tape.lost:
            _log.warning("recording_has_gaps", file=self.path.name, pieces=self._tape.lost)

    # --- in the writer's thread

    def write(self, batch: _Batch) -> None:
        """Write what the batch settles."""
        if self.failed is not None:
            return
        try:
            self._timeline.add(batch.pieces)
            self._append(self._timeline.take(batch.now, last=batch.last))
            if batch.last:
                self._let_go()
        except OSError as error:
            self.failed = error.strerror or type(error).__name__
            _log.error("recording_failed", file=self.path.name, reason=self.failed)
            self._let_go()

    def _append(self, samples: bytes) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w+b")
        self._written += len(samples)
        self._file.seek(0)
        self._file.write(_header(self._written))
        self._file.seek(0, io.SEEK_END)
        self._file.write(samples)
        self._file.flush()

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


class _Batch:
    """What a call hands over: its pieces up to the moment `now`."""

    __slots__ = ("last", "now", "pieces", "recording")

    def __init__(
        self, recording: LocalRecording, pieces: list[Piece], now: float, *, last: bool = False
    ) -> None:
        self.recording = recording
        self.pieces = pieces
        self.now = now
        self.last = last


class RecordingWriter:
    """The recordings of a node, in one folder. The thread starts with the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recordings")
        self._waiting = 0
        self._count = threading.Lock()

    def begin(self, name: str, now: float) -> LocalRecording:
        """Begin the recording `name` at the moment `now` (s)."""
        return LocalRecording((self._folder / f"{name}.wav").absolute(), now, self._take)

    async def written(self) -> None:
        """Wait until everything that was handed over so far is on disk."""
        await asyncio.get_running_loop().run_in_executor(self._thread, _nothing)

    async def close(self) -> None:
        """Wait until everything is written, some seconds at most."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self.written()
        except TimeoutError:
            _log.error("recordings_not_finished", batches=self._waiting)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _take(self, batch: _Batch) -> bool:
        """Queue a batch; False when the disk is too far behind, and the batch is left out."""
        with self._count:
            if self._waiting >= MOST_WAITING:
                return False
            self._waiting += 1
        self._thread.submit(batch.recording.write, batch).add_done_callback(self._count_down)
        return True

    def _count_down(self, done: Future[None]) -> None:
        with self._count:
            self._waiting -= 1
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.error("recording_crashed", reason=type(error).__name__)


def _nothing() -> None:
    """Be done when everything before is."""


def _header(size: int) -> bytes:
    """Return the header of a WAV file with so many bytes of 16-bit stereo samples."""
    size = min(size, 0xFFFFFFFF - HEADER_BYTES)
    frame = _CHANNELS * _WIDTH
    fmt = struct.pack("<HHIIHH", 1, _CHANNELS, RATE, RATE * frame, frame, 8 * _WIDTH)
    riff = struct.pack("<4sI4s4sI", b"RIFF", HEADER_BYTES - 8 + size, b"WAVE", b"fmt ", len(fmt))
    return riff + fmt + struct.pack("<4sI", b"data", size)
