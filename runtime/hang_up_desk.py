"""Hanging up for an operator, whichever node has the call.

here             the call's session ends it
another node     the wish is noted in the database, where that node looks every second
a dead node      nobody does it in time: Twilio ends the call, and the record is closed here
nobody           a call that rings is taken back, a conversation in writing is ended in the database
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.call.events import HangUpRequested
from runtime.figures.logs import get_logger
from runtime.store import StoreUnavailableError

if TYPE_CHECKING:
    from runtime.call_record import CallRecord
    from runtime.calls import Calls
    from runtime.messages.desk import MessageDesk
    from runtime.outbound.dial_desk import DialDesk
    from runtime.store import CallStore
    from runtime.store.cancelling import LiveElsewhere
    from runtime.twilio_api import TwilioApi

_log = get_logger(__name__)

POLL_SECONDS: Final = 1.0
"""How often a node with calls looks whether one of them was hung up elsewhere."""
LOOK_SECONDS: Final = 0.25
PATIENCE_SECONDS: Final = 3.0
"""How long a node that has the call may take to end it."""


@dataclass(frozen=True, slots=True)
class HangUpDesk:
    """Hangs up for one node. `on_end` is given the records that were closed in the place of a dead node."""

    calls: Calls
    store: CallStore
    dials: DialDesk
    messages: MessageDesk
    twilio: TwilioApi
    on_end: Callable[[CallRecord], None]

    async def hang_up(self, name: str) -> None:
        """End the call of this id or SID, wherever it is; nothing is done about one that is over.

        Takes three seconds and a request to Twilio when the call's node is dead. Raises `TwilioApiError` when
        Twilio has to end the call and does not; `StoreUnavailableError`.
        """
        here = self.calls.find(name)
        if here is not None:
            here.session.feed(HangUpRequested())
            return
        call = await self.store.cancel(name)
        if call is None:
            return
        _log.info("hung_up_elsewhere", call=call.call_sid or call.id, node=call.node)
        if call.in_writing:
            await self.messages.cancel(call.id)
        elif not await self._ends(call) and not call.rings:
            await self._end_in_its_place(call)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End the calls of this node that are hung up elsewhere."""
        looking = asyncio.create_task(self._look_again_and_again())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _ends(self, call: LiveElsewhere) -> bool:
        """Wait for the call's end, and take it back if it rings; whether it has ended, or is about to."""
        for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
            if call.rings and await self.dials.cancel(call.id):
                return True
            await asyncio.sleep(LOOK_SECONDS)
            if not await self.store.is_live(call.id):
                return True
        return False

    async def _end_in_its_place(self, call: LiveElsewhere) -> None:
        if call.call_sid is not None:
            await self.twilio.end_call(call.agent, call.call_sid)
        closed = await self.store.close_cancelled(call.id)
        if closed is not None:
            _log.warning("ended_in_its_place", call=call.call_sid or call.id, node=call.node)
            self.on_end(closed)

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self.calls.live():
                continue
            try:
                cancelled = await self.store.cancelled()
            except StoreUnavailableError as error:
                _log.warning("hang_ups_not_looked_for", reason=error)
                continue
            for call_id in cancelled:
                call = self.calls.find(call_id)
                if call is not None:
                    call.session.feed(HangUpRequested())
