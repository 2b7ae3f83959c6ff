"""News of calls from a node that runs no workflows itself, to the process that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime.outbound.attempt_store import AttemptStore
from runtime.outbound.orders import CallFacts
from runtime.store.database import migrate, open_engine

if TYPE_CHECKING:
    from dbos import DBOSClient

NEWS = "news"
"""The topic of messages to workflows that say that there is news of a call."""


class RemoteReporter:
    """Writes news into the database, and wakes the workflow that waits for it. Its methods block."""

    def __init__(self, database_url: str, epoch: Callable[[], float]) -> None:
        self._url = database_url
        self._engine = open_engine(database_url)
        self._attempts = AttemptStore(self._engine, epoch)
        self._client: DBOSClient | None = None

    def start(self) -> None:
        """See that the tables are there. Raises `DatabaseError`."""
        migrate(self._engine)

    def stop(self) -> None:
        """Close the database; news that comes later opens it again."""
        if self._client is not None:
            self._client.destroy()
            self._client = None
        self._engine.dispose()

    def report(self, attempt: str, news: CallFacts) -> None:
        """Take in what was found out about an attempt; its workflow hears of it when the call is over."""
        workflow = self._attempts.note(attempt, news)
        if workflow is not None:
            self._opened().send(workflow, news.status, NEWS)

    def _opened(self) -> DBOSClient:
        """Return the client, loaded with the first call of a campaign: a node without any needs no DBOS."""
        if self._client is None:
            from dbos import DBOSClient

            from runtime.outbound.workflow_database import SERIALIZER, workflow_url

            self._client = DBOSClient(system_database_url=workflow_url(self._url), serializer=SERIALIZER)
        return self._client
