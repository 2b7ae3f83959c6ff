"""The machine and the codec talk with the sandbox's model: two readings of one protocol, no sockets.

Every event of both sides is judged by the types of OpenAI's own package.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from functools import partial

import numpy as np
import pytest

from runtime.audio.ulaw import to_linear
from runtime.call import events as ev
from runtime.call.actions import Action, CloseModel, EndStream, EngineAction, Finished, TruncateItem
from runtime.call.ending import Ending
from runtime.call.plan import CallPlan
from runtime.engines.realtime import RealtimeEngine
from runtime.engines.realtime_session import RealtimeSettings
from sandbox.model import BISTRO, Call, Fail, Script, Session, say, when
from sandbox.model.server_events import ServerEvent, encode
from sandbox.model.session import Quirks
from sandbox.speech import clip
from tests.runtime.engines.telephone import (
    ONE_WAY,
    ClipTelephone,
    book_a_table,
    heard,
    interrupt_the_menu,
    lines,
)
from tests.sandbox.model.oracle import judge_client_event, judge_server_event

GREETING = clip("agent-greeting-bistro")
SORRY = "Please call again later."
PLAN = CallPlan(greeting=GREETING.text, fallback_message=SORRY)


class Telephone(ClipTelephone):
    """A caller who speaks clips, and between them sends silence, in a call with the sandbox's model."""

    def __init__(
        self, script: Script | None = None, plan: CallPlan = PLAN, quirks: Quirks | None = None
    ) -> None:
        super().__init__(plan)
        self.refusals: list[ServerEvent] = []
        self._engine = RealtimeEngine(RealtimeSettings("You are a waiter."))
        self._session = Session(
            model=self._engine.model,
            script=script or Script(),
            rng=random.Random(1),
            now=self.now * 1000,
            epoch_s=1_790_000_000,
            quirks=quirks or Quirks(),
        )
        self._reply(self._session.begin())

    def carry_out(self, action: Action) -> None:
        super().carry_out(action)
        if isinstance(action, EngineAction):
            self.at(self.now + ONE_WAY, partial(self._ask, self._engine.encode(action)))

    def _ask(self, frame: str) -> None:
        judge_client_event(json.loads(frame))
        self._reply(self._session.handle(frame, self.now * 1000))

    def _reply(self, events: Iterable[ServerEvent]) -> None:
        for event in events:
            frame = encode(event, "event_1")
            judge_server_event(json.loads(frame))
            self.refusals += [event] if '"type":"error"' in frame else []
            self.at(self.now + ONE_WAY, partial(self._hear_model, frame))
        due = self._session.wake_at()
        if due is not None:
            self.at(due / 1000, self._wake_model)

    def _wake_model(self) -> None:
        events = self._session.wake(self.now * 1000)
        if events:
            self._reply(events)

    def _hear_model(self, frame: str) -> None:
        event = self._engine.decode(frame)
        if event is not None:
            self.feed(event)


def test_a_conversation_reaches_both_ears_byte_for_byte() -> None:
    call = Telephone()
    book_a_table(call)
    assert call.refusals == []


def test_a_long_answer_that_is_interrupted_is_cut_where_the_caller_spoke() -> None:
    call = Telephone()
    menu = interrupt_the_menu(call)
    (truncate,) = call.actions(TruncateItem)
    assert isinstance(truncate, TruncateItem)
    assert (menu.item_id, menu.heard_ms) == (truncate.item_id, truncate.heard_ms)
    assert call.refusals == []


@pytest.mark.parametrize("pause", [0.62, 0.75, 0.9, 1.13, 1.8, 2.4, 3.7, 6.1])
def test_no_moment_of_interruption_makes_the_model_refuse_anything(pause: float) -> None:
    call = Telephone()
    call.pick_up()
    call.run(pause)
    call.speak("caller-menu", then=pause)
    call.speak("caller-book-table", then=pause)
    call.speak("caller-friday-two", then=8.0)
    assert call.refusals == []
    assert heard(call, "agent-booked")


def test_an_agent_who_hangs_up_is_heard_to_the_end() -> None:
    goodbye = when("caller-thanks-goodbye", (say("agent-goodbye"), Call("hang_up")))
    call = Telephone(Script(rules=(goodbye, *BISTRO)))
    call.pick_up()
    call.run(6.0)
    call.speak("caller-thanks-goodbye", then=6.0)
    assert heard(call, "agent-goodbye")
    assert [action for _, action in call.done][-3:] == [EndStream(None), CloseModel(), Finished()]
    assert call.machine.ending == Ending("completed", end_reason="agent_completed")


def test_keys_are_answered_like_words() -> None:
    call = Telephone(Script(rules=(when("keys 12", say("agent-hours")),)))
    call.pick_up()
    call.run(6.0)
    call.feed(ev.KeyPressed("1"), ev.KeyPressed("2"))
    call.run(8.0)
    assert ("caller", "[keys: 12]") in lines(call)
    assert heard(call, "agent-hours")


def test_the_warning_is_spoken_half_a_minute_before_the_end() -> None:
    call = Telephone(plan=CallPlan(greeting=GREETING.text, fallback_message=SORRY, max_call_seconds=70))
    call.pick_up()
    call.run(46.0)
    assert heard(call, "agent-warning")
    call.run(25.0)
    assert call.machine.ending == Ending("completed", end_reason="max_duration")


def test_an_answer_that_fails_once_is_given_the_second_time() -> None:
    call = Telephone(Script(rules=(when("caller-menu", Fail(), say("agent-menu")),)))
    call.pick_up()
    call.run(6.0)
    call.speak("caller-menu", then=14.0)
    assert heard(call, "agent-menu")


def test_a_format_that_is_echoed_wrong_once_is_put_right() -> None:
    call = Telephone(quirks=Quirks(echo_pcm=1))
    call.pick_up()
    call.run(6.0)
    assert heard(call, "agent-greeting-bistro")


def test_a_model_that_insists_on_pcm_is_understood_and_heard_through_a_conversion() -> None:
    call = Telephone(quirks=Quirks(echo_pcm=99))
    call.pick_up()
    call.run(6.0)
    call.speak("caller-book-table", then=8.0)
    said = [clip(name).ulaw for name in ("agent-greeting-bistro", "agent-ask-day")]
    assert resemblance(call.carrier.heard(call.now), b"".join(said)) > 0.95
    assert lines(call)[1:] == [
        ("caller", clip("caller-book-table").text),
        ("agent", clip("agent-ask-day").text),
    ]
    assert call.refusals == []


def test_a_model_that_echoes_mu_law_and_sends_pcm_is_heard_through_a_conversion() -> None:
    call = Telephone(quirks=Quirks(send_pcm=True))
    call.pick_up()
    call.run(6.0)
    call.speak("caller-book-table", then=8.0)
    said = [clip(name).ulaw for name in ("agent-greeting-bistro", "agent-ask-day")]
    assert resemblance(call.carrier.heard(call.now), b"".join(said)) > 0.95


def resemblance(heard: bytes, said: bytes) -> float:
    """How much one sound is like another, wherever it lies in it; 1 for the same."""
    one, other = (np.frombuffer(to_linear(ulaw), np.int16).astype(np.float64) for ulaw in (heard, said))
    size = 1 << (len(one) + len(other)).bit_length()
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return float(product.max() / (np.linalg.norm(one) * np.linalg.norm(other)))
