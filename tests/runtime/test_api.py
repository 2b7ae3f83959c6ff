"""The JSON API: what it tells, and whom."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from runtime.access import may_use_api
from tests.runtime.office import AGENT, CALLER, Office, open_office
from tests.runtime.virtual_time import run

Story = Callable[[Office], Awaitable[None]]


def play(folder: Path, story: Story, declarations: str = AGENT, *, api_token: str | None = None) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations, api_token=api_token) as office:
            await story(office)
            await office.node.calls.end_all()

    run(in_office())


def test_calls_are_listed_newest_first_live_ones_included_page_by_page(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        for number in range(3):
            await office.webhook(CallSid=f"CA{number}", From="+14155550111")
        await office.webhook(CallSid="CA3")
        first = (await office.client.get("/api/calls?limit=3")).json()
        second = (await office.client.get(f"/api/calls?limit=3&cursor={first['next']}")).json()
        rows = first["calls"] + second["calls"]
        assert {row["call_sid"] for row in rows} == {"CA0", "CA1", "CA2", "CA3"}
        assert len(rows) == 4
        assert second["next"] is None
        statuses = {row["call_sid"]: row["status"] for row in rows}
        assert statuses["CA3"] == "incoming"
        assert statuses["CA0"] == "rejected"
        assert not any({"transcript", "tools"} & row.keys() for row in rows)

    play(tmp_path, story, AGENT + f"allow_callers: {CALLER}\n")


def test_calls_are_filtered_by_agent_and_channel(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        for query, count in (
            ("agent=front-desk", 1),
            ("agent=other", 0),
            ("channel=twilio", 1),
            ("channel=web", 0),
        ):
            assert len((await office.client.get(f"/api/calls?{query}")).json()["calls"]) == count

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/calls?limit=many", 400),
        ("/api/calls?cursor=nonsense", 400),
        ("/api/calls?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA", 400),
        ("/api/calls?limit=0", 200),
        ("/api/calls?limit=99999", 200),
        ("/api/calls/unknown", 404),
        ("/api/nothing", 404),
    ],
)
def test_wrong_questions_get_an_error_in_json(tmp_path: Path, path: str, status: int) -> None:
    async def story(office: Office) -> None:
        answer = await office.client.get(path)
        assert answer.status_code == status
        if status != 200:
            assert set(answer.json()["error"]) == {"code", "message"}

    play(tmp_path, story)


def test_an_operators_hang_up_ends_the_call_as_cancelled(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            call_id = (await office.record())["id"]
            ended = (await office.client.post(f"/api/calls/{call_id}/hangup")).json()
            assert (ended["status"], ended["end_reason"]) == ("completed", "cancelled")
            await phone.until(lambda phone: phone.close_code == 1000)
            await office.over()
        again = await office.client.post(f"/api/calls/{call_id}/hangup")
        assert again.json()["end_reason"] == "cancelled"
        assert (await office.client.post("/api/calls/unknown/hangup")).status_code == 404
        after = await office.webhook("/voice/front-desk/after", CallStatus="in-progress")
        assert "<Hangup/>" in after.text

    play(tmp_path, story)


def test_agents_are_listed_with_the_calls_that_they_have(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        assert (await office.client.get("/api/agents")).json() == {
            "agents": [
                {
                    "name": "front-desk",
                    "description": None,
                    "numbers": ["+14155550123"],
                    "inbound": True,
                    "mode": "realtime",
                    "active_calls": 1,
                }
            ]
        }

    play(tmp_path, story)


def test_with_a_token_its_bearer_alone_may_ask(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        refused = await office.client.get("/api/calls")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        wrong = await office.client.get("/api/calls", headers={"Authorization": "Bearer let-me-ou"})
        assert wrong.status_code == 401
        right = await office.client.get("/api/calls", headers={"Authorization": "bearer let-me-in"})
        assert right.status_code == 200

    play(tmp_path, story, api_token="let-me-in")


@pytest.mark.parametrize(
    ("peer", "headers", "allowed"),
    [
        ("127.0.0.1", {"host": "localhost:8080"}, True),
        ("127.0.0.1", {"host": "127.0.0.1"}, True),
        ("::1", {"host": "[::1]:8080"}, True),
        ("10.0.0.7", {"host": "localhost"}, False),
        (None, {"host": "localhost"}, False),
        ("127.0.0.1", {"host": "agents.example.com"}, False),
        ("127.0.0.1", {"host": "localhost.example.com"}, False),
        ("127.0.0.1", {"host": "[::1"}, False),
        ("127.0.0.1", {}, False),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "127.0.0.1"}, False),
        ("127.0.0.1", {"host": "localhost", "forwarded": "for=127.0.0.1"}, False),
        ("127.0.0.1", {"host": "localhost", "via": "1.1 proxy"}, False),
        ("127.0.0.1", {"host": "localhost", "origin": "https://evil.example"}, False),
        ("127.0.0.1", {"host": "localhost", "origin": "http://localhost"}, True),
    ],
)
def test_without_a_token_this_machine_alone_may_ask(
    peer: str | None, headers: dict[str, str], allowed: bool
) -> None:
    assert may_use_api(None, peer, headers) is allowed


@pytest.mark.parametrize("host", ["a]", "][", "[xyz]", "\u00bd", "localhost:x]"])
def test_a_host_header_that_is_none_is_refused_and_no_error_of_ours(host: str) -> None:
    assert may_use_api(None, "127.0.0.1", {"host": host}) is False


def test_a_database_that_does_not_answer_is_said_to_be_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        await office.node.store.find("warm up")
        with closing(sqlite3.connect(tmp_path / "calls.sqlite3")) as database:
            database.execute("DROP TABLE calls")
        answer = await office.client.get("/api/calls")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")

    play(tmp_path, story)


def test_no_redirect_sends_anybody_to_an_address_that_the_asker_made_up(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        for path in ("/voice/front-desk/", "/api/calls/"):
            answer = await office.client.post(path, headers={"Host": "evil.example"})
            assert answer.status_code in {404, 405}, path

    play(tmp_path, story)
