"""The store of conversations in writing: it shares the call store's database, and the thread that asks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from runtime.messages.contact import Change, Contact, ContactKey, Inbound
from runtime.store import contacts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from runtime.call_record import CallRecord
    from runtime.messages.webhook import MessageWebhook, StatusWebhook
    from runtime.store.database_thread import DatabaseThread

_Result = TypeVar("_Result")

RECEIVE_SECONDS: Final = 10.0
"""How long Twilio, who gives up after 15 s, may be kept waiting for a message to be stored."""
WORK_SECONDS: Final = 20.0


class MessageStore:
    """Keeps contacts and messages. Every method raises `StoreUnavailableError`; those about a contact whom
    this node holds raise `LostHoldError` when it does not any more. `epoch` is in seconds.
    """

    def __init__(self, thread: DatabaseThread, *, node: str, epoch: Callable[[], float]) -> None:
        self._thread = thread
        self._node = node
        self._epoch = epoch

    def now(self) -> int:
        """Return the time in epoch milliseconds."""
        return round(self._epoch() * 1000)

    async def receive(self, key: ContactKey, message: MessageWebhook) -> bool:
        """Store a message of a contact; False for one that is known already."""
        came = Inbound(message.sid, self.now(), message.text, message.files)
        return await self._thread.change(
            lambda connection: contacts.receive(connection, key, message.ours, message.country, came),
            RECEIVE_SECONDS,
        )

    async def report(self, status: StatusWebhook, name: str | None = None) -> None:
        """Note what has become of a message of ours, by our name for it or by Twilio's."""
        await self._thread.change(
            lambda connection: contacts.report(
                connection, name, status.sid, status.status, status.error_code, self.now()
            ),
            RECEIVE_SECONDS,
        )

    async def due(self, most: int) -> list[ContactKey]:
        """Return contacts for whom something is to be done, whom nobody works for."""
        return await self._read(lambda connection: contacts.due(connection, self.now(), most))

    async def hold(self, key: ContactKey) -> Contact | None:
        """Work for a contact from now on, and learn how it stands with them; None while another does."""
        return await self._work(lambda connection: contacts.hold(connection, key, self._node, self.now()))

    async def look(self, key: ContactKey) -> Contact:
        """Learn how it stands with a contact whom this node goes on to hold."""
        return await self._work(lambda connection: contacts.look(connection, key, self._node, self.now()))

    async def release(self, key: ContactKey, idle_at: int | None) -> bool:
        """Let go of a contact until something comes or `idle_at`; False when something has come already."""
        return await self._work(lambda connection: contacts.release(connection, key, self._node, idle_at))

    async def abandon(self, key: ContactKey | None = None) -> None:
        """Let go of a contact, or of all whom this node held, with whatever is still to be done for them."""
        await self._work(lambda connection: contacts.abandon(connection, self._node, key))

    async def change(self, key: ContactKey, done: Change) -> None:
        """Store what a step of work has changed."""
        await self._work(lambda connection: contacts.change(connection, key, self._node, done, self.now()))

    async def cancel(self, record_id: str) -> tuple[ContactKey, CallRecord] | None:
        """End a conversation for an operator, whoever works for its contact; None when it is over."""
        return await self._work(lambda connection: contacts.cancel(connection, record_id, self.now()))

    async def trying(self, key: ContactKey, name: str) -> None:
        """Note that Twilio is about to be asked for a message."""
        await self._work(lambda connection: contacts.trying(connection, key, self._node, name, self.now()))

    async def known(self, sids: Sequence[str]) -> frozenset[str]:
        """Return those of the SIDs that messages have which are stored."""
        return await self._read(lambda connection: contacts.known(connection, sids))

    async def know(self, key: ContactKey, ours: str) -> None:
        """Know a contact; `ours` is the address to write from to one who has not written yet."""
        await self._work(lambda connection: contacts.know(connection, key, ours))

    async def _read(self, question: Callable[[Connection], _Result]) -> _Result:
        return await self._thread.read(question, WORK_SECONDS)

    async def _work(self, change: Callable[[Connection], _Result]) -> _Result:
        return await self._thread.change(change, WORK_SECONDS)
