"""What Twilio's requests are answered with, and who is not Twilio."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from twilio.request_validator import RequestValidator

from runtime.call_record import CallRecord
from runtime.store import CallStore
from tests.runtime.log_lines import log_lines
from tests.runtime.office import AGENT, CALLER, FRONT_DESK, PUBLIC_URL, TOKEN, Office, open_office
from tests.runtime.virtual_time import run

Story = Callable[[Office], Awaitable[None]]
STRANGER = "+14155550111"


def play(folder: Path, story: Story, declarations: str = AGENT, *, node_url: str | None = None) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations, node_url=node_url) as office:
            await story(office)
            await office.node.calls.end_all()

    run(in_office())


def test_a_call_is_answered_with_a_stream_and_where_to_go_after_it(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook("/voice/front-desk?tm=04c2d7d20e37")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/xml")
        assert '<Connect action="https://agents.example.com/voice/front-desk/after">' in answer.text
        assert '<Stream url="wss://agents.example.com/stream/' in answer.text

    play(tmp_path, story)


def test_a_repeated_webhook_is_the_same_call_and_gets_the_same_answer(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        first, second = await office.webhook(), await office.webhook()
        assert first.text == second.text
        assert office.node.calls.active("front-desk") == 1
        await office.over()
        assert (await office.webhook()).text == first.text
        assert not tuple(office.node.calls.live())

    play(tmp_path, story)


def test_a_node_with_its_own_url_keeps_its_calls_sockets_and_callbacks(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        assert "wss://node-1.example.com/stream/" in answer.text
        after = await office.webhook("/voice/front-desk/after", base="https://node-1.example.com")
        assert after.status_code == 200

    play(tmp_path, story, node_url="https://node-1.example.com")


@pytest.mark.parametrize("path", ["", "/status", "/after", "/fallback"])
def test_nobody_but_twilio_gets_an_answer(tmp_path: Path, path: str) -> None:
    async def story(office: Office) -> None:
        forged = await office.webhook(f"/voice/front-desk{path}", token="f" * 32)
        unsigned = await office.client.post(f"/voice/front-desk{path}", data={"CallSid": "CA1"})
        elsewhere = await office.webhook(f"/voice/front-desk{path}", base="https://other.example.com")
        assert {forged.status_code, unsigned.status_code, elsewhere.status_code} == {403}
        assert office.model.opened == 0

    play(tmp_path, story)


def test_a_signature_comes_before_the_question_whether_the_agent_exists(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert (await office.webhook("/voice/nobody", token="f" * 32)).status_code == 403
        assert (await office.webhook("/voice/nobody")).status_code == 404

    play(tmp_path, story)


def test_one_accounts_token_does_not_sign_for_another_accounts_agent(tmp_path: Path) -> None:
    accounts = f"""\
