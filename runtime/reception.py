"""The front desk: what a call's webhook is answered with, before any connection is opened for it."""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import assert_never

from runtime import twiml
from runtime.admission import Admitted, AgentLimits, Refused, decide
from runtime.call.actions import BeginTransfer
from runtime.call.events import Event
from runtime.call.machine import CallMachine
from runtime.call.plan import CallPlan
from runtime.call_progress import Interrupted, continued
from runtime.call_record import Caller, CallRecord, RejectReason
from runtime.call_terms import (
    caller_of,
    engine_of,
    interrupt_terms,
    pause_ms,
    prep_terms,
    prep_variables,
    price_of,
    recording_terms,
)
from runtime.calls import Calls, LiveCall
from runtime.figures.load import LoadGate
from runtime.figures.prices import PriceTable
from runtime.gather.desk import GatherDesk
from runtime.hold_media import HoldMedia, announced
from runtime.line import CallLine, RecordingOrder
from runtime.model.connection import ConnectModel
from runtime.outbound.orders import DialOrder
from runtime.outbound.telling import as_ordered
from runtime.prep import with_profile
from runtime.recording import LocalRecording, RecordingWriter
from runtime.relay.desk import RelayDesk
from runtime.say_voice import say_voice
from runtime.session import CallSession
from runtime.signature import websocket_url
from runtime.tool_room import ToolRoom
from runtime.transfers.run import TransferRequest
from runtime.transfers.transfers import Transfers
from runtime.twilio_api import TwilioApi
from runtime.webhook import VoiceWebhook
from schemas import Agent, Fleet
from schemas.recording import Recording

# Twilio is given this long to bring the stream, on top of what it plays before it.
STREAM_SECONDS = 20.0
# How long the model may take to be ready where no hold says otherwise.
MODEL_SECONDS = 20.0
# After which a stream is not to be expected any more by a node that wants to stop.
USUAL_SECONDS = 5.0
# Calls that may wait for their stream at once: each has a paid connection to the model already.
MOST_UNCLAIMED = 200
# The part of each pause before another attempt to reach the model that a call waits.
JITTER = (0.5, 1.0)
NO_PRELUDE = twiml.HoldPrelude()


