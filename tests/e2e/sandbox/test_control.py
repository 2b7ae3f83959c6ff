"""Driving the sandbox from another process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from sandbox import NumberSeed, Sandbox, SandboxError, Seed
from sandbox.account.state import save_state

NUMBER = "+14155550123"
Story = Callable[[Sandbox, httpx2.AsyncClient], Awaitable[None]]


def _play(story: Story) -> None:
    async def run() -> None:
        async with Sandbox.start(Seed(numbers=(NumberSeed(NUMBER),)), speed=16) as box:
            async with httpx2.AsyncClient(base_url=box.url, trust_env=False) as client:
                await story(box, client)

    asyncio.run(run())


def test_a_call_can_be_dialled_watched_and_downloaded() -> None:
    async def story(box: Sandbox, client: httpx2.AsyncClient) -> None:
        box.account.edit(NUMBER, voice_url="http://127.0.0.1:9/voice")
        order = {"to": NUMBER, "caller": [{"wait": 500}, {"press": "1"}, {"hang_up": {}}]}
        dialled = await client.post("/sandbox/dial", json=order)
        assert dialled.status_code == 201
        sid = dialled.json()["sid"]
        await box.network.calls[sid].ended(10)
        call = (await client.get(f"/sandbox/calls/{sid}")).json()
        assert (call["status"], call["over"]) == ("completed", True)
        assert "pressed" in [event["kind"] for event in call["events"]]
        recording = await client.get(f"/sandbox/calls/{sid}/recording.wav")
        assert recording.content == box.network.calls[sid].recording_wav()
        assert [alert["code"] for alert in (await client.get("/sandbox/alerts")).json()["alerts"]] == [11205]

    _play(story)


def test_phones_can_be_set_and_their_calls_are_listed() -> None:
    async def story(box: Sandbox, client: httpx2.AsyncClient) -> None:
        person = "+14155550177"
        answer = await client.post("/sandbox/phones", json={"number": person, "outcome": "busy"})
        assert answer.status_code == 201
        assert box.network.phones[person].outcome == "busy"
        assert (await client.post("/sandbox/phones", json={"outcome": "busy"})).status_code == 400
        assert (await client.post("/sandbox/phones", json={"number": person, "who": 1})).status_code == 400
        box.account.edit(NUMBER, voice_url="http://127.0.0.1:9/voice")
        order = {"to": NUMBER, "caller": [{"wait": 60_000}], "faults": {"drop_after_ms": 1000}}
        sid = (await client.post("/sandbox/dial", json=order)).json()["sid"]
        (listed,) = (await client.get("/sandbox/calls")).json()["calls"]
        assert (listed["sid"], listed["to"], listed["direction"]) == (sid, NUMBER, "inbound")

    _play(story)


def test_a_broken_order_is_explained() -> None:
    async def story(box: Sandbox, client: httpx2.AsyncClient) -> None:
        for content in (b"", b"no json", b"[]", b"{}", b'{"to": "+1", "caller": "nobody"}'):
            answer = await client.post("/sandbox/dial", content=content)
            assert answer.status_code == 400
            assert answer.json()["error"]
        assert not box.network.calls

    _play(story)


def test_a_number_can_be_edited_as_in_the_console() -> None:
    async def story(box: Sandbox, client: httpx2.AsyncClient) -> None:
        order = {"number": NUMBER, "region": "ie1", "voice_url": "https://elsewhere.example/"}
        answer = await client.post("/sandbox/edit", json=order)
        assert (answer.status_code, answer.json()["voice_url"]) == (200, "https://elsewhere.example/")
        assert box.account.number(NUMBER, "ie1").voice_url == "https://elsewhere.example/"
        assert box.account.number(NUMBER).voice_url is None
        assert box.account.writes == ()
        assert [event.actor.type for event in box.account.events] == ["user"]

    _play(story)


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ([], 400),
        ({"voice_url": ""}, 400),
        ({"number": NUMBER, "sid": "PN1"}, 400),
        ({"number": NUMBER, "voice_url": 1}, 400),
        ({"number": NUMBER, "voice_caller_id_lookup": "true"}, 400),
        ({"number": "+14155550199", "voice_url": ""}, 404),
        ({"number": NUMBER, "region": "de1", "voice_url": ""}, 404),
    ],
)
def test_an_edit_that_cannot_be_is_explained(order: object, status: int) -> None:
    async def story(box: Sandbox, client: httpx2.AsyncClient) -> None:
        before = box.account.number(NUMBER)
        answer = await client.post("/sandbox/edit", json=order)
        assert answer.status_code == status
        assert answer.json()["error"]
        assert box.account.number(NUMBER) == before

    _play(story)


def test_strangers_are_refused() -> None:
    async def story(_: Sandbox, client: httpx2.AsyncClient) -> None:
        for headers in ({"Host": "sandbox.example"}, {"X-Forwarded-For": "203.0.113.7"}):
            answer = await client.get("/sandbox/alerts", headers=headers)
            assert answer.status_code == 403

    _play(story)


def test_an_address_that_is_taken_is_told_without_a_traceback() -> None:
    async def story(box: Sandbox, _: httpx2.AsyncClient) -> None:
        port = int(box.url.rsplit(":", 1)[1])
        with pytest.raises(SandboxError, match=str(port)):
            async with Sandbox.start(port=port):
                pass

    _play(story)


def test_the_account_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    state = tmp_path / "account.json"

    async def first() -> str:
        async with Sandbox.start(Seed(numbers=(NumberSeed(NUMBER),)), state=state) as box:
            sid = box.account.number(NUMBER).sid
            path = f"/2010-04-01/Accounts/{box.account_sid}/IncomingPhoneNumbers/{sid}.json"
            async with httpx2.AsyncClient(base_url=box.url, trust_env=False) as client:
                await client.post(
                    path, data={"FriendlyName": "Bistro"}, auth=(box.account_sid, box.auth_token)
                )
            return sid

    async def second() -> tuple[str, str]:
        async with Sandbox.start(Seed(), state=state) as box:
            record = box.account.number(NUMBER)
            return record.sid, record.friendly_name

    sid = asyncio.run(first())
    assert asyncio.run(second()) == (sid, "Bistro")


def test_a_state_file_of_another_account_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "account.json"
    save_state(Seed(account_sid="AC" + "1" * 32).account(), state)

    async def start() -> None:
        async with Sandbox.start(state=state):
            pass

    with pytest.raises(SandboxError, match="another account"):
        asyncio.run(start())
