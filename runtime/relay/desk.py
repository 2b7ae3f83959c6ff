"""Calls in relay mode: how one begins, and the document that connects its caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from runtime import twiml
from runtime.call.hearing.interruption import InterruptTerms
from runtime.call.plan import CallPlan
from runtime.call.text.relay_call import RelayCall
from runtime.call.text.relay_steps import RelayTerms
from runtime.call_progress import Interrupted, continued
from runtime.call_terms import interrupt_terms, prep_terms, prep_variables, recording_terms, text_settings
from runtime.calls import LiveCall
from runtime.engines.text import TextEngine
from runtime.figures.prices import PriceTable, text_cost
from runtime.hold_media import announced
from runtime.line import CallLine, RecordingOrder
from runtime.relay.session import RelaySession
from runtime.signature import websocket_url
from runtime.transfers.run import TransferRequest
from schemas.relay_voices import relay_recogniser, relay_voice

if TYPE_CHECKING:
    from runtime.call.actions import BeginTransfer
    from runtime.call.events import Event
    from runtime.call_record import CallRecord
    from runtime.calls import Calls
    from runtime.hold_media import HoldMedia
    from runtime.model.text_line import AskText
    from runtime.tool_room import ToolRoom
    from runtime.transfers.transfers import Transfers
    from runtime.twilio_api import TwilioApi
    from runtime.webhook import VoiceWebhook
    from schemas import Agent, Fleet

STREAM_SECONDS: Final = 20.0  # in which Twilio has to connect, on top of what it speaks before that
USUAL_SECONDS: Final = 5.0  # after which a node that wants to stop does not expect it any more
NO_PRELUDE: Final = twiml.HoldPrelude()


@dataclass(frozen=True, slots=True)
class RelayDesk:
    """Serves the calls of a node. `base_url` is where this node's own routes are reached.

    `clock` gives monotonic seconds, `epoch` seconds since 1970.
    """

    fleet: Fleet
    base_url: str
    media: HoldMedia
    calls: Calls
    tools: ToolRoom
    transfers: Transfers
    twilio: TwilioApi
    ask: AskText
    clock: Callable[[], float]
    epoch: Callable[[], float]

    def begin(
        self, agent: Agent, webhook: VoiceWebhook, opening: CallRecord, interrupted: Interrupted | None
    ) -> LiveCall:
        """Begin a call, or the rest of one that another run had."""
        now = self.clock()
        prelude = self._prelude(agent) if interrupted is None else NO_PRELUDE
        plan = self._plan(agent, now, prelude, interrupted)
        line = CallLine(webhook.call_sid, lambda: self.twilio.of_number(agent.name, webhook.called))
        call = LiveCall(
            opening=opening,
            session=self._session(agent, webhook, plan, line, opening.id),
            answer="",
            fallback_message=agent.fallback_message,
            begun_at=now if interrupted is None else opening.started_at / 1000 - plan.epoch_at_zero,
            answered_at=plan.answered_at,
            expected_at=now + prelude.seconds + USUAL_SECONDS,
            price=partial(text_cost, model=agent.voice.model, table=PriceTable.of(self.fleet.service.prices)),
            before=None if interrupted is None else interrupted.record,
            max_call_seconds=agent.max_call_seconds,
            line=line,
            order=self._order(agent),
            attended=interrupted is not None and interrupted.progress.answered_at is not None,
        )
        call.answer = self.document(agent, call, prelude)
        self.calls.begin(call)
        return call

    def document(self, agent: Agent, call: LiveCall, prelude: twiml.HoldPrelude = NO_PRELUDE) -> str:
        """Return the document that connects the caller of a call."""
        voice = agent.voice
        return twiml.render(
            "relay.xml.j2",
            hold=prelude,
            relay_url=f"{websocket_url(self.base_url)}/relay/{call.token}",
            after_url=f"{self.base_url}/voice/{agent.name}/after",
            language=voice.language,
            voice=relay_voice(voice.name),
            recogniser=relay_recogniser(voice.speech_model or ""),
            interruptible="any" if interrupt_terms(voice) != InterruptTerms(allowed=False) else "none",
            partials="true" if self._drafts(agent) else "false",
        )

    def _prelude(self, agent: Agent) -> twiml.HoldPrelude:
        prelude = self.media.prelude(self.fleet.hold_of(agent))
        recording = recording_terms(agent)
        return prelude if recording is None else announced(prelude, recording.announcement)

    def _plan(
        self, agent: Agent, now: float, prelude: twiml.HoldPrelude, interrupted: Interrupted | None
    ) -> CallPlan:
        plan = CallPlan(
            greeting=agent.greeting,
            fallback_message=agent.fallback_message,
            max_call_seconds=agent.max_call_seconds,
            # Twilio answers the call in order to speak; without that the connection is the answer.
            answered_at=now if prelude.seconds else None,
            stream_timeout=STREAM_SECONDS + prelude.seconds,
            epoch_at_zero=self.epoch() - now,
            idle_seconds=agent.idle_seconds,
            tools=self.tools.of(agent).functions,
            prep=prep_terms(agent) if interrupted is None else "none",
        )
        return plan if interrupted is None else continued(plan, interrupted)

    def _session(
        self, agent: Agent, webhook: VoiceWebhook, plan: CallPlan, line: CallLine, call_id: str
    ) -> RelaySession:
        engine = TextEngine(text_settings(agent, self.tools.of(agent)))

        def transfer(order: BeginTransfer, feed: Callable[[Event], None]) -> None:
            request = TransferRequest(agent, line, call_id, webhook.called, order, feed)
            self.calls.extend(line.call_sid, self.transfers.begin(request))

        return RelaySession(
            webhook.call_sid,
            RelayCall(plan, RelayTerms(drafts=self._drafts(agent)), now=self.clock()),
            engine,
            ask=self.ask,
            clock=self.clock,
            on_stream=lambda: self.calls.streaming(webhook.call_sid),
            on_second=lambda: self.calls.look_after(webhook.call_sid, self.clock()),
            errands=self.tools.errands(
                agent, engine, prep_variables(webhook), name=webhook.call_sid, clock=self.clock
            ),
            transfer=transfer,
        )

    def _drafts(self, agent: Agent) -> bool:
        """Whether an answer may be begun early: not where the model's side would act on it at once."""
        return not self.tools.of(agent).mcp

    def _order(self, agent: Agent) -> RecordingOrder | None:
        """Return what Twilio is to record. Its report may come when this node is gone: any may take it."""
        recording = recording_terms(agent)
        if recording is None:
            return None
        callback = f"{self.fleet.service.public_url}/voice/{agent.name}/recording"
        return RecordingOrder(recording.channels, callback)
