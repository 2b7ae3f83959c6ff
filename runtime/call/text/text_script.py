"""What was said in a conversation in text: for the record, and for the model's next ask.

How much of the agent's words was heard is not reported by carriers that speak themselves. It is reckoned from
the time since they were sent, at the speed of speech.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from runtime.call.text.text_events import ContextItem, Told, Used
from runtime.call.transcript import MS_PER_CHARACTER, heard_text
from runtime.call_record import TranscriptEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.call.events import ToolRequested

MOST_TOLD: Final = 200  # the newest items that the model is told
# An answer that was heard nearly to its end was not interrupted: the reckoning is no more exact than that.
NEARLY_ALL: Final = 0.75


@dataclass(slots=True)
class _Line:
    role: Literal["caller", "agent", "tool"]
    text: str
    at_ms: int
    item_id: str
    heard_ms: int | None = None
    interrupted: bool | None = None


@dataclass(slots=True)
class _Request:
    call_id: str
    name: str
    arguments: str
    output: str | None = None


class TextScript:
    """The lines of one call, after the `history` of earlier runs of it. Times are ms since the answer."""

    __slots__ = ("_history", "_items", "_lines", "_requests")

    def __init__(self, history: tuple[TranscriptEntry, ...] = ()) -> None:
        self._history = history
        self._items: list[_Line | _Request | Told] = []
        self._lines = self._requests = len(history)

    # --- what happens

    def caller_says(self, text: str, at_ms: int) -> None:
        """Note what the caller said, or typed."""
        self._add("caller", text, at_ms)

    def agent_says(self, text: str, at_ms: int, *, goes_on: bool = False) -> None:
        """Note what is being spoken from now on; `goes_on`: in one with what was spoken last."""
        line = self._last_spoken() if goes_on else None
        if line is None:
            line = self._add("agent", text, at_ms)
        else:
            line.text += text
        line.heard_ms, line.interrupted = spoken_ms(line.text), False

    def cut(self, at_ms: int) -> None:
        """Note that the caller has heard the agent's last words up to this moment only."""
        line = self._items[-1] if self._items else None
        if not isinstance(line, _Line) or line.role != "agent" or line.interrupted:
            return
        whole = spoken_ms(line.text)
        heard = max(0, at_ms - line.at_ms)
        if heard < whole * NEARLY_ALL:
            line.text = heard_text(line.text, heard, whole)
            line.heard_ms, line.interrupted = heard, True

    def cut_at(self, heard: str, heard_ms: int) -> None:
        """Note that the agent was cut off, of whom the carrier says that this was heard, in so many ms.

        Of several lines that wait to be spoken, those behind the one that was cut were not heard at all.
        """
        lines = list(self._unanswered())
        place = next((at for at, line in enumerate(lines) if _begins(line.text, heard)), 0)
        for line in lines[:place]:
            line.text, line.heard_ms, line.interrupted = "", 0, True
        for line in lines[place : place + 1]:
            line.text, line.heard_ms, line.interrupted = heard, heard_ms, True

    def tool_asked(self, request: ToolRequested) -> ToolRequested:
        """Note that the model has asked for a tool, and return the request under a name of ours.

        Some servers count from 1 in each answer, or name nothing. Ours is nine letters and digits, which
        every server takes back.
        """
        self._requests += 1
        named = replace(request, call_id=f"call{self._requests:05}")
        self._items.append(_Request(named.call_id, named.name, named.arguments))
        return named

    def tool_answered(self, call_id: str, output: str) -> None:
        """Note what the model is told of a tool that it asked for."""
        for item in self._items:
            if isinstance(item, _Request) and item.call_id == call_id:
                item.output = output

    def tool_used(self, call_id: str, text: str, at_ms: int) -> None:
        """Note a use of a tool for the record."""
        self._items.append(_Line("tool", text, at_ms, call_id))

    def tell(self, text: str) -> None:
        """Note something that the model is to know, and that nobody said."""
        self._items.append(Told("system", text))

    # --- what it shows

    def entries(self) -> tuple[TranscriptEntry, ...]:
        """Return the record's transcript of this run; words of which nothing was heard are left out."""
        return tuple(
            TranscriptEntry(
                line.role, line.text.strip(), line.at_ms, line.heard_ms, line.interrupted, line.item_id
            )
            for line in self._items
            if isinstance(line, _Line) and line.text.strip()
        )

    def context(self) -> tuple[ContextItem, ...]:
        """Return what the model is told: all that was said, and the tools that have answered."""
        told: list[ContextItem] = [*_recalled(self._history)]
        for item in self._items:
            if isinstance(item, Told):
                told.append(item)
            elif isinstance(item, _Request):
                if item.output is not None:
                    told.append(Used(item.call_id, item.name, item.arguments, item.output))
            elif item.role != "tool" and item.text.strip():
                told.append(Told(item.role, item.text.strip()))
        return tuple(told[-MOST_TOLD:])

    def _last_spoken(self) -> _Line | None:
        """Return the agent's last line, if it was not cut, and nobody has said anything since."""
        return next(iter(self._unanswered()), None)

    def _unanswered(self) -> Iterator[_Line]:
        """Yield the agent's lines since the caller's last one, the last first."""
        for item in reversed(self._items):
            if isinstance(item, _Line) and item.role == "caller":
                return
            if isinstance(item, _Line) and item.role == "agent":
                if item.interrupted:
                    return
                yield item

    def _add(self, role: Literal["caller", "agent"], text: str, at_ms: int) -> _Line:
        self._lines += 1
        line = _Line(role, text, at_ms, f"{role}-{self._lines}")
        self._items.append(line)
        return line


def _recalled(history: Iterable[TranscriptEntry]) -> list[Told]:
    """Return what another run of the call knew; a tool's line is no party's."""
    return [
        Told("system" if entry.role == "tool" else entry.role, entry.text) for entry in history if entry.text
    ]


def _begins(text: str, heard: str) -> bool:
    """Tell whether what was heard is the beginning of a text, however its words were set apart."""
    return bool(heard) and " ".join(text.split()).casefold().startswith(" ".join(heard.split()).casefold())


def spoken_ms(text: str) -> int:
    """Return about how long (ms) a text takes to be spoken."""
    return len(text) * MS_PER_CHARACTER
