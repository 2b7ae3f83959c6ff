"""The process that runs campaigns: DBOS, the queues of the campaigns, and leads put into them.

DBOS has threads and an event loop of its own, apart from the one in which calls are talked: it is started
from a thread, so that it does not take that loop for its own. On PostgreSQL several processes share the work:
each says every few seconds that it is there, and the workflows of one that has fallen silent go on with
another. SQLite has one such process, which holds a lock.
"""

from __future__ import annotations

import contextvars
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dbos import DBOS, DBOSConfig
from sqlalchemy.exc import SQLAlchemyError

from runtime.figures.logs import get_logger
from runtime.outbound import workflows
from runtime.outbound.attempt_store import AttemptStore
from runtime.outbound.campaign_desk import CampaignDesk, Timing
from runtime.outbound.lead_store import LeadStore
from runtime.outbound.orders import CallFacts, Dialer
from runtime.outbound.processes import Processes, SingleProcess
from runtime.outbound.queueing import Queueing
from runtime.outbound.reporting import NEWS
from runtime.outbound.workflow_database import (
    SERIALIZER,
    durable_engine,
    workflow_engine,
    workflow_file,
    workflow_url,
)
from runtime.store.database import migrate, sqlite_file

if TYPE_CHECKING:
    from schemas import Fleet

_log = get_logger(__name__)

APPLICATION: Final = "tm-campaigns"
# Threads for the database work of all workflows together.
THREADS: Final = 24
STOP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is looked for what, in seconds, and after how much silence a process is taken for dead."""

    poll: float = 0.2
    messages: float = 0.5
    tick: float = 1.0
    dead_after: float = 20.0
    timing: Timing = field(default_factory=Timing)


class CampaignEngine:
    """Runs the campaigns of a fleet in one process; there is one at a time. Its methods block."""

    def __init__(
        self,
        fleet: Fleet,
        database_url: str,
        dialer: Dialer,
        *,
        epoch: Callable[[], float] = time.time,
        pace: Pace | None = None,
    ) -> None:
        """`dialer` is called from the event loop of the workflows."""
        self._fleet = fleet
        self._url = database_url
        self._file = sqlite_file(database_url)
        self._dialer = dialer
        self._epoch = epoch
        self._pace = pace or Pace()
        self._name = "local" if self._file is not None else secrets.token_hex(8)
        self._stopping = threading.Event()
        self._watch: threading.Thread | None = None
        self._single: SingleProcess | None = None
        self._processes: Processes | None = None
        self._engine = durable_engine(database_url)
        self._attempts = AttemptStore(self._engine, epoch)
        self._leads = LeadStore(self._engine, epoch)

    def start(self) -> None:
        """Go on with what there is to do.

        Raises `DatabaseError`, and `AnotherProcessError` where SQLite has a process that runs campaigns.
        """
        if self._file is not None:
            self._single = SingleProcess.of(self._file)
        migrate(self._engine)
        if self._file is None:
            self._processes = Processes(self._engine, self._name, self._pace.dead_after)
            self._processes.beat()
        elif not workflow_file(self._file).exists():
            self._leads.forget_queues()
        timing = self._pace.timing
        workflows.work_with(
            CampaignDesk(self._fleet, self._leads, self._attempts, self._dialer, self._epoch, timing)
        )
        DBOS(config=self._config())
        _log_as_we_do()
        DBOS.launch()
        self._watch = threading.Thread(target=self._run, name="campaigns", daemon=True)
        self._watch.start()
        _log.info("campaigns_open", campaigns=len(self._fleet.campaigns))

    def stop(self) -> None:
        """Begin nothing more. What is under way goes on in another process, or in the next one."""
        self._stopping.set()
        if self._watch is not None:
            self._watch.join(STOP_SECONDS)
        DBOS.destroy()
        if self._processes is not None:
            self._processes.leave()
        workflows.work_with(None)
        self._engine.dispose()
        if self._single is not None:
            self._single.free()

    def report(self, attempt: str, news: CallFacts) -> None:
        """Take in what was found out about an attempt; its workflow hears of it when the call is over."""
        workflow = self._attempts.note(attempt, news)
        if workflow is not None and not self._stopping.is_set():
            # Not in the context of whoever reports: that may be a workflow, of which this would be a step.
            contextvars.Context().run(DBOS.send, workflow, news.status, NEWS)

    def _run(self) -> None:
        queueing = Queueing(self._fleet, self._leads, self._epoch, self._pace.poll)
        while True:
            try:
                queueing.tick()
                self._take_over()
            except SQLAlchemyError as error:
                _log.warning("campaigns_database_away", detail=type(error).__name__)
            if self._stopping.wait(self._pace.tick):
                return

    def _take_over(self) -> None:
        """Go on with the workflows of processes that have fallen silent."""
        gone = [] if self._processes is None else list(self._processes.beat())
        if self._processes is not None and gone:
            _log.warning("process_gone", processes=len(gone))
            # DBOS leaves it to us to notice. Several may do this at a time: each workflow goes to one.
            DBOS._recover_pending_workflows(gone)
            self._processes.forget(gone)

    def _config(self) -> DBOSConfig:
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": workflows.VERSION,
            "executor_id": self._name,
            "log_level": "WARNING",
            "max_executor_threads": THREADS,
            "notification_listener_polling_interval_sec": self._pace.messages,
            "serializer": SERIALIZER,
        }
        config["system_database_url"] = workflow_url(self._url)
        if self._file is not None:
            config["system_database_engine"] = workflow_engine(self._file)
        return config


def _log_as_we_do() -> None:
    """Let the lines of DBOS come out among ours, not beside them."""
    logger = logging.getLogger("dbos")
    logger.handlers.clear()
    logger.propagate = True
