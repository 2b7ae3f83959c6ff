"""What a new session of the model is told about the call so far.

A session that replaces another begins empty. It is told the conversation as text: what the caller said, and
what the agent said as far as it was heard or is still going to be. Items keep their ids, so that one which is
cut later can be found; being text it cannot be truncated, and is replaced by its shorter self.

Some models take all that with their configuration, and only what has come since then afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runtime.call.actions import Action, ConfigureModel, DeleteItem, Recall, TruncateItem

if TYPE_CHECKING:
    from runtime.call.plan import CallPlan
    from runtime.call.playback.ledger import Cut
    from runtime.call_record import TranscriptEntry

MOST_RECALLED: Final = 200  # the newest entries that a session is told
LONGEST_ID: Final = 32  # characters of an item's id that a session takes

BROKEN_OFF: Final = (
    "The connection failed for a moment, and your last sentence broke off where it ends above. "
    "Go on from there: repeat nothing that was said, and do not mention the connection."
)
UNHEARD: Final = (
    "The connection failed for a moment, and what the caller said last may be missing above. "
    "If you cannot answer without it, ask the caller to say it again."
)


class Memory:
    """Knows which items the present session was told, and which it has made itself."""

    __slots__ = ("_at_start", "_brief", "_history", "_older", "_recalled", "_told_at_start", "_truncates")

    def __init__(self, plan: CallPlan) -> None:
        """Begin with what was said in this call before this machine."""
        self._history = plan.history
        self._truncates = plan.capabilities.truncates
        self._at_start = plan.capabilities.recalls_at_start
        self._told_at_start: frozenset[Recall] = frozenset()
        self._brief: str | None = None
        self._older: frozenset[str] = frozenset()
        self._recalled: set[str] = set()

    def lost(self, *, agent_broken_off: bool, caller_unheard: bool) -> None:
        """Note what the last session did not live to finish, for the next one to know."""
        if caller_unheard:
            self._brief = UNHEARD
        elif agent_broken_off:
            self._brief = BROKEN_OFF

    def brief(
        self, actions: Sequence[Action], said: Callable[[], Iterable[TranscriptEntry]]
    ) -> Sequence[Action]:
        """Complete a configuration among the actions, where the model is told of the call with it."""
        if not (self._at_start and any(isinstance(action, ConfigureModel) for action in actions)):
            return actions
        history = tuple(self._told(said()))
        self._told_at_start = frozenset(history)
        return [
            replace(action, history=history) if isinstance(action, ConfigureModel) else action
            for action in actions
        ]

    def recall(self, said: Iterable[TranscriptEntry]) -> list[Recall]:
        """Return what to tell a session that does not know it yet; `said` follows the history."""
        told = self._told(said)
        self._recalled = {each.item_id for each in told if each.item_id is not None}
        self._brief = None
        known, self._told_at_start = self._told_at_start, frozenset()
        return [each for each in told if each not in known] if known else told

    def _told(self, said: Iterable[TranscriptEntry]) -> list[Recall]:
        entries = [entry for entry in (*self._history, *said) if entry.text]
        self._older = frozenset(entry.item_id for entry in entries if entry.item_id is not None)
        told = [_recall(entry) for entry in entries[-MOST_RECALLED:]]
        return [*told, Recall("system", self._brief)] if self._brief is not None else told

    def cut(self, cut: Cut, heard: str) -> list[Action]:
        """Return what tells the session that of this item only `heard` was heard."""
        item_id = cut.item_id
        if not self._truncates:
            return []
        if item_id in self._recalled:
            self._recalled.discard(item_id)
            shorter: list[Action] = [Recall("agent", heard)] if heard else []
            return [DeleteItem(item_id), *shorter]
        if item_id in self._older:
            return []
        return [TruncateItem(item_id, cut.heard_ms) if cut.heard_ms > 0 else DeleteItem(item_id)]


def _recall(entry: TranscriptEntry) -> Recall:
    """Return the entry as a session is told it; a tool's line is no party's."""
    role = "system" if entry.role == "tool" else entry.role
    item_id = entry.item_id
    return Recall(role, entry.text, item_id if item_id is None or len(item_id) <= LONGEST_ID else None)
