"""What was said, as the caller heard it, in the order in which it was begun.

Texts come late, in pieces and out of order, and the agent's run ahead of its voice. So everything is keyed by
the item it belongs to, and an utterance that was cut keeps only the words that were heard.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.call_record import TranscriptEntry

if TYPE_CHECKING:
    from runtime.call.playback.ledger import Cut
    from runtime.call_record import Role

# Until the model has given all audio of an item its length is unknown, while its text may be complete
# already: then a character of text is taken for this many ms of speech (about 160 words a minute).
MS_PER_CHARACTER: Final = 60


@dataclass(slots=True)
class _Line:
    role: Role
    text: str = ""
    at_ms: int | None = None
    audio_ms: float = 0.0
    cut: Cut | None = None


class Transcript:
    """The lines of one call, by item. `view` gives them in order.

    With `words_run_ahead` the text of an utterance may be complete while its audio is not.
    """

    __slots__ = ("_lines", "_ms_per_character")

    def __init__(self, *, words_run_ahead: bool = True) -> None:
        self._lines: dict[str, _Line] = {}
        self._ms_per_character = MS_PER_CHARACTER if words_run_ahead else 0

    def caller_begins(self, item_id: str, at_ms: int) -> None:
        """Note when the caller began to speak."""
        self._line(item_id, "caller").at_ms = at_ms

    def caller_says(self, item_id: str, text: str, at_ms: int) -> None:
        """Note what the caller said; `at_ms` counts only when the beginning was not noted."""
        line = self._line(item_id, "caller")
        line.text = text.strip()
        if line.at_ms is None:
            line.at_ms = at_ms

    def tool_used(self, item_id: str, text: str, at_ms: int) -> None:
        """Note what the agent used a tool for, and what came of it."""
        line = self._line(item_id, "tool")
        line.text, line.at_ms = text, at_ms

    def agent_begins(self, item_id: str, at_ms: int) -> None:
        """Note when the caller began to hear this item."""
        self._line(item_id, "agent").at_ms = at_ms

    def agent_audio(self, item_id: str, ms: float) -> None:
        """Note that the model gave so much more audio of the item."""
        self._line(item_id, "agent").audio_ms += ms

    def agent_adds(self, item_id: str, words: str) -> None:
        """Append words of the agent; those of an item that was cut come too late to be heard."""
        line = self._line(item_id, "agent")
        if line.cut is None:
            line.text += words

    def agent_says(self, item_id: str, text: str) -> None:
        """Replace the pieces by the whole text, unless the item was cut."""
        line = self._line(item_id, "agent")
        if line.cut is None:
            line.text = text

    def cut(self, cut: Cut) -> str:
        """Note where the caller stopped hearing an item, and return the words that were heard of it."""
        line = self._line(cut.item_id, "agent")
        line.cut = cut
        return self._heard(line, cut)

    def break_off(self, item_id: str, received_ms: int) -> None:
        """Note that an item ends where its audio does: nobody is going to say the rest of its text."""
        line = self._line(item_id, "agent")
        line.text = heard_text(
            line.text, received_ms, max(received_ms, len(line.text) * self._ms_per_character)
        )

    @property
    def caller_unheard(self) -> bool:
        """Whether the last that was said is the caller's, and what it was is not known."""
        last = next(reversed(self._lines.values()), None)
        return last is not None and last.role == "caller" and not last.text

    def told(self) -> tuple[TranscriptEntry, ...]:
        """Return what was said, and what is going to have been said once all that waits has been played."""
        entries = [
            TranscriptEntry(line.role, text, line.at_ms, item_id=item_id)
            for item_id, line in self._lines.items()
            if (text := line.text.strip() if line.cut is None else self._heard(line, line.cut))
        ]
        return tuple(sorted(entries, key=lambda entry: math.inf if entry.at_ms is None else entry.at_ms))

    def view(self, unheard: Iterable[Cut] = ()) -> tuple[TranscriptEntry, ...]:
        """Return what has been heard so far; `unheard` are the items that are still being played.

        Utterances that nobody heard and speech that was not understood have no entry.
        """
        playing = {cut.item_id: cut for cut in unheard}
        entries = [
            entry
            for item_id, line in self._lines.items()
            if (entry := self._entry(item_id, line, playing.get(item_id))) is not None
        ]
        return tuple(sorted(entries, key=lambda entry: entry.at_ms or 0))

    def _line(self, item_id: str, role: Role) -> _Line:
        line = self._lines.get(item_id)
        if line is None:
            line = self._lines[item_id] = _Line(role)
        return line

    def _entry(self, item_id: str, line: _Line, playing: Cut | None) -> TranscriptEntry | None:
        """Return the line as heard, or None when there is nothing to show."""
        if line.at_ms is None:
            return None
        if line.role != "agent":
            return TranscriptEntry(line.role, line.text, line.at_ms, item_id=item_id) if line.text else None
        cut = line.cut or playing
        if cut is None:
            text = line.text.strip()
            return TranscriptEntry("agent", text, line.at_ms, int(line.audio_ms), False, item_id)
        if cut.heard_ms <= 0:
            return None
        text = self._heard(line, cut)
        return TranscriptEntry("agent", text, line.at_ms, cut.heard_ms, line.cut is not None, item_id)

    def _heard(self, line: _Line, cut: Cut) -> str:
        """Return the words of the line that were heard up to the cut."""
        if cut.heard_ms <= 0:
            return ""
        whole_ms = (
            cut.received_ms if cut.complete else max(cut.received_ms, len(line.text) * self._ms_per_character)
        )
        return heard_text(line.text, cut.heard_ms, whole_ms)


def heard_text(text: str, heard_ms: int, whole_ms: int) -> str:
    """Return the whole words of `text` that fit into `heard_ms` of its `whole_ms`, spoken evenly."""
    if heard_ms >= whole_ms:
        return text.strip()
    end = len(text) * heard_ms // whole_ms
    inside_word = end > 0 and not text[end - 1].isspace() and not text[end].isspace()
    words = text[:end].split()
    return " ".join(words[:-1] if inside_word else words)
