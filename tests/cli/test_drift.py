"""`tm drift`: its document, its exit codes, and that it can only read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from reconciler.api.connections import Connections
from reconciler.api.errors import ForbiddenRequestError
from tests.cli.wire_world import WireWorld, wire_world
from tests.reconciler.fleets import FLEET, load
from tests.reconciler.numbers import FRONT_DESK, SALES
from tests.reconciler.wire import error_body, record

ELSEWHERE = "https://elsewhere.example/voice"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> WireWorld:
    """A fleet that was applied, and the friendly name of one number changed since."""
    world = wire_world(tmp_path, monkeypatch, capsys, [record(FRONT_DESK), record(SALES)])
    assert world.tm("apply", "--yes").code == 0
    world.account.records[1]["friendly_name"] = "By hand"
    world.account.requests.clear()
    return world


def test_drift_exits_with_2_only_when_asked(world: WireWorld) -> None:
    assert world.tm("drift").code == 0
    assert world.tm("drift", "--exit-code").code == 2
    assert world.tm("drift", "--exit-code", "--ignore", "friendly_name").code == 0
    assert world.tm("drift", "--exit-code", "--target", "front-desk").code == 0


def test_every_form_says_what_drifted_and_where_it_is_declared(world: WireWorld) -> None:
    text = world.tm("drift").out
    assert text.startswith("1 drifted\n")
    assert "agents.d/fleet.yaml:12" in text
    assert world.tm("drift", "--format", "json").json()["changes"][0]["cause"] == "drift"
    assert "Drift: 1 drifted" in world.tm("drift", "--format", "markdown").out
    assert "::warning file=agents.d/fleet.yaml" in world.tm("drift", "--format", "github").out
    world.account.records[1]["friendly_name"] = "Sales"
    assert world.tm("drift").out.startswith("No drift\n")


def test_a_declared_number_that_vanished_is_named_in_every_form(world: WireWorld) -> None:
    del world.account.records[1]
    text = world.tm("drift")
    assert text.out.startswith("No drift, 1 declared but not in the account\n")
    assert SALES in text.out
    assert world.tm("drift", "--exit-code").code == 0
    (item,) = world.tm("drift", "--format", "json").json()["skipped"]
    assert (item["number"], item["reason"]) == (SALES, "no_matching_number")
    assert "not in the account" in world.tm("drift", "--format", "markdown").out
    assert SALES in world.tm("drift", "--format", "github").out


def test_only_reads_are_made_and_its_client_refuses_a_write(world: WireWorld) -> None:
    assert world.tm("drift", "--who", "--accept", "--yes").code == 0
    assert {request.method for request in world.account.requests} == {"GET"}
    fleet = load(world.folder / "other")
    url = f"https://api.twilio.com/2010-04-01/Accounts/AC{'0' * 32}/IncomingPhoneNumbers/PN{'0' * 32}.json"

    async def write() -> None:
        async with Connections(fleet, transport=world.account.transport()) as connections:
            reader = connections.reader("main", "us1")
            assert not hasattr(reader, "update")
            session = connections.events("main", "us1").session
            await session.client.http_client.request("POST", url, data={"VoiceUrl": ""})

    with pytest.raises(ForbiddenRequestError):
        asyncio.run(write())


def test_a_misspelled_field_is_not_silently_ignored(world: WireWorld) -> None:
    done = world.tm("drift", "--ignore", "friendly_nam")
    assert done.code == 1
    assert "friendly_name" in done.err


def test_events_that_may_not_be_read_are_a_warning(world: WireWorld) -> None:
    answer = world.account.answer

    def forbidden(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "monitor.twilio.com":
            return httpx2.Response(403, text=error_body(403, 20403, "Forbidden"))
        return answer(request)

    world.account.handler = forbidden
    done = world.tm("drift", "--who", "--exit-code")
    assert done.code == 2
    assert "who changed it is not known" in done.out
    assert "403" in done.out


def test_accepting_needs_a_terminal_or_yes(world: WireWorld) -> None:
    done = world.tm("drift", "--accept", "--format", "json")
    assert done.code == 1
    assert "terminal" in done.json()["error"]
    assert not world.account.requests
    assert world.tm("drift", "--yes").code == 1


def test_accepting_shows_the_difference_and_leaves_no_plan(world: WireWorld) -> None:
    done = world.tm("drift", "--accept", "--yes", "--exit-code")
    assert done.code == 0
    assert "By hand" not in done.out  # what was accepted is no drift any more
    assert "+numbers: [" in done.err
    assert "--- agents.d/fleet.yaml" in done.err
    assert (world.folder / "agents.d" / "fleet.yaml").read_text() == FLEET.replace(": Sales", ": By hand")
    assert world.tm("plan", "--exit-code").code == 0


def test_an_account_that_cannot_be_read_is_one_document(world: WireWorld) -> None:
    world.account.answers.append(httpx2.Response(401, text=error_body(401, 20003, "Authenticate")))
    done = world.tm("drift", "--format", "json", "--exit-code")
    assert done.code == 1
    assert "Authenticate" in done.json()["error"]
