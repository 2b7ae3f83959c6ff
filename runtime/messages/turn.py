"""The agent's turn in a conversation in writing, without I/O: messages and a clock in, one answer out.

The talk is that of every call in text; what differs is that nothing is spoken while it is being written. A
message that comes while the model thinks has it think again, unless it has asked for tools by then: in that
case both are answered in one. The turn ends with one `Reply`, whatever happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from runtime.call import events as ev
from runtime.call.actions import Finished, Respond, RunTool
from runtime.call.ending import CallFacts
from runtime.call.text.text_events import (
    AskFailed,
    AskModel,
    ContextItem,
    File,
    Shown,
    TextDelta,
    TextEnded,
    Told,
)
from runtime.call.text.text_talk import TextTalk
from runtime.call.usage import Usage
from runtime.messages.tools import SEND_MEDIA, SEND_TEMPLATE

if TYPE_CHECKING:
    from runtime.call.plan import CallPlan
    from runtime.call.text.text_events import CancelAsk
    from runtime.call_record import TranscriptEntry

LONGEST_TURN: Final = 180.0  # s, tools included
MOST_RESTARTS: Final = 3  # of one answer: somebody who writes on and on is answered in between
MOST_ENCLOSED: Final = 5  # files and templates that one answer sends
ENCLOSED: Final = '{"added": true}'
TOO_MANY: Final = '{"error": "no more can be sent with this answer"}'


@dataclass(frozen=True, slots=True)
class Words:
    """Messages that came together: by their SIDs, as one text, with the files that the model is shown.

    `usage` is what reading them has taken.
    """

    sids: tuple[str, ...]
    text: str
    files: tuple[File, ...] = ()
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Keep:
    """Store how far the turn has come: something was done that must not be done again."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template by its declared name, with the values of its variables."""

    name: str
    variables: tuple[tuple[str, str], ...] = ()


Enclosed: TypeAlias = "str | Template"


@dataclass(frozen=True, slots=True)
class Reply:
    """The agent's answer: a text, which may be empty, with public addresses of files, and templates."""

    text: str
    enclosed: tuple[Enclosed, ...] = ()


TurnEvent: TypeAlias = Words
TurnAction: TypeAlias = "AskModel | CancelAsk | RunTool | Keep | Reply | Finished"


