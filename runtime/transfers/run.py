"""One transfer of a node: its transaction, its timer, and what it asks of Twilio."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from runtime.call import transfer_steps as ts
from runtime.call.actions import BeginTransfer
from runtime.call.events import Event, TransferEnded
from runtime.call.transfer import (
    DIALLING_SECONDS,
    JOINING_SECONDS,
    LEAVING_SECONDS,
    RETURNING_SECONDS,
    RINGING_MARGIN,
    Transfer,
    TransferTerms,
)
from runtime.figures.logs import get_logger
from runtime.transfers import documents
from runtime.transfers.documents import Papers, Places
from runtime.twilio_api import TwilioApiError

if TYPE_CHECKING:
    from runtime.line import CallLine
    from runtime.transfers.transfers import Transfers
    from schemas import Agent
    from schemas import transfer as declared

_log = get_logger(__name__)

# Twilio ends a call after four hours in any case; the two who have met may talk for so long.
LONGEST_TALK_SECONDS: Final = 14_400
_SETTLING_SECONDS: Final = (
    LEAVING_SECONDS + DIALLING_SECONDS + RINGING_MARGIN + JOINING_SECONDS + RETURNING_SECONDS
)

Feed: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """What a call's session wants: `order` is the agent's, `feed` takes what comes of it.

    `caller_id` is the number that was called, and `call_id` the record's.
    """

    agent: Agent
    line: CallLine
    call_id: str
    caller_id: str
    order: BeginTransfer
    feed: Feed


class TransferRun:
    """One transfer, from the moment when the caller has left the agent's stream; it ends within `seconds`."""

    def __init__(self, request: TransferRequest, person: declared.Transfer, owner: Transfers) -> None:
        brief = person.brief or request.order.summary or documents.NO_SUMMARY
        brief_seconds = documents.brief_seconds(brief)
        self.seconds = person.timeout + brief_seconds + _SETTLING_SECONDS
        self.token = secrets.token_urlsafe(16)
        self.line = request.line
        self._feed = request.feed
        self._owner = owner
        self._warm = person.mode == "warm"
        self._person = person
        self._papers = Papers(
            places=Places(owner.node_url, owner.public_url, request.agent.name, self.token),
            person=person,
            caller_id=person.caller_id or request.caller_id,
            room=f"tm-{request.call_id}-{self.token[:8]}",
            brief=brief,
            language=request.agent.voice.language,
            wait_until=round(owner.epoch() + self.seconds),
        )
        terms = TransferTerms(self._warm, person.timeout, brief_seconds)
        self._transfer = Transfer(terms, now=owner.clock())
        self._timer: asyncio.TimerHandle | None = None
        self._arm()

    @property
    def waits(self) -> bool:
        """Whether the caller waits in the conference."""
        return self._transfer.waits

    def step(self, event: ts.TransferEvent) -> str | None:
        """Take an event; the document that answers it, if it was a question."""
        return self._carry_out(self._transfer.handle(event, self._owner.clock()))

    def let_go(self) -> None:
        """Let no timer go off any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _carry_out(self, actions: Sequence[ts.TransferAction]) -> str | None:
        document: str | None = None
        for action in actions:
            if isinstance(action, ts.Answer):
                document = self._papers.render(action.document)
            elif isinstance(action, ts.DialPerson):
                self._start(self._dial())
            elif isinstance(action, ts.CancelLeg):
                self._start(self._cancel(action.leg))
            elif isinstance(action, ts.BringBack):
                self._start(self._bring_back())
            elif isinstance(action, ts.GiveBack):
                _log.info("transfer_failed", call=self.line.call_sid, outcome=action.outcome)
                self._feed(TransferEnded(action.outcome))
            else:
                _log.info("transferred", call=self.line.call_sid)
                self._start(self._limit_to(LONGEST_TALK_SECONDS))
                self._feed(TransferEnded(None))
        self._arm()
        return document

    # --- requests to Twilio

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._owner.start(work, f"transfer {self.line.call_sid}")

    async def _dial(self) -> None:
        places = self._papers.places
        try:
            leg = await self.line.api().create_call(
                self._person.number,
                self._papers.caller_id,
                Url=places.step("brief"),
                Timeout=self._person.timeout,
                StatusCallback=places.step("person"),
                StatusCallbackEvent=["initiated", "ringing", "answered", "completed"],
                MachineDetection="Enable",
                AsyncAmd="true",
                AsyncAmdStatusCallback=places.machine,
            )
        except TwilioApiError as error:
            _log.warning("transfer_not_dialled", call=self.line.call_sid, detail=str(error))
            self.step(ts.DialFailed())
            return
        self.step(ts.LegDialled(leg))

    async def _cancel(self, leg: str) -> None:
        try:
            await self.line.api().complete_call(leg)
        except TwilioApiError as error:
            if not error.call_is_over:
                _log.warning("leg_not_cancelled", call=self.line.call_sid, leg=leg, detail=str(error))

    async def _bring_back(self) -> None:
        try:
            await self.line.api().redirect_call(self.line.call_sid, url=self._papers.places.after)
        except TwilioApiError as error:
            _log.warning("not_brought_back", call=self.line.call_sid, detail=str(error))
            self.step(ts.BringBackFailed(over=error.call_is_over))

    async def _limit_to(self, seconds: int) -> None:
        try:
            await self.line.api().limit_call(self.line.call_sid, seconds)
        except TwilioApiError as error:
            if not error.call_is_over:
                _log.warning("time_limit_not_set", call=self.line.call_sid, detail=str(error))

    # --- time

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._transfer.wake_at()
        if not math.isinf(due):
            delay = max(0.0, due - self._owner.clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._carry_out(self._transfer.wake(self._owner.clock()))