Requested = Callable[[BeginTransfer, Callable[[Event], None]], TransferRequest]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the webhook is answered with: a status and, with 200, TwiML."""

    status: HTTPStatus
    twiml: str = ""


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes calls for the fleet's agents. `base_url` is where this node's own routes are reached.

    `clock` gives monotonic seconds, `epoch` seconds since 1970.
    """

    fleet: Fleet
    base_url: str
    media: HoldMedia
    calls: Calls
    recordings: RecordingWriter
    twilio: TwilioApi
    connect: ConnectModel
    load: LoadGate
    tools: ToolRoom
    transfers: Transfers
    gather: GatherDesk
    relay: RelayDesk
    clock: Callable[[], float]
    epoch: Callable[[], float]

    def answer(
        self, agent: Agent, webhook: VoiceWebhook, *, opening: CallRecord | None = None, elsewhere: int = 0
    ) -> Answer:
        """Decide on a call and begin it. A repeated webhook is the same call and gets the same answer.

        `opening` is its record if it is stored already, `elsewhere` are the agent's calls on other nodes.
        """
        known = self.calls.find(webhook.call_sid) or self.calls.past(webhook.call_sid)
        if known is not None and known.agent != agent.name:  # its stream is nobody else's
            return Answer(HTTPStatus.CONFLICT)
        if known is not None:
            return _answered(known.answer)
        opening = opening or self.opening(agent, webhook)
        if self.calls.draining:
            return self._refuse(opening, "draining", _answered(""))
        if not self.load.open:  # one more would spoil those that there are
            return self._refuse(opening, "concurrent_limit", _answered(""))
        active = self.calls.active(agent.name) + elsewhere
        match decide(self._limits(agent), caller_of(webhook), active):
            case Refused(reason, "message"):
                document = twiml.say_and_hang_up(agent.fallback_message, say_voice(agent))
                return self._refuse(opening, reason, _answered(document))
            case Refused(reason):
                return self._refuse(opening, reason, _answered(twiml.reject()))
            case Admitted() if self.calls.unclaimed >= MOST_UNCLAIMED:
                return self._refuse(opening, "concurrent_limit", _answered(""))
            case Admitted():
                return _answered(self._begin(agent, webhook, opening, None).answer)
            case decision:
                assert_never(decision)

    def _limits(self, agent: Agent) -> AgentLimits:
        return AgentLimits(self.fleet.allowed_callers(agent), agent.max_concurrent_calls, agent.when_full)

    def go_on(self, agent: Agent, webhook: VoiceWebhook, interrupted: Interrupted) -> LiveCall:
        """Begin the rest of a call that another run had."""
        return self._begin(agent, webhook, interrupted.record, interrupted)

    def begin_placed(
        self, agent: Agent, webhook: VoiceWebhook, opening: CallRecord, order: DialOrder
    ) -> LiveCall:
        """Begin a call of ours that was answered: whom we call, we do not refuse."""
        return self._begin(agent, webhook, opening, None, order)

    def document(self, agent: Agent, call: LiveCall, prelude: twiml.HoldPrelude = NO_PRELUDE) -> str:
        """Return the document that connects the stream of a call."""
        return self.connection(agent, call.token, prelude)

    def connection(self, agent: Agent, token: str, prelude: twiml.HoldPrelude) -> str:
        """Return the document that connects a stream with this token."""
        if agent.voice.mode == "relay":
            return self.relay.connection(agent, token, prelude)
        return twiml.answer(
            prelude,
            stream_url=f"{websocket_url(self.base_url)}/stream/{token}",
            after_url=self._after_url(agent),
        )

    def _after_url(self, agent: Agent) -> str:
        return f"{self.base_url}/voice/{agent.name}/after"

    def _begin(
        self,
        agent: Agent,
        webhook: VoiceWebhook,
        opening: CallRecord,
        interrupted: Interrupted | None,
        order: DialOrder | None = None,
    ) -> LiveCall:
        now = self.clock()
        agent = as_ordered(agent, order if interrupted is None else interrupted.order)
        if interrupted is not None and interrupted.prepared:
            agent = agent.model_copy(update={"prep": None})
        if agent.voice.mode == "gather":
            return self.gather.begin(agent, webhook, opening, interrupted)
        if agent.voice.mode == "relay":
            return self.relay.begin(agent, webhook, opening, interrupted)
        recording = recording_terms(agent)
        tools = self.tools.of(agent)
        engine = engine_of(agent, tools)
        if interrupted is not None:
            engine.instruct(with_profile(engine.instructions, opening.caller_profile))
        hold = self.fleet.hold_of(agent)
        prelude = self.media.prelude(hold) if interrupted is None else NO_PRELUDE
        if recording is not None and interrupted is None:
            prelude = announced(prelude, recording.announcement, say_voice(agent))
        # Twilio answers a call in order to speak or play; without that the stream is the answer.
        answered_at = now if prelude.seconds or order is not None else None
        plan = CallPlan(
            greeting=agent.greeting,
            fallback_message=agent.fallback_message,
            max_call_seconds=agent.max_call_seconds,
            answered_at=answered_at,
            stream_timeout=STREAM_SECONDS + prelude.seconds,
            hold=self.media.sound(hold),
            model_timeout=hold.timeout if hold is not None else MODEL_SECONDS,
            jitter=random.uniform(*JITTER),  # noqa: S311 - no secret
            epoch_at_zero=self.epoch() - now,
            capabilities=engine.capabilities,
            interrupt=interrupt_terms(agent.voice),
            pause_ms=pause_ms(agent.voice),
            idle_seconds=agent.idle_seconds,
            tools=tools.functions,
            prep=prep_terms(agent),
        )
        if interrupted is not None:
            plan = continued(plan, interrupted)
        line = CallLine(
            webhook.call_sid, lambda: self.twilio.of_number(agent.name, webhook.called), say_voice(agent)
        )
        session = CallSession(
            webhook.call_sid,
            CallMachine(plan, now=now),
            engine,
            connect=lambda: self.connect(agent.voice.model),
            clock=self.clock,
            on_stream=lambda: self.calls.streaming(webhook.call_sid),
            on_second=lambda: self.calls.look_after(webhook.call_sid, self.clock()),
            on_silence=lambda: self.calls.fetch(webhook.call_sid, self._after_url(agent)),
            record=self._recorder(recording, opening.id, plan.returns),
            errands=self.tools.errands(
                agent, engine, prep_variables(webhook), name=webhook.call_sid, clock=self.clock
            ),
            transfer=partial(
                self._transfer, partial(TransferRequest, agent, line, opening.id, webhook.called)
            ),
        )
        call = LiveCall(
            opening=opening,
            session=session,
            answer="",
            fallback_message=agent.fallback_message,
            begun_at=opening.started_at / 1000 - plan.epoch_at_zero,
            answered_at=plan.answered_at,
            expected_at=now + prelude.seconds + USUAL_SECONDS,
            price=price_of(agent, PriceTable.of(self.fleet.service.prices)),
            before=None if interrupted is None else interrupted.record,
            max_call_seconds=agent.max_call_seconds,
            line=line,
            order=self._order(agent, recording),
            attended=interrupted is not None and interrupted.progress.answered_at is not None,
        )
        call.answer = self.document(agent, call, prelude)
        self.calls.begin(call)
        return call

    def _transfer(self, request: Requested, order: BeginTransfer, feed: Callable[[Event], None]) -> None:
        """Let a caller go to somebody else for as long as that takes."""
        transfer = request(order, feed)
        self.calls.extend(transfer.line.call_sid, self.transfers.begin(transfer))

    def _order(self, agent: Agent, recording: Recording | None) -> RecordingOrder | None:
        """Return what Twilio is to record. Its report may come when this node is gone: any may take it."""
        if recording is None or recording.by != "twilio":
            return None
        callback = f"{self.fleet.service.public_url}/voice/{agent.name}/recording"
        return RecordingOrder(recording.channels, callback)

    def _recorder(
        self, recording: Recording | None, call_id: str, returns: int
    ) -> Callable[[], LocalRecording] | None:
        if recording is None or recording.by != "local":
            return None
        name = f"{call_id}-{returns + 1}" if returns else call_id
        return lambda: self.recordings.begin(name, self.clock())

    def _refuse(self, opening: CallRecord, reason: RejectReason, answer: Answer) -> Answer:
        record = replace(opening, status="rejected", reject_reason=reason, ended_at=opening.started_at)
        self.calls.refuse(record, answer.twiml)
        return answer

    def opening(self, agent: Agent, webhook: VoiceWebhook) -> CallRecord:
        """Return the record that a new call begins with."""
        return CallRecord(
            id=secrets.token_hex(8),
            agent=agent.name,
            direction="inbound",
            status="incoming",
            started_at=round(self.epoch() * 1000),
            call_sid=webhook.call_sid,
            agent_revision=revision_of(agent),
            caller=Caller(caller_of(webhook), webhook.caller_country),
            model=agent.voice.model,
        )


def _answered(document: str) -> Answer:
    """No document means: not here, not now. Twilio: 503 leads to the fallback URL."""
    return Answer(HTTPStatus.OK, document) if document else Answer(HTTPStatus.SERVICE_UNAVAILABLE)


def revision_of(agent: Agent) -> str:
    """Return what tells one version of a declaration from another; secrets are not part of it."""
    return hashlib.sha256(agent.model_dump_json().encode()).hexdigest()[:12]
