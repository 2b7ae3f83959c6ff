"""Calls in gather mode: how one begins, and what Twilio's requests about it are answered with.

A call lives on the node that took it, and its documents lead back there. Each step is in the database with
what was said when it is given, so when a request comes to another node, the call goes on from there: which of
them is ahead is told by the number of the step that the request names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runtime import twiml
from runtime.call.ending import REPORTED_ENDINGS
from runtime.call.events import DrainExpired, StatusReported
from runtime.call.plan import CallPlan
from runtime.call.text.gather_call import GatherCall
from runtime.call.text.gather_steps import HandOn
from runtime.call_progress import Interrupted, continued
from runtime.call_terms import gather_terms, prep_terms
from runtime.figures.logs import get_logger
from runtime.gather.documents import GatherPapers, WaitSound
from runtime.gather.session import GatherSession
from runtime.outbound.telling import as_ordered
from runtime.say_voice import say_voice
from runtime.store import StoreUnavailableError
from runtime.transfers import waiting_music

if TYPE_CHECKING:
    from runtime.call.text.gather_steps import Step
    from runtime.call.text.text_events import CallerTurn
    from runtime.call_record import CallRecord
    from runtime.calls import Calls, LiveCall
    from runtime.hold_media import HoldMedia
    from runtime.line import LineWork
    from runtime.store import CallStore
    from runtime.text_desk import TextDesk
    from runtime.tool_room import ToolRoom
    from runtime.webhook import VoiceWebhook
    from schemas import Agent, Fleet

_log = get_logger(__name__)

# A call that goes from node to node with each request is a matter of the load balancer, not an accident.
MOST_HANDOVERS: Final = 10_000
# The first step of a call that goes on elsewhere without a request that names one: beyond all before it.
STEPS_AHEAD: Final = 10_000


@dataclass(frozen=True, slots=True)
class GatherDesk:
    """Serves the calls of a node. `papers` are the documents of the agents in gather mode, by name."""

    desk: TextDesk
    papers: Mapping[str, GatherPapers]
    store: CallStore
    line: LineWork

    @property
    def calls(self) -> Calls:
        """The calls of the node."""
        return self.desk.calls

    # --- how a call begins

    def begin(
        self,
        agent: Agent,
        webhook: VoiceWebhook,
        opening: CallRecord,
        interrupted: Interrupted | None,
        number: int | None = None,
        *,
        goes_on: bool = False,
    ) -> LiveCall:
        """Begin a call, or the rest of one that another run had, after the step of this number."""
        desk = self.desk
        taken = desk.take(agent, webhook, opening, interrupted)
        plan = self._plan(agent, interrupted)
        if number is None:
            number = plan.returns * STEPS_AHEAD
        prelude = desk.prelude(agent)
        terms = replace(self.papers[agent.name].terms, before=prelude.seconds)
        machine = GatherCall(plan, terms, now=desk.clock(), number=number, goes_on=goes_on)
        session = GatherSession(
            webhook.call_sid,
            machine,
            desk.surroundings(taken),
            fetch=lambda step: self.line.fetch(taken.line, self.papers[agent.name].next_url(step)),
        )
        call = desk.live(taken, session, plan)
        call.claimed = True
        call.attended = interrupted is not None
        if machine.step is not None:
            call.answer = self.papers[agent.name].render(
                machine.step, before=prelude, recording=desk.recording(agent)
            )
        self.calls.begin(call)
        return call

    def _plan(self, agent: Agent, interrupted: Interrupted | None) -> CallPlan:
        now = self.desk.clock()
        plan = CallPlan(
            greeting=agent.greeting,
            fallback_message=agent.fallback_message,
            max_call_seconds=agent.max_call_seconds,
            answered_at=now,
            epoch_at_zero=self.desk.epoch() - now,
            tools=self.desk.tools.of(agent).functions,
            prep=prep_terms(agent) if interrupted is None else "none",
        )
        if interrupted is None:
            return plan
        plan = continued(plan, interrupted)
        return plan if plan.answered_at is not None else replace(plan, answered_at=now)

    # --- requests

    async def turn(
        self,
        agent: Agent,
        webhook: VoiceWebhook,
        number: int,
        turn: CallerTurn | None,
        *,
        goes_on: bool = False,
    ) -> str:
        """Return the document that follows the step of this number, in which the caller did this.

        `goes_on`: it was not their turn.
        """
        session = self._session_of(agent, webhook)
        if session is not None and number > session.machine.number:
            _log.info("gone_on_elsewhere", call=webhook.call_sid)
            session.feed(DrainExpired())
            await session.ended()
            session = None
        if session is None:
            session = await self._take_over(agent, webhook, number, goes_on=goes_on)
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

    async def _take_over(
        self, agent: Agent, webhook: VoiceWebhook, number: int, *, goes_on: bool
    ) -> GatherSession | None:
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
        self.begin(
            as_ordered(agent, interrupted.order),
            webhook,
            interrupted.record,
            interrupted,
            number,
            goes_on=goes_on,
        )
        return self._session_of(agent, webhook)

    # --- documents

    def _document(self, agent: Agent, session: GatherSession, step: Step | None) -> str:
        if step is None:
            return twiml.say_and_hang_up(agent.fallback_message, say_voice(agent))
        if isinstance(step.then, HandOn):
            document = self.desk.transfers.follow(session.name, dial=None, gone=False)
            if document is not None:
                return document
        return self.papers[agent.name].render(step)

    def _farewell(self, agent: Agent, webhook: VoiceWebhook) -> str:
        """Return the last document of a call that is over, or of which nothing is known."""
        if webhook.status in REPORTED_ENDINGS:
            return twiml.hang_up()
        self.calls.settle(webhook.call_sid)
        past = self.calls.past(webhook.call_sid)
        goodbye = past.goodbye if past is not None else agent.fallback_message
        return twiml.say_and_hang_up(goodbye, say_voice(agent)) if goodbye else twiml.hang_up()


def papers_of(fleet: Fleet, media: HoldMedia, tools: ToolRoom, base_url: str) -> dict[str, GatherPapers]:
    """Return the documents of each agent in gather mode; what their callers hear in a wait is served then."""
    return {
        agent.name: _papers(agent, fleet, media, tools, base_url)
        for agent in fleet.agents.values()
        if agent.voice.mode == "gather"
    }


def _papers(agent: Agent, fleet: Fleet, media: HoldMedia, tools: ToolRoom, base_url: str) -> GatherPapers:
    voice = agent.voice
    hold = fleet.hold_of(agent)
    terms = replace(gather_terms(agent, tools.of(agent)), holds=hold is not None and hold.strategy != "none")
    sound = media.sound(hold)
    loop, lead = waiting_music.serve(sound, media, fleet.service.public_url)
    return GatherPapers(
        base_url=base_url,
        agent=agent.name,
        voice=voice.name,
        language=voice.language,
        speech_model=voice.speech_model or "default",
        hints=",".join(voice.hints),
        terms=terms,
        wait=WaitSound(loop, waiting_music.seconds(sound), lead),
        interruptible=voice.interrupt != "never",
        overhears=terms.drafts,
    )
