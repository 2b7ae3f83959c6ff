"""One node: a process that answers the calls of a fleet, and everything that it owns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Literal

import httpx2

from runtime.call_feed import CallFeed
from runtime.call_progress import Progress
from runtime.call_record import CallRecord
from runtime.calls import LONGEST_BEFORE_ANSWER, Calls
from runtime.figures.load import LoadGate, watch_loop
from runtime.figures.logs import get_logger
from runtime.figures.metrics import Metrics
from runtime.gather.desk import GatherDesk, papers_of
from runtime.hang_up_desk import HangUpDesk
from runtime.hold_media import HoldMedia
from runtime.line import LineWork
from runtime.messages.conversation import writes
from runtime.messages.desk import MessageDesk
from runtime.messages.voice_notes import Transcribe, Transcriber
from runtime.model.connection import ConnectModel
from runtime.model.text_line import AskText, TextLine
from runtime.outbound.campaign_room import CampaignRoom
from runtime.outbound.dial_desk import DialDesk
from runtime.outbound.dial_store import DialStore
from runtime.outbound.inline import inline_documents
from runtime.outbound.opt_outs import OptOuts
from runtime.outbound.placing import Placing
from runtime.reception import Answer, Reception
from runtime.recording import RecordingWriter
from runtime.recording.downloads import RecordingDownloads
from runtime.relay.desk import RelayDesk, holds_of
from runtime.settings import Settings
from runtime.signature import SignatureCheck
from runtime.store import CallStore, StoreUnavailableError
from runtime.text_desk import TextDesk
from runtime.tool_room import ToolRoom
from runtime.transfers.transfers import Transfers
from runtime.twilio_api import TwilioApi
from runtime.way_back import WayBack
from runtime.webhook import VoiceWebhook
from schemas import Account, Agent, Fleet, Hold
from schemas.errors import TmError

_log = get_logger(__name__)

Role = Literal["voice", "outbound", "all"]
"""What a process does: answer calls, run campaigns, or both."""

# How often (s) is looked for calls that nodes which are gone have left open.
SWEEP_SECONDS = 5.0


class UnservableError(TmError):
    """The declarations are valid, but the runtime cannot answer by them."""


class Node:
    """Holds the parts of one process. `name` tells it from the others that share the database.

    Decodes the hold media, which may take a second. Raises `UnservableError` for an account without a token
    to check signatures with; `HoldMediaError` for hold media that cannot be read; `UnresolvedReference` for a
    token that is not set; `DatabaseError`.
    """

    def __init__(
        self,
        fleet: Fleet,
        settings: Settings,
        *,
        name: str,
        connect: ConnectModel,
        clock: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
        twilio_transport: httpx2.AsyncBaseTransport | None = None,
        tool_transport: httpx2.AsyncBaseTransport | None = None,
        ask_text: AskText | None = None,
        transcribe: Transcribe | None = None,
        role: Role = "all",
    ) -> None:
        public_url = fleet.service.public_url
        base_url = settings.node_url or public_url
        self.fleet = fleet
        self.settings = settings
        self.role = role
        self.clock = clock
        self._epoch = epoch
        self.ready = False
        self._tokens = {account.name: signing_tokens(fleet, account) for account in fleet.accounts.values()}
        self.signatures = SignatureCheck(tuple(dict.fromkeys((public_url, base_url))))
        self.feed = CallFeed()
        self.store = CallStore(settings.database_url, node=name, epoch=epoch, on_save=self.feed.publish)
        self.twilio = TwilioApi(fleet, api_url=settings.twilio_api_url, transport=twilio_transport)
        self.line = LineWork(self.store.owns)
        self.recordings = RecordingWriter(settings.state_dir / "recordings")
        self.downloads = RecordingDownloads(
            fleet, api_url=settings.twilio_api_url, transport=twilio_transport, epoch=epoch
        )
        self.load = LoadGate()
        self.calls = Calls(self.store, self.line, on_end=self._ended)
        self.media = HoldMedia.load(_holds(fleet))
        opt_outs = OptOuts(self.store.thread, epoch)
        self.tools = ToolRoom(fleet.agents.values(), settings, opt_outs.note, transport=tool_transport)
        self.metrics = Metrics(self._active_calls, self.tools.names)
        self.transfers = Transfers(fleet, self.media, base_url, clock, epoch)
        self._text_line = TextLine(settings)
        desk = TextDesk(
            fleet,
            self.media,
            self.calls,
            self.tools,
            self.transfers,
            self.twilio,
            ask_text or self._text_line,
            clock,
            epoch,
        )
        self.messages = MessageDesk.of(
            desk,
            self.store,
            transcribe or Transcriber(self._text_line),
            node=name,
            api_url=settings.twilio_api_url,
            transport=twilio_transport,
            on_end=self._ended,
        )
        papers = papers_of(fleet, self.media, self.tools, base_url)
        self.gather = GatherDesk(desk, papers, self.store, self.line)
        self.relay = RelayDesk(desk, base_url, holds_of(fleet, self.media))
        self.reception = Reception(
            fleet,
            base_url,
            self.media,
            self.calls,
            self.recordings,
            self.twilio,
            connect,
            self.load,
            self.tools,
            self.transfers,
            self.gather,
            self.relay,
            clock,
            epoch,
        )
        self.way_back = WayBack(self.reception, self.store, self.transfers)
        dial_store = DialStore(self.store.thread, node=name, epoch=epoch)
        self.placing = Placing(
            fleet,
            self.twilio,
            dial_store,
            epoch=epoch,
            document=inline_documents(self.reception),
            on_end=self.metrics.ended,
            active=self.calls.active,
        )
        self.dials = DialDesk(self.reception, dial_store, self.placing, on_end=self.metrics.ended)
        self.hang_ups = HangUpDesk(
            self.calls, self.store, self.dials, self.messages, self.twilio, self._ended
        )
        self.campaigns = CampaignRoom(fleet, settings.database_url, self.placing, epoch, runs=role != "voice")
        self.dials.on_facts = self.campaigns.heard

    def tokens_of(self, agent: str | None) -> tuple[str, ...]:
        """Return the auth tokens that may sign for an agent; all of them when there is no such agent."""
        known = self.fleet.agents.get(agent) if agent is not None else None
        if known is not None:
            return self._tokens[self.fleet.account_of(known).name]
        return tuple(token for tokens in self._tokens.values() for token in tokens)

    async def answer(self, agent: Agent, webhook: VoiceWebhook) -> Answer:
        """Decide on a call and begin it; where its agent's calls are limited, they are counted on all nodes.

        Its place is taken in the database before the answer, so that nodes which are called at once do not
        take one too many. Records that a dead node left live count no longer than its calls can have lasted.
        """
        if agent.max_concurrent_calls is None or self.calls.knows(webhook.call_sid):
            return self.reception.answer(agent, webhook)
        opening = self.reception.opening(agent, webhook)
        elsewhere = await self._reserve(agent, opening)
        answer = self.reception.answer(agent, webhook, opening=opening, elsewhere=elsewhere)
        taken = self.calls.find(webhook.call_sid)
        if taken is None or taken.opening.id != opening.id:  # it was begun meanwhile by a repeated webhook
            self.store.release(opening.id)
        return answer

    async def _reserve(self, agent: Agent, opening: CallRecord) -> int:
        """Return how many calls of the agent the other nodes have; without a database, none."""
        assert agent.max_concurrent_calls is not None
        longest = round((agent.max_call_seconds + LONGEST_BEFORE_ANSWER) * 1000)
        room = agent.max_concurrent_calls - self.calls.active(agent.name)
        progress, since = Progress(opening.started_at + longest), opening.started_at - longest
        try:
            return await self.store.reserve(opening, progress, room=room, since=since)
        except StoreUnavailableError:
            _log.warning("limit_counted_here_only", agent=agent.name)
            return 0

    def _ended(self, record: CallRecord) -> None:
        """Count a call that is over, and leave nobody ringing for it."""
        self.metrics.ended(record)
        self.dials.session_over(record)
        if record.call_sid is not None:
            self.transfers.call_over(record.call_sid)

    def _active_calls(self) -> Iterator[tuple[str, int]]:
        return ((agent, self.calls.active(agent)) for agent in self.fleet.agents)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be open for calls; at the end, end what is live and write what is to be written.

        Raises `DatabaseError`.
        """
        await self.store.open()
        in_writing = any(writes(agent) for agent in self.fleet.agents.values())
        if in_writing or any(agent.voice.mode != "realtime" for agent in self.fleet.agents.values()):
            self._text_line.open()
        if in_writing:
            await self.messages.open()
        self.ready = True
        watch = asyncio.create_task(watch_loop(self.load, self.metrics.lagged, self.clock))
        sweep = asyncio.create_task(self._sweep())
        try:
            async with (
                self.dials.running(),
                self.downloads.running(),
                self.campaigns.running(),
                self.hang_ups.running(),
            ):
                yield
        finally:
            self.ready = False
            watch.cancel()
            sweep.cancel()
            self.drain()
            await self.calls.end_all()
            await self.messages.close()
            await self.transfers.close()
            await self.line.close()
            await self.recordings.close()
            await self.twilio.close()
            await self.tools.close()
            await self._text_line.close()
            await self.store.close()

    async def _sweep(self) -> None:
        """Close, now and then, what nodes that are gone have left open."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.store.close_expired()

    def drain(self) -> None:
        """Take no new calls: they are answered with 503, and Twilio goes to the fallback URL."""
        if not self.calls.draining:
            self.calls.draining = True
            self.campaigns.drain()
            _log.info("draining", calls=len(tuple(self.calls.live())))


def signing_tokens(fleet: Fleet, account: Account) -> tuple[str, ...]:
    """Return the account's auth tokens, regional ones included. Twilio signs with the token of the region."""
    secrets = [account.auth_token, *(region.auth_token for region in account.regions.values())]
    tokens = tuple(secret.reveal() for secret in secrets if secret is not None)
    if not tokens:
        raise UnservableError(
            f"Account {account.name} has no auth_token, so nobody can tell whether a request is Twilio's.",
            hint="An API key is enough to plan and apply; answering calls needs the auth token as well.",
            place=fleet.place("Account", account.name),
        )
    return tokens


def _holds(fleet: Fleet) -> Iterator[Hold]:
    for agent in fleet.agents.values():
        hold = fleet.hold_of(agent)
        if hold is not None:
            yield hold
