"""The conversation with a text model, without I/O: what the caller said in, the agent's sentences out.

One ask at a time. What the model writes is cut into sentences, which wait until the leg takes them to be
spoken; only what was taken counts as said. Tools run beside it, and their answers lead to the next ask.

While the caller still speaks there may be a *draft*: an ask for what has been understood so far. When the
caller's final words are the same, the draft is the answer, and has had a head start; when they are not, it is
thrown away. Nothing that a draft says or asks for takes effect before that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from runtime.call import events as ev
from runtime.call.actions import BeginTransfer, Respond, RunTool, TellModel
from runtime.call.text.drafting import SETTLED, SETTLED_IN_STREAM, Drafting
from runtime.call.text.text_answer import Answer
from runtime.call.text.text_clock import TextClock
from runtime.call.text.text_events import AskFailed, AskModel, CancelAsk, TextModelEvent, Told
from runtime.call.text.text_script import TextScript
from runtime.call.text.waiting_speech import WaitingSpeech
from runtime.call.tools.tool_desk import SoundKeys, ToolDesk
from runtime.call.tools.toolbox import ToolLine
from runtime.call_record import TranscriptEntry

if TYPE_CHECKING:
    from runtime.call.actions import AnswerTool
    from runtime.call.ending import CallFacts
    from runtime.call.plan import CallPlan
    from runtime.call.tools.digit_input import DigitInput
    from runtime.call.tools.tool_desk import DeskAction
    from runtime.call.transfer_steps import Outcome

MOST_WAITING: Final = 8  # asks that wait for their turn

TextAction: TypeAlias = AskModel | CancelAsk | RunTool


class TextTalk:
    """The talk of one call. `at_ms` turns a moment (s) into ms since the answer.

    `streams`: what the model writes is not cut into sentences, for a leg that does so itself.
    """

    __slots__ = (
        "_answer",
        "_asked",
        "_at_ms",
        "_clock",
        "_desk",
        "_drafting",
        "_facts",
        "_held",
        "_script",
        "_speech",
        "_waiting",
        "answered_otherwise",
        "failed",
        "keys",
    )

    def __init__(
        self,
        facts: CallFacts,
        plan: CallPlan,
        at_ms: Callable[[float], int],
        *,
        ssml: bool,
        drafts: bool,
        streams: bool = False,
    ) -> None:
        self._facts = facts
        self._at_ms = at_ms
        self._script = TextScript(plan.history)
        self._desk = ToolDesk(plan.tools, facts.tools, language=plan.language)
        self._answer: Answer | None = None
        settled = SETTLED_IN_STREAM if streams else SETTLED
        self._drafting = Drafting(settled=settled) if drafts else Drafting(most=0)
        self._waiting: list[Respond] = []
        self._speech = WaitingSpeech(ssml=ssml, streams=streams)
        self._asked = 0
        self._held = plan.prep != "none"
        self._clock = TextClock(facts)
        self.keys: str | None = None
        """Keys that are to be sounded behind the speech."""
        self.answered_otherwise = False
        """Whether the other side gets something even if the agent has no words for it."""
        self.failed: str | None = None
        """Why there is no model any more, None while there is one."""

    # --- what there is to do for the leg

    @property
    def settled(self) -> bool:
        """Whether the agent has nothing to add to what waits to be spoken."""
        by_leg = self.keys is not None or self._desk.collecting
        return self._answer is None and not self._waiting and (by_leg or not self._desk.busy)

    @property
    def speech_since(self) -> float:
        """When (s) the first of the sentences came that wait to be spoken, infinity when none waits."""
        return self._speech.since

    @property
    def language(self) -> str | None:
        """The language that the agent has changed to, None while it is the first one."""
        return self._desk.language

    @property
    def hang_up_asked(self) -> bool:
        """Whether the agent wants the call to end."""
        return self._desk.hang_up_asked

    @property
    def transfer_asked(self) -> BeginTransfer | None:
        """The transfer that the agent wants, until it has ended."""
        return self._desk.transfer_asked

    @property
    def collecting(self) -> DigitInput | None:
        """The digits that the caller is to type, if any."""
        return self._desk.input

    @property
    def transcript(self) -> tuple[TranscriptEntry, ...]:
        """What was said."""
        return self._script.entries()

    @property
    def ask_id(self) -> str | None:
        """The ask whose words are still coming, if any."""
        return None if self._answer is None else self._answer.ask_id

    def take(self, now: float, *, goes_on: bool = False) -> tuple[str, ...]:
        """Return the sentences that wait, which are going to be spoken from now on.

        `goes_on`: they belong to those that were taken last.
        """
        sentences = self._speech.take()
        if sentences:
            words = self._speech.joined(sentences)
            if self._answer is not None and words.strip():
                self._answer.was_heard = True
            self._script.agent_says(words, self._at_ms(now), goes_on=goes_on)
            self._clock.words_leave(now, self._at_ms(now))
        return sentences

    # --- the caller

    def caller_says(
        self, text: str, began_at: float, now: float, *, guidance: str | None = None, pause_ms: int | None
    ) -> list[TextAction]:
        """Take the caller's final words, which began at `began_at` (s), and have them answered.

        `pause_ms` is how long the caller had been silent by then, None when unknown.
        """
        self._script.caller_says(text, self._at_ms(began_at))
        self._desk.caller_speaks()
        self._clock.begin(now, pause_ms)
        actions, draft = self._end_drafting(text if guidance is None else None)
        if draft is not None and self._answer is None and not self._waiting:
            return [*actions, *self._adopt(draft, now)]
        return [*actions, *self._throw_away(draft), *self.request(Respond(guidance=guidance), now)]

    def caller_is_saying(self, text: str, now: float) -> list[TextAction]:
        """Take the caller's words so far: a draft for other words is thrown away."""
        if self._answer is not None or self._waiting or self._held:
            return []
        return self._throw_away(self._drafting.hear(text, now))

    def cut(self, moment: float) -> None:
        """Note that the caller has heard the agent up to this moment (s)."""
        self._script.cut(self._at_ms(moment))

    def interrupt(self, heard: str, heard_ms: int, now: float) -> list[TextAction]:
        """Stop the agent, of whom the caller has heard this."""
        self._script.cut_at(heard, heard_ms)
        self.drop_speech()
        return self.break_off(now)

    def break_off(self, now: float) -> list[TextAction]:
        """Have no more of the answer; the tools that it asked for are used all the same."""
        answer, self._answer = self._answer, None
        if answer is None:
            return []
        return [CancelAsk(answer.ask_id), *self._do(self._desk.response_ended(answer.ask_id), now)]

    def reconsider(self, now: float) -> list[TextAction]:
        """Have no answer of which the caller knows nothing yet: they have something to add."""
        answer = self._answer
        return [] if answer is None or answer.was_heard or answer.has_acted else self.break_off(now)

    def keys_sent(self, now: float) -> list[TextAction]:
        """Note that the keys have sounded."""
        self.keys = None
        return self._do(self._desk.keys_heard(now, whole=True), now)

    def typed(self, keys: str, finish_key: str | None, now: float) -> list[TextAction]:
        """Take what the caller has typed for a tool."""
        return self._do(self._desk.take_input(keys, finish_key), now)

    def press(self, key: str, now: float) -> list[TextAction]:
        """Take a key while the caller types for a tool."""
        return self._do(self._desk.press(key, now), now)

    def listen(self, now: float) -> None:
        """Note that the caller has heard what to type."""
        self._desk.listen(now)

    # --- the agent

    def say(self, words: str, now: float) -> None:
        """Let the agent say exactly this."""
        splitter = self._speech.splitter()
        self._speech.add([*splitter.add(words), *splitter.flush()], now)

    def request(self, respond: Respond, now: float) -> list[TextAction]:
        """Let the agent speak when it is its turn."""
        if respond.say is not None:
            self.say(respond.say, now)
            return []
        if respond not in self._waiting and len(self._waiting) < MOST_WAITING:
            self._waiting.append(respond)
        return self._go_on(now)

    def transfer_ended(self, outcome: Outcome | None, now: float) -> list[TextAction]:
        """Note what came of a transfer; a caller who comes back is talked to again."""
        return self._do(self._desk.transfer_ended(outcome, now), now)

    def prepared(self, now: float) -> list[TextAction]:
        """Begin to ask the model: what is known about the caller is known."""
        self._held = False
        return self._go_on(now)

    def stop(self) -> list[TextAction]:
        """Ask for nothing any more: the call ends."""
        actions = self._throw_away(self._drafting.drop())
        if self._answer is not None:
            actions.append(CancelAsk(self._answer.ask_id))
        self._answer, self._held = None, True
        self._waiting.clear()
        return actions

    def drop_speech(self) -> None:
        """Let what waits to be spoken be unsaid."""
        self._speech.drop()

    # --- the model

    def handle(self, event: TextModelEvent | ev.ToolRequested, now: float) -> list[TextAction]:
        """Take an event of an ask; one of an ask that was given up means nothing."""
        ask_id = event.response_id if isinstance(event, ev.ToolRequested) else event.ask_id
        draft = self._drafting.answer
        if draft is not None and draft.ask_id == ask_id:
            draft.take(event, now)
            return self._throw_away(self._drafting.drop()) if draft.failed is not None else []
        if self._answer is None or self._answer.ask_id != ask_id:
            return []
        self._answer.take(event, now)
        return self._apply(now)

    def tool_answered(self, event: ev.ToolAnswered, now: float) -> list[TextAction]:
        """Take the answer of a tool that has run."""
        return self._do(self._desk.answer(event), now)

    def tool_reported(self, event: ev.ToolReported, now: float) -> list[TextAction]:
        """Note a tool that the model's side has run."""
        return self._do([self._desk.reported(event)], now)

    # --- time

    def wake_at(self) -> float:
        """Return when (s) something is due, infinity for never."""
        stalls = self._answer.stalls_at if self._answer is not None else math.inf
        return min(stalls, self._drafting.due_at, self._desk.wake_at(self._quiet_since()))

    def wake(self, now: float) -> list[TextAction]:
        """Do what is due."""
        actions: list[TextAction] = []
        if self._answer is not None and now >= self._answer.stalls_at:
            actions.append(CancelAsk(self._answer.ask_id))
            self._answer.take(AskFailed(self._answer.ask_id, "the model does not answer"), now)
            actions += self._apply(now)
        if now >= self._drafting.due_at:
            actions.append(self._begin_draft(now))
        if now >= self._desk.wake_at(self._quiet_since()):
            actions += self._do(self._desk.wake(now, self._quiet_since()), now)
        return actions

    def _quiet_since(self) -> float | None:
        """Return since when (s) the caller waits for a tool in silence, None while they do not."""
        idle = self._answer is None and not self._waiting and not self._speech
        return self._clock.asked_at if idle else None

    # --- asks

    def _go_on(self, now: float) -> list[TextAction]:
        """Begin the next ask, if nothing stands in its way."""
        if self._answer is not None or not self._waiting or self._held or self.failed is not None:
            return []
        return [*self._throw_away(self._drafting.drop()), self._ask(self._waiting.pop(0), now)]

    def _ask(self, respond: Respond, now: float, *, before: Answer | None = None) -> AskModel:
        """Ask; `before` has asked for the same in vain."""
        self._answer = self._new_answer(respond, now, again=before is not None)
        was_heard = before is not None and before.was_heard
        self._answer.needs_words = respond.acts and not (was_heard or self._speech or self.answered_otherwise)
        return AskModel(self._answer.ask_id, self._script.context(), respond.guidance, respond.acts)

    def _new_answer(self, respond: Respond, now: float, *, again: bool = False) -> Answer:
        self._asked += 1
        return Answer(f"ask-{self._asked}", respond, self._speech.splitter(), now, again=again)

    def _adopt(self, draft: Answer, now: float) -> list[TextAction]:
        """Let a draft be the answer."""
        self._answer = draft
        return self._apply(now)

    def _apply(self, now: float) -> list[TextAction]:
        """Let what the answer has brought so far take effect."""
        answer = self._answer
        assert answer is not None
        if answer.began:
            self._clock.model_writes(now)
        actions: list[TextAction] = []
        self._speech.add(answer.take_sentences(), now)
        for request in answer.take_requests():
            named = self._script.tool_asked(request)
            actions += self._do(self._desk.ask(named, now, ended=False, unheard=False), now)
        if answer.failed is not None and not answer.has_acted:
            return [*actions, *self._ask_again(answer, now)]
        if answer.ended:
            self._facts.used(answer.usage)
            self._answer = None
            if answer.is_under_way:
                actions.append(CancelAsk(answer.ask_id))
            actions += self._do(self._desk.response_ended(answer.ask_id), now)
            actions += self._go_on(now)
        return actions

    def _ask_again(self, answer: Answer, now: float) -> list[TextAction]:
        """Ask once more what was not answered; what was said of it stays said, and is gone on from."""
        assert answer.failed is not None
        self._answer = None
        self._facts.met_problem("text_model")
        self._facts.used(answer.usage)
        if answer.again or not answer.failed.may_pass:
            self.failed = answer.failed.detail
            return []
        self.drop_speech()
        return [self._ask(answer.retrial, now, before=answer)]

    # --- drafts

    def _begin_draft(self, now: float) -> TextAction:
        draft = self._new_answer(Respond(), now)
        words = Told("caller", self._drafting.begin(draft))
        return AskModel(draft.ask_id, (*self._script.context(), words))

    def _end_drafting(self, text: str | None) -> tuple[list[TextAction], Answer | None]:
        """Return the draft that answers these final words, and what ends one that does not."""
        draft, fits = self._drafting.end(text)
        return ([], draft) if fits else (self._throw_away(draft), None)

    def _throw_away(self, draft: Answer | None) -> list[TextAction]:
        if draft is None:
            return []
        self._facts.used(draft.usage.thrown_away() if draft.usage is not None else None)
        return [CancelAsk(draft.ask_id)] if draft.is_under_way else []

    # --- what comes of tools

    def _do(self, actions: Sequence[DeskAction], now: float) -> list[TextAction]:
        done: list[TextAction] = []
        for action in actions:
            if isinstance(action, RunTool):
                done.append(action)
            elif isinstance(action, ToolLine):
                self._script.tool_used(action.call_id, action.text, self._at_ms(now))
            elif isinstance(action, SoundKeys):
                self.keys = action.keys
            elif isinstance(action, Respond):
                done += self.request(action, now)
            else:
                self._tell(action)
        return done

    def _tell(self, action: AnswerTool | TellModel) -> None:
        if isinstance(action, TellModel):
            self._script.tell(action.text)
        else:
            self._script.tool_answered(action.call_id, action.output)
