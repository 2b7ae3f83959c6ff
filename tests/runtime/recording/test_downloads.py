"""Twilio's recordings on this machine: fetched with the account's credentials, and kept for some days."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from runtime.recording.downloads import RecordingDownloads
from tests.runtime.office import AGENT, ENVIRONMENT, TOKEN, fleet_of
from tests.runtime.virtual_time import run

ACCOUNT = ENVIRONMENT["TWILIO_ACCOUNT_SID"]
SID = "RE" + "1" * 32
URL = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/{SID}#t=0,12"
SOUND = b"RIFF" + bytes(range(256)) * 1000
NOW = 1_800_000_000.0


class Twilio:
    """Answers one status after the other, the last one for ever, with a recording."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx2.Request] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return httpx2.Response(status, content=SOUND)


def fetch(
    folder: Path,
    twilio: Twilio,
    *urls: str,
    terms: str = "download: kept, keep_days: 30",
    meanwhile: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(60),
) -> list[Path]:
    """Let Twilio report recordings at these addresses, and return what was fetched."""
    there: list[Path] = []

    async def story() -> None:
        fleet = fleet_of(folder, AGENT + f"recording: {{{terms}}}\n")
        transport = httpx2.MockTransport(twilio)
        downloads = RecordingDownloads(fleet, api_url=None, transport=transport, epoch=lambda: NOW)
        async with downloads.running():
            for url in urls:
                downloads.begin(fleet.agents["front-desk"], url, there.append)
            await meanwhile()

    run(story())
    return there


def kept(folder: Path) -> Path:
    return folder / "agents.d" / "kept"


def test_a_reported_recording_is_fetched_whole_and_is_its_owners_alone(tmp_path: Path) -> None:
    twilio = Twilio(200)
    (path,) = fetch(tmp_path, twilio, URL)
    (request,) = twilio.requests
    assert path == kept(tmp_path) / f"{SID}.wav"
    assert path.read_bytes() == SOUND
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(request.url) == URL.partition("#")[0] + ".wav"
    assert request.headers["authorization"] == httpx2.BasicAuth(ACCOUNT, TOKEN)._auth_header
    assert list(kept(tmp_path).iterdir()) == [path]


def test_a_recording_that_is_not_there_yet_is_asked_for_again(tmp_path: Path) -> None:
    assert len(fetch(tmp_path, Twilio(404, 500, 200), URL)) == 1
    (tmp_path / "again").mkdir()
    assert fetch(tmp_path / "again", Twilio(404), URL) == []
    assert not kept(tmp_path / "again").exists()


def test_a_recording_that_is_reported_twice_is_fetched_once(tmp_path: Path) -> None:
    twilio = Twilio(200)
    assert len(fetch(tmp_path, twilio, URL, URL)) == 1
    assert len(twilio.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("api.twilio.com", "twilio.example"),
        URL.replace(ACCOUNT, "AC" + "9" * 32),
        URL.replace(SID, "../../Keys"),
    ],
)
def test_nothing_is_fetched_from_elsewhere(tmp_path: Path, url: str) -> None:
    twilio = Twilio(200)
    assert fetch(tmp_path, twilio, url) == []
    assert twilio.requests == []


def test_an_agent_that_does_not_ask_for_it_has_nothing_fetched(tmp_path: Path) -> None:
    twilio = Twilio(200)
    assert fetch(tmp_path, twilio, URL, terms="channels: dual") == []
    assert twilio.requests == []


def test_what_was_kept_for_long_enough_is_deleted_and_other_files_are_not(tmp_path: Path) -> None:
    folder = kept(tmp_path)
    folder.mkdir(parents=True)
    ages = {f"{SID}.wav": 31, "RE" + "2" * 32 + ".wav": 29, "notes.txt": 400}
    for name, days in ages.items():
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (NOW - days * 86_400,) * 2)
    fetch(tmp_path, Twilio(404))
    assert {file.name for file in folder.iterdir()} == {"RE" + "2" * 32 + ".wav", "notes.txt"}
