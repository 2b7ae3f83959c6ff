"""Whatever a server does, a question ends in time, with an answer or with a reason for people."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from reconciler.preflight.asking import MOST_BYTES, Answer, Asker, NoAnswerError, is_on_this_machine
from tests.reconciler.preflight.servers import Talk, asker, loopback, never_stops, says


def ask(talk: Talk, *, seconds: float = 5, most_bytes: int = MOST_BYTES) -> Answer:
    """Ask a server on loopback one question."""

    async def story() -> Answer:
        async with loopback(talk) as port, Asker(through_proxies=False, seconds=seconds) as questions:
            return await questions.ask("GET", f"http://127.0.0.1:{port}/", most_bytes=most_bytes)

    return asyncio.run(story())


def reason_of(talk: Talk, *, seconds: float = 5) -> str:
    with pytest.raises(NoAnswerError) as caught:
        ask(talk, seconds=seconds)
    return str(caught.value)


def test_an_answer_is_its_status_its_type_and_its_body() -> None:
    answer = ask(says(b"HTTP/1.1 200 OK\r\nContent-Type: Text/XML; charset=utf-8\r\n\r\n<Response/>"))
    assert (answer.status, answer.media_type, answer.body) == (200, "text/xml", b"<Response/>")
    assert answer.complete


def test_a_body_without_an_end_is_cut() -> None:
    answer = ask(never_stops, most_bytes=1000)
    assert len(answer.body) == 1000
    assert not answer.complete


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "]
)
def test_a_server_that_goes_silent_costs_the_time_that_was_given(said: bytes) -> None:
    assert reason_of(says(said, then_waits=True), seconds=0.1) == "no complete answer within 0.1 s"


def test_a_slow_drip_does_not_win_more_time() -> None:
    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    assert "within 0.1 s" in reason_of(drips, seconds=0.1)


@pytest.mark.parametrize("said", [b"\x00\x01\x02 garbage\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b""])
def test_what_is_no_http_is_said_to_be_broken(said: bytes) -> None:
    assert reason_of(says(said)).startswith("the answer is broken")


def test_a_port_that_nobody_listens_on_is_no_connection() -> None:
    async def story() -> None:
        async with Asker(through_proxies=False) as questions:
            await questions.ask("GET", "http://127.0.0.1:9/")

    with pytest.raises(NoAnswerError, match="no connection"):
        asyncio.run(story())


def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def redirects(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(302, headers={"Location": "https://elsewhere.example/"})

    async def story() -> Answer:
        async with asker(redirects) as questions:
            return await questions.ask("POST", "https://agents.example/voice/a", form={"A": "b"})

    assert asyncio.run(story()).status == 302
    assert asked == ["https://agents.example/voice/a"]


def test_a_key_that_cannot_be_sent_is_not_shown() -> None:
    async def story() -> None:
        async with loopback(says(b"")) as port, Asker(through_proxies=False) as questions:
            headers = {"Authorization": "Bearer sk-secret\r\nX: y"}
            await questions.ask("GET", f"http://127.0.0.1:{port}/", headers=headers)

    with pytest.raises(NoAnswerError) as caught:
        asyncio.run(story())
    assert "line break" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_only_so_many_questions_are_open_at_once() -> None:
    open_now, most = 0, 0

    async def slow(_request: httpx2.Request) -> httpx2.Response:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1
        return httpx2.Response(200, stream=httpx2.ByteStream(b""))

    async def story() -> None:
        async with Asker(transport=httpx2.MockTransport(slow), at_once=2) as questions:
            await asyncio.gather(*(questions.ask("GET", "https://agents.example/") for _ in range(9)))

    asyncio.run(story())
    assert most == 2


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080"])
def test_loopback_is_this_machine(url: str) -> None:
    assert is_on_this_machine(url)


@pytest.mark.parametrize("url", ["https://agents.example", "http://10.0.0.1", "https://localhost.example"])
def test_other_hosts_are_not(url: str) -> None:
    assert not is_on_this_machine(url)
