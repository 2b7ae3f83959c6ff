"""The spoken clips, by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from sandbox.speech import ulaw as codec
from sandbox.speech.lines import LINES, Speaker

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "clips"


@dataclass(frozen=True, slots=True)
class Clip:
    """A line as it sounds: `ulaw` is 8 kHz mono µ-law, `ms` its length in milliseconds."""

    name: str
    text: str
    speaker: Speaker
    ulaw: bytes = field(repr=False)

    @property
    def ms(self) -> int:
        """Length in milliseconds."""
        return len(self.ulaw) // codec.BYTES_PER_MS


def clip(name: str) -> Clip:
    """Return one clip; a `KeyError` says which names there are."""
    try:
        return _library()[name]
    except KeyError:
        raise KeyError(f"no clip named {name!r}; there are: {', '.join(_library())}") from None


def clips() -> tuple[Clip, ...]:
    """Return all clips, in the order of their lines."""
    return tuple(_library().values())


@cache
def _library() -> Mapping[str, Clip]:
    return MappingProxyType(
        {
            line.name: Clip(line.name, line.text, line.speaker, codec.read_wav(FOLDER / f"{line.name}.wav"))
            for line in LINES
        }
    )
