"""The way back in: what Twilio is told after a stream that ended, or when a call's document could not be had.

A stream that broke says nothing about the caller, who is still on the line. Twilio asks what comes next:
the `action` of `<Connect>` on the node that has the call or, when that node does not answer, the number's
fallback URL, wherever that leads. Either way the caller is connected again, to the same call where it lives
here, and to one that goes on from its last checkpoint where it lived on a node that is gone. How often that
may happen in one call is bounded; after that, and where nothing is known of the call, the fallback message is
spoken, and the caller is put through to a person if one is declared.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime import twiml
from runtime.call.ending import REPORTED_ENDINGS
from runtime.call.events import StatusReported, StreamBroken
from runtime.call.stream_link import RETURN_SECONDS
from runtime.call.text.relay_steps import SessionFailed
from runtime.calls import Calls, LiveCall, PastCall
from runtime.figures.logs import get_logger
from runtime.gather.session import GatherSession
from runtime.legs.relay_outcome import SessionOutcome
from runtime.reception import Reception
from runtime.relay.session import RelaySession
from runtime.say_voice import say_voice
from runtime.session import CallSession
from runtime.store import CallStore, StoreUnavailableError
from runtime.transfers.transfers import Transfers
from runtime.webhook import VoiceWebhook
from schemas import Agent

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WayBack:
    """Answers for one node."""

    reception: Reception
    store: CallStore
    transfers: Transfers

    @property
    def calls(self) -> Calls:
        """The calls of the node."""
        return self.reception.calls

    async def after(self, agent: Agent, webhook: VoiceWebhook) -> str:
        """Return the document that follows a stream: another stream, a goodbye, or nothing but the end."""
        is_over = webhook.status in REPORTED_ENDINGS
        elsewhere = self.transfers.follow(webhook.call_sid, dial=webhook.dial_status, gone=is_over)
        if elsewhere is not None:
            return elsewhere
        call = self.calls.of_agent(webhook.call_sid, agent.name)
        if call is not None:
            _tell_failure(call, webhook)
        past = self._past(agent, webhook)
        if call is None and past is None and not is_over:
            if webhook.relay is not None and webhook.relay.is_over:  # by a node that is gone since
                return _farewell(agent, _last_words(agent, webhook.relay))
            call = await self._take_over(agent, webhook)
        session = call.session if call is not None else None
        if isinstance(session, GatherSession):
            return await self.reception.gather.come_back(agent, session, webhook)
        if call is not None and session is not None:
            return self._follow_live(agent, call, session, webhook)
        self.calls.settle(webhook.call_sid)
        if past is None and not is_over:
            return _without_agent(agent, webhook)
        return _farewell(agent, None if is_over or past is None else past.goodbye)

    async def fallback(self, agent: Agent, webhook: VoiceWebhook) -> str:
        """Return the document for when another could not be had: the way back, or the fallback message."""
        past = self._past(agent, webhook)
        if past is not None and not past.answer:  # refused here: there is nothing to come back to
            return _without_agent(agent, webhook)
        return await self.after(agent, webhook)

    def _past(self, agent: Agent, webhook: VoiceWebhook) -> PastCall | None:
        past = self.calls.past(webhook.call_sid)
        return past if past is not None and past.agent == agent.name else None

    def _follow_live(
        self, agent: Agent, call: LiveCall, session: CallSession | RelaySession, webhook: VoiceWebhook
    ) -> str:
        """Connect the caller of a live call again, unless it is over with this."""
        if webhook.status in REPORTED_ENDINGS:
            session.feed(StatusReported(webhook.status))
            call.settled = True
            return _farewell(agent, None)
        machine = session.machine
        if machine.awaits_stream and not call.claimed:  # asked again, or taken over a moment ago
            return self.reception.document(agent, call)
        if not machine.awaits_stream:  # the stream is half open: Twilio tells before the socket does
            session.feed(StreamBroken("Twilio reports the end of the stream"))
        if not machine.awaits_stream:
            call.settled = True
            return _farewell(agent, call.goodbye)
        self.calls.expect_back(call, self.reception.clock() + RETURN_SECONDS)
        _log.info("sent_back", call=webhook.call_sid, returns=machine.returns)
        return self.reception.document(agent, call)

    async def _take_over(self, agent: Agent, webhook: VoiceWebhook) -> LiveCall | None:
        """Go on with a call of another run; None when there is none, or this node takes no calls."""
        if self.calls.draining:
            return None
        try:
            interrupted = await self.store.take_over(webhook.call_sid, agent.name)
        except StoreUnavailableError as error:
            _log.warning("take_over_failed", call=webhook.call_sid, reason=error)
            return None
        known = self.calls.of_agent(webhook.call_sid, agent.name)  # Twilio asked twice at once
        if known is not None or interrupted is None:
            return known
        _log.warning("taken_over", call=webhook.call_sid, returns=interrupted.progress.returns)
        return self.reception.go_on(agent, webhook, interrupted)


def _tell_failure(call: LiveCall, webhook: VoiceWebhook) -> None:
    """Tell a call of a session that did not come about: it is not to be tried again and again."""
    outcome, session = webhook.relay, call.session
    if outcome is None or not outcome.failed or not isinstance(session, RelaySession):
        return
    if call.claimed and not outcome.is_final:  # its socket tells, or has told
        return
    detail = f"{outcome.error_code}: {outcome.detail}"
    _log.error("relay_failed", call=webhook.call_sid, detail=detail)
    session.feed(SessionFailed(detail, for_good=outcome.is_final))


def _last_words(agent: Agent, outcome: SessionOutcome) -> str | None:
    hand_off = outcome.hand_off
    return agent.fallback_message if hand_off is not None and hand_off.reason == "farewell" else None


def _without_agent(agent: Agent, webhook: VoiceWebhook) -> str:
    """Return the document for somebody whom no node can take: a caller may be put through to a person.

    Whom we have called did not ask for anybody.
    """
    if agent.fallback_number is None or webhook.attempt is not None:
        return _farewell(agent, agent.fallback_message)
    return twiml.say_and_forward(agent.fallback_message, agent.fallback_number, say_voice(agent))


def _farewell(agent: Agent, goodbye: str | None) -> str:
    return twiml.say_and_hang_up(goodbye, say_voice(agent)) if goodbye else twiml.hang_up()
