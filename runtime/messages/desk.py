"""The message desk of a node: takes messages and reports, and has workers for contacts with work to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from runtime.figures.logs import get_logger
from runtime.figures.prices import PriceTable
from runtime.messages.contact import ContactKey
from runtime.messages.files import FileReader
from runtime.messages.sending import Sender
from runtime.messages.worker import ContactWorker, Workshop
from runtime.store import StoreUnavailableError
from runtime.store.message_store import MessageStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

    from runtime.call_record import CallRecord
    from runtime.messages.voice_notes import Transcribe
    from runtime.messages.webhook import MessageWebhook, StatusWebhook
    from runtime.store import CallStore
    from runtime.text_desk import TextDesk
    from schemas import Agent

_log = get_logger(__name__)

MOST_WORKERS: Final = 32
"""Contacts who are worked for at once on this node; the others wait in the database."""
SWEEP_SECONDS: Final = 2.0
LAST_SECONDS: Final = 5.0
"""How long answers that are under way may take when the node stops."""


class MessageDesk:
    """Owns the workers. Messages are taken before `open` and after `drain`, too, but not worked on."""

    def __init__(self, workshop: Workshop) -> None:
        self._here = workshop
        self._workers: dict[ContactKey, ContactWorker] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.Task[None] | None = None

    @classmethod
    def of(
        cls,
        desk: TextDesk,
        store: CallStore,
        transcribe: Transcribe,
        *,
        node: str,
        api_url: str | None,
        transport: httpx2.AsyncBaseTransport | None,
        on_end: Callable[[CallRecord], None],
    ) -> MessageDesk:
        """Return the desk of a node; `transport` takes the place of the network for files."""
        kept = MessageStore(store.thread, node=node, epoch=desk.epoch)
        service = desk.fleet.service
        workshop = Workshop(
            desk.fleet,
            kept,
            Sender(kept, desk.twilio, service.public_url),
            FileReader(transcribe, api_url=api_url, transport=transport),
            desk.tools,
            desk.ask,
            PriceTable.of(service.prices),
            on_end,
            desk.clock,
            desk.epoch,
        )
        return cls(workshop)

    async def open(self) -> None:
        """Begin to work, for those first whom an earlier run of this node has left."""
        try:
            await self._here.store.abandon()
        except StoreUnavailableError as error:
            _log.warning("contacts_not_taken_up", reason=error)
        self._sweep = asyncio.create_task(self._look_around())

    async def close(self) -> None:
        """Stop; what is not done within 5 s is left to another node, or to the next run of this one."""
        if self._sweep is None:
            return
        self._sweep.cancel()
        await asyncio.gather(self._sweep, return_exceptions=True)
        self._sweep = None
        tasks = set(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=LAST_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            await self._here.store.abandon()
        except StoreUnavailableError as error:
            _log.warning("contacts_not_let_go", reason=error)
        await self._here.files.close()

    async def take(self, agent: Agent, message: MessageWebhook) -> None:
        """Store a message, and have it answered. Raises `StoreUnavailableError`."""
        key = ContactKey(agent.name, message.contact)
        if await self._here.store.receive(key, message):
            _log.info("message_received", agent=agent.name, files=len(message.files))
        self._work_for(key)

    async def report(self, status: StatusWebhook, name: str | None) -> None:
        """Note what has become of a message of ours. Raises `StoreUnavailableError`."""
        await self._here.store.report(status, name)

    async def cancel(self, record_id: str) -> None:
        """End a conversation for an operator; what is under way for it is dropped.

        Raises `StoreUnavailableError`.
        """
        ended = await self._here.store.cancel(record_id)
        if ended is None:
            return
        key, record = ended
        _log.info("conversation_cancelled", agent=key.agent, record=record_id)
        self._here.on_end(record)
        worker = self._workers.get(key)
        if worker is not None:
            worker.nudge()

    def _work_for(self, key: ContactKey) -> None:
        """Have somebody work for a contact, now or when there is room."""
        worker = self._workers.get(key)
        if worker is not None:
            worker.nudge()
        elif self._sweep is not None and len(self._workers) < MOST_WORKERS:
            worker = self._workers[key] = ContactWorker(key, self._here)
            task = asyncio.create_task(self._run(key, worker))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, key: ContactKey, worker: ContactWorker) -> None:
        try:
            await worker.run()
        finally:
            del self._workers[key]

    async def _look_around(self) -> None:
        """Find work that nobody does: of nodes that are gone, of busy times, of idle conversations."""
        while True:
            room = MOST_WORKERS - len(self._workers)
            try:
                for key in await self._here.store.due(room) if room else ():
                    self._work_for(key)
            except StoreUnavailableError as error:
                _log.warning("contacts_not_looked_for", reason=error)
            except Exception:  # of one look; contacts are owed the next one
                _log.exception("contacts_not_looked_for")
            await asyncio.sleep(SWEEP_SECONDS)
