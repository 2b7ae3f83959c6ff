"""Makes the table of voices from the declarations in Twilio's package for Node, which list them all.

    npm pack twilio@6.2.0
    tar xzf twilio-6.2.0.tgz package/lib/twiml/VoiceResponse.d.ts
    python -m schemas.voices.make twilio@6.2.0 package/lib/twiml/VoiceResponse.d.ts

Writes `schemas/voices/table.json`, with the day on it. It is committed: only who wants newer voices needs
this.
A Polly voice whose language stands nowhere is named: it belongs into `schemas/voices/polly.py`.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from schemas.errors import TmError
from schemas.voices.polly import SPEAKERS

FILE = Path(__file__).with_name("table.json")

Table = dict[str, str | list[str] | dict[str, dict[str, list[str]]]]


def make(package: str, declarations: str, day: str) -> Table:
    """Return the table: voices by provider and language, and the languages that are heard.

    Args:
        package: where the declarations are from, such as `twilio@6.2.0`.
        declarations: the text of `VoiceResponse.d.ts`.
        day: the table's date, such as `2026-11-21`.

    Raises:
        TmError: something that the declarations always had is not there, or a voice's language is not known.
    """
    voices: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for voice in _choices("SayVoice", declarations):
        provider, has_provider, name = voice.partition(".")
        for language in _languages(provider, name) if has_provider else ():
            voices[provider][language].append(name)
    return {
        "as_of": day,
        "package": package,
        "heard": sorted(_choices("GatherLanguage", declarations)),
        "voices": {
            provider: {language: sorted(names) for language, names in sorted(by_language.items())}
            for provider, by_language in sorted(voices.items())
        },
    }


def _choices(name: str, declarations: str) -> list[str]:
    declared = re.search(rf"type {name} = ([^;]+);", declarations)
    if declared is None:
        raise TmError(f"there is no type {name} in the declarations", hint="has Twilio's package changed?")
    return re.findall(r'"([^"]+)"', declared[1])


def _languages(provider: str, name: str) -> Sequence[str]:
    """Return the languages that a voice speaks: Google's stands in the name."""
    if provider == "Google":
        language, country = name.split("-")[:2]
        return (f"{language}-{country.upper()}",)
    speaker = _without_accents(name.partition("-")[0])
    spoken = [language for language, speakers in SPEAKERS.items() if speaker in speakers.split()]
    if not spoken:
        raise TmError(
            f"which language does {provider}.{name} speak?", hint="say it in schemas/voices/polly.py"
        )
    return spoken


def _without_accents(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def main() -> int:
    """Write the table from the package and the file that the command line names."""
    package, declarations = sys.argv[1:]
    today = datetime.now(UTC).date().isoformat()
    table = make(package, Path(declarations).read_text(encoding="utf-8"), today)
    FILE.write_text(_text(table), encoding="utf-8")
    return 0


def _text(table: Table) -> str:
    """Return the table as JSON with a line for each language, so that a diff shows what is new."""
    text = json.dumps(table, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\]]+\]", lambda found: " ".join(found[0].split()), text) + "\n"


if __name__ == "__main__":
    sys.exit(main())
