"""Twilio's recordings on this machine, for agents that want that: fetched when Twilio reports them.

They are fetched from Twilio's own hosts only, with the account's credentials, streamed to the disk, and
deleted after the days that the declaration allows. What fails is logged; the recording stays at Twilio.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from io import BufferedWriter
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import httpx2

from runtime.call_terms import recording_terms
from runtime.figures.logs import get_logger
from runtime.twilio_api import Access, TwilioApiError, access_to

if TYPE_CHECKING:
    from schemas import Account, Agent, Fleet

_log = get_logger(__name__)
_Result = TypeVar("_Result")

MOST_AT_ONCE: Final = 4
MOST_WAITING: Final = 1_000
# Twilio reports a recording, and has its file a moment later. Seconds before each attempt.
ATTEMPTS: Final = (0.0, 5.0, 30.0)
FETCH_SECONDS: Final = 300.0
LARGEST_BYTES: Final = 1_000_000_000  # twice the longest call, two channels of 16 bits
CLEANING_SECONDS: Final = 3600.0
DAY_SECONDS: Final = 86_400
_ADDRESS: Final = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Recordings/(RE[0-9a-f]{32})")
_OURS: Final = re.compile(r"RE[0-9a-f]{32}\.wav")


class _NotFetchedError(Exception):
    """A recording is not there; the message says why."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A recording by its SID, where it is, and where it is to be."""

    sid: str
    path: str
    access: Access
    folder: Path


class RecordingDownloads:
    """Fetches the recordings of a node's agents. `api_url` takes the place of Twilio's hosts.

    `epoch` is in seconds, `transport` replaceable for tests.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        api_url: str | None,
        transport: httpx2.AsyncBaseTransport | None = None,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._fleet = fleet
        self._api_url = api_url.rstrip("/") if api_url else None
        self._transport = transport
        self._epoch = epoch
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._client: httpx2.AsyncClient | None = None
        self._threads: ThreadPoolExecutor | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Delete what has been kept for long enough, now and then; at the end, fetch nothing more."""
        kept = tuple(_kept(self._fleet.agents.values()))
        cleaning = asyncio.create_task(self._clean(kept)) if kept else None
        try:
            yield
        finally:
            left = [*self._tasks.values(), *(() if cleaning is None else (cleaning,))]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            if self._client is not None:
                await self._client.aclose()
            if self._threads is not None:
                self._threads.shutdown(wait=False, cancel_futures=True)

    def begin(self, agent: Agent, recording: str, on_there: Callable[[Path], None]) -> None:
        """Fetch a recording that Twilio reports at this URL, if the agent wants that. Never waits."""
        terms = recording_terms(agent)
        if terms is None or terms.download is None:
            return
        wanted = self._wanted(self._fleet.account_of(agent), recording, terms.download)
        if wanted is None or len(self._tasks) >= MOST_WAITING:
            _log.error("recording_not_fetched", agent=agent.name, detail="not Twilio's, or too many wait")
            return
        if wanted.sid in self._tasks:  # Twilio has told it twice
            return
        task = asyncio.create_task(self._fetch(wanted, on_there), name=f"recording {wanted.sid}")
        self._tasks[wanted.sid] = task
        task.add_done_callback(lambda _done: self._tasks.pop(wanted.sid))

    def _wanted(self, account: Account, recording: str, folder: Path) -> _Wanted | None:
        """Return what is to be fetched; None for an address that is not one of the account's at Twilio."""
        parts = urlsplit(recording)
        found = _ADDRESS.fullmatch(parts.path)
        if found is None or found[1] != account.account_sid:
            return None
        for region in (account.region, *account.regions):
            with contextlib.suppress(TwilioApiError):
                access = access_to(account, str(region))
                if access.host == parts.netloc or self._api_url is not None:
                    return _Wanted(found[2], parts.path, access, folder)
        return None

    async def _fetch(self, wanted: _Wanted, on_there: Callable[[Path], None]) -> None:
        detail = ""
        for pause in ATTEMPTS:
            await asyncio.sleep(pause)
            try:
                async with self._room, asyncio.timeout(FETCH_SECONDS):
                    path = await self._stream(wanted)
            except (_NotFetchedError, httpx2.HTTPError, OSError) as error:
                detail = str(error) if isinstance(error, _NotFetchedError) else type(error).__name__
                continue
            _log.info("recording_fetched", recording=wanted.sid)
            on_there(path)
            return
        _log.error("recording_not_fetched", recording=wanted.sid, detail=detail)

    async def _stream(self, wanted: _Wanted) -> Path:
        """Write the recording beside its place, then put it there: what has the name is whole."""
        path = wanted.folder / f"{wanted.sid}.wav"
        begun = path.with_suffix(".part")
        base = self._api_url or f"https://{wanted.access.host}"
        headers = {"X-Twilio-Host": wanted.access.host} if self._api_url else None
        auth = httpx2.BasicAuth(wanted.access.username, wanted.access.password)
        address = f"{base}{wanted.path}.wav"
        try:
            async with self._open().stream("GET", address, headers=headers, auth=auth) as response:
                if response.status_code != httpx2.codes.OK:
                    raise _NotFetchedError(f"Twilio answered {response.status_code}")
                await self._write(begun, response)
            await self._in_thread(begun.replace, path)
        finally:
            await self._in_thread(partial(begun.unlink, missing_ok=True))
        return path

    async def _write(self, path: Path, response: httpx2.Response) -> None:
        file = await self._in_thread(_create, path)
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > LARGEST_BYTES:
                    raise _NotFetchedError("it is larger than any recording")
                await self._in_thread(file.write, chunk)
        finally:
            await self._in_thread(file.close)

    async def _in_thread(self, work: Callable[..., _Result], *arguments: object) -> _Result:
        """Do something with files, which may wait."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="recordings")
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments))

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            trust_env = self._api_url is None  # a proxy is right for Twilio, not for this machine
            self._client = httpx2.AsyncClient(timeout=30, trust_env=trust_env, transport=self._transport)
        return self._client

    async def _clean(self, kept: Iterable[tuple[Path, int]]) -> None:
        while True:
            for folder, days in kept:
                await self._in_thread(delete_old, folder, self._epoch() - days * DAY_SECONDS)
            await asyncio.sleep(CLEANING_SECONDS)


def delete_old(folder: Path, before: float) -> None:
    """Delete the recordings that were fetched before that time (epoch s), and no other files."""
    with contextlib.suppress(FileNotFoundError):
        for file in folder.iterdir():
            if _OURS.fullmatch(file.name) and file.stat().st_mtime < before:
                file.unlink(missing_ok=True)
                _log.info("recording_deleted", recording=file.stem)


def _create(path: Path) -> BufferedWriter:
    """Open a file that its owner alone may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _kept(agents: Iterable[Agent]) -> Iterator[tuple[Path, int]]:
    """Yield the folders whose recordings are deleted after some days, with these."""
    for agent in agents:
        terms = recording_terms(agent)
        if terms is not None and terms.download is not None and terms.keep_days is not None:
            yield terms.download, terms.keep_days