class MessageTurn:
    """One turn, from `now` (s) on, which answers `words`; None for what the history ends with.

    `plan.answered_at` is when the conversation began. `taken` are the messages that are in the transcript.
    """

    def __init__(self, plan: CallPlan, words: Words | None, *, now: float) -> None:
        assert plan.answered_at is not None
        self._began_at = plan.answered_at
        self._plan = plan
        self._facts = CallFacts(streaming=True, spoken=plan.agent_has_spoken)
        self._talk = TextTalk(self._facts, plan, self._at_ms, ssml=False, drafts=False, streams=True)
        self._first = words
        self._files: tuple[File, ...] = ()
        self._enclosed: list[Enclosed] = []
        self._now = now
        self._deadline = now + LONGEST_TURN
        self._restarts = 0
        self._unprepared = plan.prep == "required"
        self._over = False
        self.taken: tuple[str, ...] = ()
        self.failed: str | None = None
        """Why the contact was told that there is no answer."""

    # --- what the record shows

    @property
    def facts(self) -> CallFacts:
        """What has been recorded so far: a live view, to be read only."""
        return self._facts

    @property
    def transcript(self) -> tuple[TranscriptEntry, ...]:
        """What was written in this turn."""
        return self._talk.transcript

    @property
    def ends_conversation(self) -> bool:
        """Whether the agent wants the conversation to end."""
        return self._talk.hang_up_asked

    # --- the surface for the shell

    def begin(self) -> Sequence[TurnAction]:
        """Let the model be asked."""
        if self._first is None:
            return self._dressed(self._talk.request(Respond(), self._now))
        return self._dressed(self._hear(self._first, self._now))

    def handle(
        self, event: TurnEvent | ev.Event | TextDelta | TextEnded | AskFailed, now: float
    ) -> Sequence[TurnAction]:
        """Take one event and return what is to be done about it; nothing once the turn is over."""
        if self._over:
            return ()
        self._now = now
        actions: list[TurnAction] = []
        match event:
            case Words():
                actions += self._interrupt(event, now)
            case ev.Prepared():
                actions += self._on_prepared(event, now)
            case ev.ToolAnswered():
                actions += [*self._talk.tool_answered(event, now), Keep()]
            case ev.ToolReported():
                actions += [*self._talk.tool_reported(event, now), Keep()]
            case TextDelta() | TextEnded() | AskFailed() | ev.ToolRequested():
                actions += self._talk.handle(event, now)
            case _:  # of telephone calls
                return ()
        return [*self._dressed(actions), *self._look(now)]

    def wake_at(self) -> float | None:
        """Return the moment (s) at which to call `wake`, None once the turn is over."""
        if self._over:
            return None
        return max(self._now, min(self._deadline, self._talk.wake_at()))

    def wake(self, now: float) -> Sequence[TurnAction]:
        """Do what is due."""
        if self._over:
            return ()
        self._now = now
        if now >= self._deadline:
            return self._give_up("the turn took too long", now)
        return [*self._dressed(self._talk.wake(now)), *self._look(now)]

    def drop(self) -> Sequence[TurnAction]:
        """End without an answer: the contact wants none any more."""
        self._over = True
        return [*self._talk.stop(), Finished()]

    # --- the contact

    def _hear(self, words: Words, now: float) -> Sequence[TurnAction]:
        self.taken += words.sids
        self._files += words.files
        self._facts.used(words.usage)
        return self._talk.caller_says(words.text, now, now, pause_ms=None)

    def _interrupt(self, words: Words, now: float) -> list[TurnAction]:
        """Take messages that came while the agent was at its answer; if that happens too often, they wait."""
        if self._restarts >= MOST_RESTARTS:
            return []
        self._restarts += 1
        given_up = self._talk.reconsider(now)
        if given_up:  # nobody has read what there was of it
            self._talk.drop_speech()
        return [*given_up, *self._hear(words, now)]

    def _on_prepared(self, event: ev.Prepared, now: float) -> Sequence[TurnAction]:
        self._facts.caller_profile = event.profile
        if self._unprepared and not event.complete:
            self._facts.refused = "prep_timeout"
            return ()
        self._unprepared = False
        return self._talk.prepared(now)

    # --- the answer

    def _look(self, now: float) -> Sequence[TurnAction]:
        """Answer, when there is nothing more to come."""
        if self._facts.refused is not None:
            return self._give_up("what is to be known of the contact cannot be had", now)
        if self._talk.failed is not None:
            return self._give_up(self._talk.failed, now)
        if self._unprepared or not self._talk.settled:
            return ()
        self._over = True
        text = "".join(self._talk.take(now)).strip()
        return [Reply(text, tuple(self._enclosed)), Finished()]

    def _give_up(self, why: str, now: float) -> Sequence[TurnAction]:
        """Tell the contact that there is no answer."""
        self._over = True
        self.failed = why
        actions = self._talk.stop()
        self._talk.drop_speech()
        self._talk.say(self._plan.fallback_message or "", now)
        text = "".join(self._talk.take(now)).strip()
        return [*actions, Reply(text), Finished()]

    # --- what the talk wants

    def _dressed(self, actions: Sequence[TurnAction]) -> list[TurnAction]:
        """Return the talk's actions: the model is shown the files, and what goes with the answer is kept."""
        dressed: list[TurnAction] = []
        for action in actions:
            if isinstance(action, AskModel):
                dressed.append(replace(action, context=shown(action.context, self._files)))
            elif isinstance(action, RunTool) and action.name in (SEND_MEDIA, SEND_TEMPLATE):
                dressed += self._enclose(action)
            else:
                dressed.append(action)
        return dressed

    def _enclose(self, action: RunTool) -> list[TurnAction]:
        room = len(self._enclosed) < MOST_ENCLOSED
        if room:
            self._enclosed.append(_enclosed(action))
            self._talk.answered_otherwise = True
        output = ENCLOSED if room else TOO_MANY
        answered = ev.ToolAnswered(action.call_id, output, None, 0)
        return self._dressed(self._talk.tool_answered(answered, self._now))

    def _at_ms(self, moment: float) -> int:
        return max(0, round((moment - self._began_at) * 1000))


def _enclosed(action: RunTool) -> Enclosed:
    if action.name == SEND_MEDIA:
        return str(action.arguments["url"])
    given = action.arguments.get("variables")
    variables = given.items() if isinstance(given, dict) else ()
    return Template(str(action.arguments["name"]), tuple((name, str(value)) for name, value in variables))


def shown(context: tuple[ContextItem, ...], files: tuple[File, ...]) -> tuple[ContextItem, ...]:
    """Return what the model is told with the files beside the contact's last words."""
    if not files:
        return context
    for place in range(len(context) - 1, -1, -1):
        item = context[place]
        if isinstance(item, Told) and item.role == "caller":
            return (*context[:place], Shown(item.text, files), *context[place + 1 :])
    return context
