"""Calls in gather mode: how one begins, and what Twilio's requests about it are answered with.

A call lives on the node that took it, and its documents lead back there. Each step is in the database with
what was said when it is given, so when a request comes to another node, the call goes on from there: which of
them is ahead is told by the number of the step that the request names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from runtime import twiml
from runtime.call.ending import REPORTED_ENDINGS
from runtime.call.events import DrainExpired, StatusReported
from runtime.call.plan import CallPlan
from runtime.call.text.gather_call import GatherCall
from runtime.call.text.gather_steps import HandOn
from runtime.call_progress import Interrupted, continued
from runtime.call_terms import (
    gather_terms,
    prep_terms,
    prep_variables,
    recording_terms,
    text_settings,
)
from runtime.calls import LiveCall
from runtime.engines.text import TextEngine
from runtime.figures.logs import get_logger
from runtime.figures.prices import PriceTable, text_cost
from runtime.gather.documents import GatherPapers, WaitSound
from runtime.gather.session import GatherSession
from runtime.hold_media import announced
from runtime.line import CallLine, RecordingOrder
from runtime.store import StoreUnavailableError
from runtime.transfers import waiting_music
from runtime.transfers.run import TransferRequest

if TYPE_CHECKING:
    from runtime.call.actions import BeginTransfer
    from runtime.call.events import Event
    from runtime.call.text.gather_steps import Step
    from runtime.call.text.text_events import CallerTurn
    from runtime.call_record import CallRecord
    from runtime.calls import Calls
    from runtime.hold_media import HoldMedia
    from runtime.line import LineWork
    from runtime.model.text_line import AskText
    from runtime.store import CallStore
    from runtime.tool_room import ToolRoom
    from runtime.transfers.transfers import Transfers
    from runtime.twilio_api import TwilioApi
    from runtime.webhook import VoiceWebhook
    from schemas import Agent, Fleet

_log = get_logger(__name__)

# A call that goes from node to node with each request is a matter of the load balancer, not an accident.
MOST_HANDOVERS: Final = 10_000
# The first step of a call that goes on elsewhere without a request that names one: beyond all before it.
STEPS_AHEAD: Final = 10_000


@dataclass(frozen=True, slots=True)
class GatherDesk:
    """Serves the calls of a node. `papers` are the documents of the agents in gather mode, by name.

    `clock` gives monotonic seconds, `epoch` seconds since 1970.
    """

    fleet: Fleet
    papers: Mapping[str, GatherPapers]
    media: HoldMedia
    calls: Calls
    store: CallStore
    line: LineWork
    tools: ToolRoom
    transfers: Transfers
    twilio: TwilioApi
    ask: AskText
    clock: Callable[[], float]
    epoch: Callable[[], float]

    # --- how a call begins

    def begin(
        self,
        agent: Agent,
        webhook: VoiceWebhook,
        opening: CallRecord,
        interrupted: Interrupted | None,
        number: int | None = None,
    ) -> LiveCall:
        """Begin a call, or the rest of one that another run had, after the step of this number."""
        now = self.clock()
        tools = self.tools.of(agent)
        plan = CallPlan(
            greeting=agent.greeting,
            fallback_message=agent.fallback_message,
            max_call_seconds=agent.max_call_seconds,
            answered_at=now,
            epoch_at_zero=self.epoch() - now,
            tools=tools.functions,
            prep=prep_terms(agent) if interrupted is None else "none",
        )
        if interrupted is not None:
            plan = continued(plan, interrupted)
            plan = plan if plan.answered_at is not None else replace(plan, answered_at=now)
        if number is None:
            number = plan.returns * STEPS_AHEAD
        machine = GatherCall(plan, gather_terms(agent, tools), now=now, number=number)
        line = CallLine(webhook.call_sid, lambda: self.twilio.of_number(agent.name, webhook.called))
        call = LiveCall(
            opening=opening,
            session=self._session(agent, webhook, machine, line, opening.id),
            answer="",
            fallback_message=agent.fallback_message,
            begun_at=now if interrupted is None else opening.started_at / 1000 - plan.epoch_at_zero,
            answered_at=plan.answered_at,
            expected_at=now,
            price=partial(text_cost, model=agent.voice.model, table=PriceTable.of(self.fleet.service.prices)),
            claimed=True,
            before=None if interrupted is None else interrupted.record,
            max_call_seconds=agent.max_call_seconds,
            line=line,
            attended=interrupted is not None,
        )
        if machine.step is not None:
            call.answer = self._first_document(agent, machine.step)
        self.calls.begin(call)
        return call

    def _session(
        self, agent: Agent, webhook: VoiceWebhook, machine: GatherCall, line: CallLine, call_id: str
    ) -> GatherSession:
        engine = TextEngine(text_settings(agent, self.tools.of(agent)))
        papers = self.papers[agent.name]

        def transfer(order: BeginTransfer, feed: Callable[[Event], None]) -> None:
            request = TransferRequest(agent, line, call_id, webhook.called, order, feed)
            self.calls.extend(line.call_sid, self.transfers.begin(request))

        return GatherSession(
            webhook.call_sid,
            machine,
            engine,
            ask=self.ask,
            clock=self.clock,
            on_step=lambda: self.calls.streaming(webhook.call_sid),
            on_second=lambda: self.calls.look_after(webhook.call_sid, self.clock()),
            fetch=lambda number: self.line.fetch(line, papers.turn_url(number)),
            errands=self.tools.errands(
                agent, engine, prep_variables(webhook), name=webhook.call_sid, clock=self.clock
            ),
            transfer=transfer,
        )

    # --- requests

    async def turn(self, agent: Agent, webhook: VoiceWebhook, number: int, turn: CallerTurn | None) -> str:
        """Return the document that follows the step of this number, in which the caller did this."""
        session = self._session_of(agent, webhook)
        if session is not None and number > session.machine.number:
            _log.info("gone_on_elsewhere", call=webhook.call_sid)
            session.feed(DrainExpired())
            await session.ended()
            session = None
        if session is None:
            session = await self._take_over(agent, webhook, number)
        if session is None:
            return self._farewell(agent, webhook)
        return self._document(agent, session, await session.turn(number, turn))

    async def come_back(self, agent: Agent, session: GatherSession, webhook: VoiceWebhook) -> str:
        """Return the document for a caller who comes from somebody else, or after a failure."""
        if webhook.status in REPORTED_ENDINGS:
            session.feed(StatusReported(webhook.status))
            return twiml.hang_up()
        return self._document(agent, session, await session.come_back())

    def overhear(self, agent: Agent, webhook: VoiceWebhook, number: int, text: str) -> None:
        """Take what Twilio understands while the caller still speaks; for a call elsewhere it is lost."""
        session = self._session_of(agent, webhook)
        if session is not None:
            session.overhear(number, text)

    def _session_of(self, agent: Agent, webhook: VoiceWebhook) -> GatherSession | None:
        call = self.calls.of_agent(webhook.call_sid, agent.name)
        return call.session if call is not None and isinstance(call.session, GatherSession) else None

    async def _take_over(self, agent: Agent, webhook: VoiceWebhook, number: int) -> GatherSession | None:
        """Go on with a call of another run; None when there is none, or this node takes no calls."""
        if webhook.status in REPORTED_ENDINGS or self.calls.draining:
            return None
        try:
            interrupted = await self.store.take_over(webhook.call_sid, agent.name, most=MOST_HANDOVERS)
        except StoreUnavailableError as error:
            _log.warning("take_over_failed", call=webhook.call_sid, reason=error)
            return None
        known = self._session_of(agent, webhook)  # Twilio asked twice at once
        if known is not None or interrupted is None:
            return known
        _log.info("taken_over", call=webhook.call_sid, returns=interrupted.progress.returns)
        self.begin(agent, webhook, interrupted.record, interrupted, number)
        return self._session_of(agent, webhook)

    # --- documents

    def _document(self, agent: Agent, session: GatherSession, step: Step | None) -> str:
        if step is None:
            return twiml.say_and_hang_up(agent.fallback_message)
        if isinstance(step.then, HandOn):
            document = self.transfers.follow(session.name, dial=None, gone=False)
            if document is not None:
                return document
        return self.papers[agent.name].render(step)

    def _first_document(self, agent: Agent, step: Step) -> str:
        recording = recording_terms(agent)
        prelude = self.media.prelude(self.fleet.hold_of(agent))
        if recording is None:
            return self.papers[agent.name].render(step, before=prelude)
        callback = f"{self.fleet.service.public_url}/voice/{agent.name}/recording"
        order = RecordingOrder(recording.channels, callback)
        return self.papers[agent.name].render(
            step, before=announced(prelude, recording.announcement), recording=order
        )

    def _farewell(self, agent: Agent, webhook: VoiceWebhook) -> str:
        """Return the last document of a call that is over, or of which nothing is known."""
        if webhook.status in REPORTED_ENDINGS:
            return twiml.hang_up()
        self.calls.settle(webhook.call_sid)
        past = self.calls.past(webhook.call_sid)
        goodbye = past.goodbye if past is not None else agent.fallback_message
        return twiml.say_and_hang_up(goodbye) if goodbye else twiml.hang_up()


def papers_of(fleet: Fleet, media: HoldMedia, tools: ToolRoom, base_url: str) -> dict[str, GatherPapers]:
    """Return the documents of each agent in gather mode; what their callers hear in a wait is served then."""
    return {
        agent.name: _papers(agent, fleet, media, tools, base_url)
        for agent in fleet.agents.values()
        if agent.voice.mode == "gather"
    }


def _papers(agent: Agent, fleet: Fleet, media: HoldMedia, tools: ToolRoom, base_url: str) -> GatherPapers:
    voice = agent.voice
    terms = gather_terms(agent, tools.of(agent))
    sound = media.sound(fleet.hold_of(agent))
    recording = waiting_music.as_file(sound)
    media.add(recording)
    return GatherPapers(
        base_url=base_url,
        agent=agent.name,
        voice=voice.name,
        language=voice.language,
        speech_model=voice.speech_model or "default",
        terms=terms,
        wait=WaitSound(f"{fleet.service.public_url}{recording.path}", waiting_music.seconds(sound)),
        interruptible=voice.interrupt != "never",
        overhears=terms.drafts,
    )
