"""How a call with a text model begins, whichever way Twilio hears and speaks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from runtime.call_terms import prep_variables, recording_terms, text_settings
from runtime.calls import LiveCall
from runtime.engines.text import TextEngine
from runtime.figures.prices import PriceTable, text_cost
from runtime.hold_media import announced
from runtime.line import CallLine, RecordingOrder
from runtime.prep import with_profile
from runtime.say_voice import say_voice
from runtime.text_session import Surroundings
from runtime.transfers.run import TransferRequest

if TYPE_CHECKING:
    from runtime.call.actions import BeginTransfer
    from runtime.call.events import Event
    from runtime.call.plan import CallPlan
    from runtime.call_progress import Interrupted
    from runtime.call_record import CallRecord
    from runtime.calls import Calls
    from runtime.gather.session import GatherSession
    from runtime.hold_media import HoldMedia
    from runtime.model.text_line import AskText
    from runtime.relay.session import RelaySession
    from runtime.tool_room import ToolRoom
    from runtime.transfers.transfers import Transfers
    from runtime.twilio_api import TwilioApi
    from runtime.twiml import HoldPrelude
    from runtime.webhook import VoiceWebhook
    from schemas import Agent, Fleet


@dataclass(frozen=True, slots=True)
class TextCall:
    """A call that begins: what is known of it at the webhook. `interrupted` is what another run had of it."""

    agent: Agent
    webhook: VoiceWebhook
    opening: CallRecord
    interrupted: Interrupted | None
    line: CallLine


@dataclass(frozen=True, slots=True)
class TextDesk:
    """What the desks of the modes share. `clock` gives monotonic seconds, `epoch` seconds since 1970."""

    fleet: Fleet
    media: HoldMedia
    calls: Calls
    tools: ToolRoom
    transfers: Transfers
    twilio: TwilioApi
    ask: AskText
    clock: Callable[[], float]
    epoch: Callable[[], float]

    def take(
        self, agent: Agent, webhook: VoiceWebhook, opening: CallRecord, interrupted: Interrupted | None
    ) -> TextCall:
        """Return a call that begins, or the rest of one."""
        line = CallLine(
            webhook.call_sid, lambda: self.twilio.of_number(agent.name, webhook.called), say_voice(agent)
        )
        return TextCall(agent, webhook, opening, interrupted, line)

    def surroundings(self, call: TextCall) -> Surroundings:
        """Return what the session of a call has of the node; what was known about the caller still is."""
        agent, webhook, call_sid = call.agent, call.webhook, call.webhook.call_sid
        engine = TextEngine(text_settings(agent, self.tools.of(agent)))
        if call.interrupted is not None:
            engine.instruct(with_profile(engine.instructions, call.opening.caller_profile))

        def transfer(order: BeginTransfer, feed: Callable[[Event], None]) -> None:
            request = TransferRequest(agent, call.line, call.opening.id, webhook.called, order, feed)
            self.calls.extend(call_sid, self.transfers.begin(request))

        return Surroundings(
            engine,
            self.ask,
            self.clock,
            on_stream=lambda: self.calls.streaming(call_sid),
            on_second=lambda: self.calls.look_after(call_sid, self.clock()),
            errands=self.tools.errands(
                agent, engine, prep_variables(webhook), name=call_sid, clock=self.clock
            ),
            transfer=transfer,
        )

    def live(self, call: TextCall, session: GatherSession | RelaySession, plan: CallPlan) -> LiveCall:
        """Return a call with its session, as the node keeps it; what the mode decides is to be set."""
        agent, interrupted = call.agent, call.interrupted
        now = self.clock()
        return LiveCall(
            opening=call.opening,
            session=session,
            answer="",
            fallback_message=agent.fallback_message,
            begun_at=call.opening.started_at / 1000 - plan.epoch_at_zero,
            answered_at=plan.answered_at,
            expected_at=now,
            price=partial(text_cost, model=agent.voice.model, table=PriceTable.of(self.fleet.service.prices)),
            before=None if interrupted is None else interrupted.record,
            max_call_seconds=agent.max_call_seconds,
            line=call.line,
        )

    def prelude(self, agent: Agent) -> HoldPrelude:
        """Return what Twilio speaks before anything else."""
        prelude = self.media.prelude(self.fleet.hold_of(agent))
        recording = recording_terms(agent)
        if recording is None:
            return prelude
        return announced(prelude, recording.announcement, say_voice(agent))

    def recording(self, agent: Agent) -> RecordingOrder | None:
        """Return what Twilio is to record. Its report may come when this node is gone: any may take it."""
        recording = recording_terms(agent)
        if recording is None:
            return None
        callback = f"{self.fleet.service.public_url}/voice/{agent.name}/recording"
        return RecordingOrder(recording.channels, callback)