kind: Account
name: ours
account_sid: AC{"1" * 32}
auth_token: {"a" * 32}
regions: {{ie1: {{auth_token: {"b" * 32}}}}}
---
kind: Account
name: theirs
account_sid: AC{"2" * 32}
auth_token: {"c" * 32}
---
"""

    async def story(office: Office) -> None:
        assert (await office.webhook(token="c" * 32)).status_code == 403
        assert (await office.webhook(token="a" * 32)).status_code == 200
        assert (await office.webhook(token="b" * 32)).status_code == 200

    play(tmp_path, story, accounts + AGENT + "account: ours\n")


def test_a_call_of_one_agent_is_not_told_to_another_one(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        token = re.search(r"/stream/([^\"]+)", (await office.webhook()).text)
        assert token is not None
        for _ in ("live", "over"):
            stranger = await office.webhook("/voice/night-desk")
            assert stranger.status_code == 409
            assert token[1] not in stranger.text
            await office.client.post("/api/calls/CA1/hangup")
            await office.over()

    night_desk = AGENT.replace("front-desk", "night-desk").replace(FRONT_DESK, "+14155550124")
    play(tmp_path, story, f"{AGENT}---\n{night_desk}")


def test_an_oversized_body_is_refused_unread_and_cut_off_without_a_length(tmp_path: Path) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 16_384

    async def story(office: Office) -> None:
        assert (await office.webhook(Padding="x" * 100_000)).status_code == 413
        headers = {"X-Twilio-Signature": "Zm9yZ2Vk"}
        cut = await office.client.post("/voice/front-desk", content=endless(), headers=headers)
        assert cut.status_code == 413

    play(tmp_path, story)
    assert sent < 10


def test_a_body_that_trickles_in_is_given_up(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"CallSid="
        await asyncio.sleep(3600)

    async def story(office: Office) -> None:
        headers = {"X-Twilio-Signature": "Zm9yZ2Vk"}
        answer = await office.client.post("/voice/front-desk", content=slow(), headers=headers, timeout=None)
        assert answer.status_code == 408

    play(tmp_path, story)


def test_a_request_without_a_call_is_a_bad_one_and_the_wrong_method_is_named(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert (await office.webhook(CallSid="")).status_code == 400
        assert (await office.client.put("/voice/front-desk")).status_code == 405
        assert (await office.client.get("/nowhere")).status_code == 404

    play(tmp_path, story)


def test_a_caller_who_is_not_on_the_list_hears_busy_and_no_model_is_opened(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook(From=STRANGER)
        assert '<Reject reason="busy"/>' in answer.text
        record = await office.record()
        assert (record["status"], record["reject_reason"]) == ("rejected", "not_allowed")
        assert record["caller"]["number"] == STRANGER
        assert office.model.opened == 0
        welcome = await office.webhook(CallSid="CA2", From="(415) 555-0190")
        assert "<Stream" in welcome.text

    play(tmp_path, story, AGENT + f"allow_callers: {CALLER}\n")


def test_one_call_too_many_hears_busy_or_the_message(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook(CallSid="CA1")
        too_many = await office.webhook(CallSid="CA2")
        assert "<Say>Please call again later.</Say>" in too_many.text
        assert (await office.record("CA2"))["reject_reason"] == "concurrent_limit"
        await office.webhook("/voice/front-desk/status", CallSid="CA1", CallStatus="completed")
        await office.over()
        assert "<Stream" in (await office.webhook(CallSid="CA3")).text

    play(tmp_path, story, AGENT + "max_concurrent_calls: 1\nwhen_full: message\n")


def test_a_draining_node_sends_new_calls_to_the_fallback_url(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.node.drain()
        assert (await office.webhook()).status_code == 503
        assert (await office.record())["reject_reason"] == "draining"
        assert (await office.client.get("/readyz")).status_code == 503
        assert (await office.client.get("/healthz")).status_code == 200

    play(tmp_path, story)


def test_a_flood_of_calls_without_streams_opens_a_bounded_number_of_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.reception.MOST_UNCLAIMED", 3)

    async def story(office: Office) -> None:
        answers = [await office.webhook(CallSid=f"CA{number}") for number in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 503, 503]
        await asyncio.sleep(1)
        assert office.model.opened == 3

    play(tmp_path, story)


def test_the_fallback_speaks_the_message_and_hangs_up(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook("/voice/front-desk/fallback")
        assert "<Say>Please call again later.</Say>" in answer.text
        assert "<Hangup/>" in answer.text

    play(tmp_path, story)


def test_after_a_call_that_nobody_knows_who_is_still_there_hears_the_fallback(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        for status, spoken in (("in-progress", True), ("completed", False)):
            answer = await office.webhook("/voice/front-desk/after", CallSid="CA9", CallStatus=status)
            assert "<Hangup/>" in answer.text
            assert ("<Say>Please call again later.</Say>" in answer.text) is spoken

    play(tmp_path, story)


def test_a_late_status_callback_corrects_the_duration(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook(From=STRANGER)
        status = await office.webhook("/voice/front-desk/status", CallStatus="completed", CallDuration="3")
        assert (status.status_code, status.content) == (204, b"")
        assert (await office.record())["duration_seconds"] == 3

    play(tmp_path, story, AGENT + f"allow_callers: {CALLER}\n")


def test_one_agents_callbacks_do_not_touch_another_agents_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        await office.webhook("/voice/other/status", CallStatus="completed", CallDuration="1")
        await office.webhook("/voice/other/after", CallStatus="completed")
        assert (await office.record())["status"] == "incoming"

    play(tmp_path, story, AGENT + "---\nkind: Agent\nname: other\ninstructions: Wait.\n")


def test_an_agent_that_only_calls_answers_nobody(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert (await office.webhook()).status_code == 404

    play(tmp_path, story, AGENT + "inbound: false\n")


def test_a_webhook_by_get_has_its_parameters_in_the_url(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        target = "/voice/front-desk?CallSid=CA1&From=%2B14155550190&To=%2B14155550123"
        signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC_URL}{target}", {})
        answer: httpx2.Response = await office.client.get(target, headers={"X-Twilio-Signature": signature})
        assert "<Stream" in answer.text

    play(tmp_path, story)


def test_hold_media_stays_the_same_under_its_address(tmp_path: Path) -> None:
    content = b"RIFF\x2c\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x07\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00"
    content += b"\x01\x00\x08\x00data\x08\x00\x00\x00" + b"\xff" * 8
    (tmp_path / "agents.d").mkdir()
    (tmp_path / "agents.d" / "one moment.wav").write_bytes(content)

    async def story(office: Office) -> None:
        path = f"/media/{hashlib.sha256(content).hexdigest()}/one%20moment.wav"
        media = await office.client.get(path)
        assert (media.content, media.headers["content-type"]) == (content, "audio/wav")
        assert "immutable" in media.headers["cache-control"]
        again = await office.client.get(path, headers={"If-None-Match": media.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await office.client.get(path.replace("one", "two"))).status_code == 404
        assert (await office.client.get("/media/" + "0" * 64 + "/one%20moment.wav")).status_code == 404

    play(tmp_path, story, AGENT + "hold: {strategy: audio, audio: one moment.wav}\n")


def test_a_duration_beyond_all_reason_is_not_one(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        for duration in ("9" * 5000, "9" * 30, "\u0661", "-1"):
            ended = {"CallStatus": "completed", "CallDuration": duration}
            assert (await office.webhook("/voice/front-desk/status", **ended)).status_code == 204
        await office.over()
        assert (await office.record())["duration_seconds"] is None

    play(tmp_path, story)


def test_a_late_callback_without_a_duration_takes_none_away(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            await office.webhook("/voice/front-desk/status", CallStatus="completed", CallDuration="7")
            await office.webhook("/voice/front-desk/status", CallStatus="ringing")
            await office.over()
        assert (await office.record())["duration_seconds"] == 7

    play(tmp_path, story)


def test_whoever_sends_what_is_not_read_does_not_keep_the_connection(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        unsigned = await office.client.post("/voice/front-desk", content=b"x" * 1000)
        assert (unsigned.status_code, unsigned.headers["connection"]) == (403, "close")
        signed = {"X-Twilio-Signature": "Zm9yZ2Vk"}
        huge = await office.client.post("/voice/front-desk", content=b"x" * 100_000, headers=signed)
        assert (huge.status_code, huge.headers["connection"]) == (413, "close")

    play(tmp_path, story)


def test_the_limit_counts_the_calls_of_all_nodes_but_not_what_a_dead_one_left_long_ago(
    tmp_path: Path,
) -> None:
    async def story(office: Office) -> None:
        now = round(asyncio.get_running_loop().time() * 1000)
        other = CallStore(f"sqlite:///{tmp_path / 'calls.sqlite3'}", node="another")
        theirs = CallRecord("theirs", "front-desk", "inbound", "active", now - 1000)
        other.save(replace(theirs, id="old", started_at=now - 3600 * 1000))
        other.save(replace(theirs, id="over", status="completed"))
        await other.find("theirs")
        assert "<Stream" in (await office.webhook(CallSid="CA1")).text
        other.save(theirs)
        await other.find("theirs")
        assert "<Reject" in (await office.webhook(CallSid="CA2")).text
        await other.close()

    play(tmp_path, story, AGENT + "max_concurrent_calls: 2\n")


def test_nodes_that_are_called_at_once_do_not_take_one_call_too_many(tmp_path: Path) -> None:
    limited = AGENT + "max_concurrent_calls: 2\n"

    async def story() -> None:
        async with (
            open_office(tmp_path, limited, name="one") as one,
            open_office(tmp_path, limited, name="two") as two,
        ):
            asked = (office.webhook(CallSid=f"CA{n}") for n in range(4) for office in (one, two))
            answers = [answer.text for answer in await asyncio.gather(*asked)]
            nodes = one.node, two.node
            taken = sum(node.calls.active("front-desk") for node in nodes)
            assert sum("<Stream" in answer for answer in answers) == taken
            assert 1 <= taken <= 2
            for node in nodes:
                await node.calls.end_all()
                await node.store.find("CA0")  # answered behind everything that is still to be written
            rows = (await one.client.get("/api/calls")).json()["calls"]
            assert len(rows) == 8
            assert not any(row["status"] == "incoming" for row in rows)
            assert "<Stream" in (await two.webhook(CallSid="CA9")).text
            await two.node.calls.end_all()

    run(story())


def test_a_webhook_that_is_repeated_at_once_takes_one_place(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        first, again = await asyncio.gather(office.webhook(), office.webhook())
        assert first.text == again.text
        assert len((await office.client.get("/api/calls")).json()["calls"]) == 1

    play(tmp_path, story, AGENT + "max_concurrent_calls: 5\n")


def test_a_limit_is_kept_here_while_the_database_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(office: Office) -> None:
        await office.node.store.find("warm up")
        with closing(sqlite3.connect(tmp_path / "calls.sqlite3")) as database:
            database.execute("DROP TABLE calls")
        assert "<Stream" in (await office.webhook(CallSid="CA1")).text
        assert "<Reject" in (await office.webhook(CallSid="CA2")).text

    play(tmp_path, story, AGENT + "max_concurrent_calls: 1\n")
    assert "limit_counted_here_only agent=front-desk" in log_lines(caplog)
