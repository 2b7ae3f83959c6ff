"""Calls in relay mode: how one begins, and the document that connects its caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime import twiml
from runtime.audio.ulaw import BYTES_PER_SECOND
from runtime.call.plan import CallPlan
from runtime.call.text.relay_call import RelayCall
from runtime.call.text.relay_steps import HoldFiles, RelayTerms
from runtime.call_progress import Interrupted, continued
from runtime.call_terms import prep_terms
from runtime.relay.document import relay_document
from runtime.relay.session import RelaySession
from runtime.signature import websocket_url
from runtime.transfers import waiting_music

if TYPE_CHECKING:
    from runtime.call_record import CallRecord
    from runtime.calls import LiveCall
    from runtime.hold_media import HoldMedia
    from runtime.text_desk import TextDesk
    from runtime.webhook import VoiceWebhook
    from schemas import Agent, Fleet

STREAM_SECONDS: Final = 20.0  # in which Twilio has to connect, on top of what it speaks before that
USUAL_SECONDS: Final = 5.0  # after which a node that wants to stop does not expect it any more
NO_PRELUDE: Final = twiml.HoldPrelude()


@dataclass(frozen=True, slots=True)
class RelayDesk:
    """Serves the calls of a node. `base_url` is where this node's own routes are reached.

    `holds` are what callers of the agents in relay mode hear while they wait, by the agent's name.
    """

    desk: TextDesk
    base_url: str
    holds: Mapping[str, HoldFiles]

    def begin(
        self, agent: Agent, webhook: VoiceWebhook, opening: CallRecord, interrupted: Interrupted | None
    ) -> LiveCall:
        """Begin a call, or the rest of one that another run had."""
        desk = self.desk
        taken = desk.take(agent, webhook, opening, interrupted)
        prelude = desk.prelude(agent) if interrupted is None else NO_PRELUDE
        plan = self._plan(agent, prelude, interrupted, placed=opening.direction == "outbound")
        terms = RelayTerms(drafts=self._drafts(agent), hold=self.holds[agent.name])
        machine = RelayCall(plan, terms, now=desk.clock())
        session = RelaySession(webhook.call_sid, machine, desk.surroundings(taken))
        call = desk.live(taken, session, plan)
        call.expected_at += prelude.seconds + USUAL_SECONDS
        call.order = desk.recording(agent)
        call.attended = interrupted is not None and interrupted.progress.answered_at is not None
        call.answer = self.connection(agent, call.token, prelude)
        desk.calls.begin(call)
        return call

    def connection(self, agent: Agent, token: str, prelude: twiml.HoldPrelude = NO_PRELUDE) -> str:
        """Return the document that connects a caller with this token."""
        return relay_document(
            agent.voice,
            hold=prelude,
            relay_url=f"{websocket_url(self.base_url)}/relay/{token}",
            after_url=f"{self.base_url}/voice/{agent.name}/after",
            drafts=self._drafts(agent),
        )

    def _plan(
        self, agent: Agent, prelude: twiml.HoldPrelude, interrupted: Interrupted | None, *, placed: bool
    ) -> CallPlan:
        now = self.desk.clock()
        plan = CallPlan(
            greeting=agent.greeting,
            fallback_message=agent.fallback_message,
            max_call_seconds=agent.max_call_seconds,
            # Twilio answers the call in order to speak; without that the connection is the answer.
            answered_at=now if prelude.seconds or placed else None,
            stream_timeout=STREAM_SECONDS + prelude.seconds,
            epoch_at_zero=self.desk.epoch() - now,
            idle_seconds=agent.idle_seconds,
            tools=self.desk.tools.of(agent).functions,
            prep=prep_terms(agent) if interrupted is None else "none",
        )
        return plan if interrupted is None else continued(plan, interrupted)

    def _drafts(self, agent: Agent) -> bool:
        """Whether an answer may be begun early: not where the model's side would act on it at once."""
        return not self.desk.tools.of(agent).mcp


def holds_of(fleet: Fleet, media: HoldMedia) -> dict[str, HoldFiles]:
    """Return what callers of each agent in relay mode hear in a wait; it is served from then on."""
    return {
        agent.name: _hold_files(agent, fleet, media)
        for agent in fleet.agents.values()
        if agent.voice.mode == "relay"
    }


def _hold_files(agent: Agent, fleet: Fleet, media: HoldMedia) -> HoldFiles:
    sound = media.sound(fleet.hold_of(agent))
    loop, lead = waiting_music.serve(sound, media, fleet.service.public_url)
    return HoldFiles(loop, lead, len(sound.lead) / BYTES_PER_SECOND, sound.delay)
