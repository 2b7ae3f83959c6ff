"""The parent of the workers: starts them, starts again those that end, and passes on when to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence

from runtime.figures.logs import get_logger
from runtime.workers.staff import Staff
from schemas.errors import TmError

_log = get_logger(__name__)

STOP = b"."
# As shells answer for what cannot be run.
NOT_STARTED = 126
# How a worker ends that is to stop: by itself, or by a signal that met it while it was starting.
_STOPPED = frozenset({0, 130, -signal.SIGINT, -signal.SIGTERM})


class WorkersFailedError(TmError):
    """The workers end as soon as they are started."""


class Parent:
    """Keeps workers running until SIGTERM or SIGINT; each signal is passed on to all of them.

    `command_of` returns the command line of a worker, `on_complete` is called when all are ready for the
    first time.
    """

    def __init__(
        self,
        count: int,
        command_of: Callable[[int], Sequence[str]],
        environ: Mapping[str, str],
        *,
        on_complete: Callable[[], None],
    ) -> None:
        self._count = count
        self._command_of = command_of
        self._environ = environ
        self._on_complete = on_complete
        self._staff = Staff(count)
        self._lines: dict[int, socket.socket] = {}
        self._stops = 0
        self._stopping = asyncio.Event()
        self._given_up: WorkersFailedError | None = None
        self._failed_at_end = False

    async def run(self) -> int:
        """Return the exit code once all workers have ended: 1 when one did not stop as it should.

        Raises `WorkersFailedError`.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        async with asyncio.TaskGroup() as tasks:
            for worker in range(self._count):
                tasks.create_task(self._keep(worker))
        if self._given_up is not None:
            raise self._given_up
        return 1 if self._failed_at_end else 0

    def _stop(self) -> None:
        """Tell all workers to stop, those that are still starting as well."""
        self._stops += 1
        self._stopping.set()
        for line in self._lines.values():
            _send(line, STOP)

    async def _keep(self, worker: int) -> None:
        """Run a worker, again and again, until it is to stop or there is no point in it."""
        while not self._stopping.is_set():
            exit_code = await self._run_once(worker)
            pause = self._staff.ended(worker, exit_code, _now())
            if self._stopping.is_set():
                self._note_end(worker, exit_code)
                return
            if pause is None:
                self._give_up(worker, exit_code)
                return
            _log.warning("worker_ended", worker=worker, exit_code=exit_code, starts_again_in_s=pause)
            await self._pause(pause)

    async def _run_once(self, worker: int) -> int:
        """Start a worker, wait for its end and return its exit code, negative for a signal."""
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            try:
                with theirs:
                    process = await asyncio.create_subprocess_exec(
                        *self._command_of(worker),
                        stdin=theirs.fileno(),
                        stdout=subprocess.DEVNULL,
                        env=self._environ,
                    )
            except OSError as error:  # no memory, too many processes
                _log.error("worker_not_started", worker=worker, detail=error)
                return NOT_STARTED
            self._lines[worker] = ours
            # Signals that came while it was not on the line yet.
            _send(ours, STOP * self._stops)
            try:
                await self._hear(worker, process.pid, ours)
                return await process.wait()
            finally:
                del self._lines[worker]

    async def _hear(self, worker: int, pid: int, line: socket.socket) -> None:
        """Wait until the worker is ready, or has ended."""
        try:
            said = await asyncio.get_running_loop().sock_recv(line, 1)
        except ConnectionError:
            return
        if not said:
            return
        _log.info("worker_ready", worker=worker, pid=pid)
        if self._staff.ready(worker, _now()):
            self._on_complete()

    def _note_end(self, worker: int, exit_code: int) -> None:
        """Take down how a worker ended that was to stop."""
        if exit_code not in _STOPPED:
            self._failed_at_end = True
            _log.warning("worker_ended", worker=worker, exit_code=exit_code)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _give_up(self, worker: int, exit_code: int) -> None:
        times = self._staff.failures(worker)
        often = f" {times} times in a row" if times > 1 else ""
        self._given_up = self._given_up or WorkersFailedError(
            f"Worker {worker} ended{often} as soon as it was started, at last with exit code {exit_code}.",
            hint="What it said stands above. The other workers have been stopped as well.",
        )
        self._stop()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _send(line: socket.socket, what: bytes) -> None:
    """Put some bytes on a worker's line; a worker that has just ended hears nothing any more."""
    try:
        line.send(what)
    except (ConnectionError, BlockingIOError):
        _log.debug("worker_line_closed")
