"""What every call with a text model knows, without I/O: its terms, its facts, its talk, and how it opens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from runtime.call.actions import Respond
from runtime.call.ending import CallFacts, Ending, conclude
from runtime.call.text.text_talk import TextTalk
from runtime.call.time_limit import TimeLimit

if TYPE_CHECKING:
    from runtime.call.events import Prepared
    from runtime.call.plan import CallPlan
    from runtime.call.text.text_talk import TextAction
    from runtime.call_record import TranscriptEntry

OPENING: Final = "The caller has just been connected. Greet them, and ask what you can do for them."


class TextCall(ABC):
    """One call, from its webhook at `now` (s) on.

    `ssml`, `drafts` and `streams` are those of its talk.
    """

    __slots__ = ("_answered_at", "_facts", "_limit", "_now", "_plan", "_talk", "_unprepared")

    def __init__(self, plan: CallPlan, *, now: float, ssml: bool, drafts: bool, streams: bool) -> None:
        self._plan = plan
        self._now = now
        self._answered_at = plan.answered_at
        self._facts = CallFacts(streaming=plan.returns > 0, spoken=plan.agent_has_spoken)
        self._talk = TextTalk(self._facts, plan, self._at_ms, ssml=ssml, drafts=drafts, streams=streams)
        self._limit = TimeLimit(plan.max_call_seconds)
        self._unprepared = plan.prep == "required"
        if plan.answered_at is not None:
            self._limit.start(plan.answered_at)

    # --- what the record shows

    @property
    def facts(self) -> CallFacts:
        """What has been recorded so far: a live view, to be read only."""
        return self._facts

    @property
    def transcript(self) -> tuple[TranscriptEntry, ...]:
        """What was said."""
        return self._talk.transcript

    @property
    def ending(self) -> Ending | None:
        """How the call ended; None while it goes on."""
        return conclude(self._facts) if self._is_over else None

    @property
    @abstractmethod
    def _is_over(self) -> bool:
        """Whether the machine has said its last word."""

    # --- the first words

    def _open(self, now: float) -> list[TextAction]:
        """Let the agent say its first words."""
        greeting = self._plan.greeting
        first = Respond(say=greeting) if greeting else Respond(guidance=OPENING)
        return self._talk.request(self._plan.opening or first, now)

    def _prepare(self, event: Prepared, now: float) -> list[TextAction]:
        """Take what is known about the caller; without what is required of it the call is refused."""
        self._facts.caller_profile = event.profile
        if not self._unprepared:
            return self._talk.prepared(now)
        if not event.complete:
            self._facts.refused = "prep_timeout"
            return []
        self._unprepared = False
        return [*self._open(now), *self._talk.prepared(now)]

    def _at_ms(self, moment: float) -> int:
        """Return a moment (s) in ms since the answer."""
        return 0 if self._answered_at is None else max(0, round((moment - self._answered_at) * 1000))
