"""HTTP requests of tools: what is sent, what is repeated, what a model is told, and what it never sees."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx2
import pytest

from runtime.tools.guarded_transport import GuardedTransport
from runtime.tools.http_call import Answer, HttpCaller
from schemas.private_hosts import Address, ToolHosts
from schemas.tools import HttpCall
from tests.runtime.virtual_time import run

KEY = "Bearer sk-very-secret-0123"
Handler = Callable[[httpx2.Request], httpx2.Response]


def call(url: str = "https://crm.example/bookings", **fields: Any) -> HttpCall:
    return HttpCall.model_validate({"url": url, "headers": {"Authorization": KEY}, **fields})


class Wire(httpx2.AsyncByteStream):
    """A body as it comes over a connection: in pieces."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 1000):
            yield self._body[start : start + 1000]


class Service:
    """Answers with what it is given, in turn; the last answer again and again."""

    def __init__(self, *answers: httpx2.Response | Exception | float) -> None:
        self.requests: list[httpx2.Request] = []
        self._answers = answers

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
        self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int | float):
            await asyncio.sleep(answer)
            return httpx2.Response(200, text="late")
        return httpx2.Response(answer.status_code, headers=answer.headers, stream=Wire(answer.content))


def ask(service: Service, wanted: HttpCall, **arguments: Any) -> Answer:
    async def story() -> Answer:
        caller = HttpCaller(httpx2.MockTransport(service))
        try:
            return await caller.call(wanted, arguments, ToolHosts())
        finally:
            await caller.close()

    return run(story())


def test_arguments_are_the_json_body_and_the_secret_header_is_sent() -> None:
    service = Service(httpx2.Response(200, json={"table": 4}))
    answer = ask(service, call(), name="Miller", size=2)
    assert json.loads(answer.text) == {"table": 4}
    (request,) = service.requests
    assert json.loads(request.content) == {"name": "Miller", "size": 2}
    assert request.headers["Authorization"] == KEY


def test_arguments_of_a_get_that_are_not_in_its_path_are_its_query() -> None:
    service = Service(httpx2.Response(200, text="ok"))
    ask(service, call("https://crm.example/b/{{ id }}", method="GET"), id="a/b", day="1 May", tags=["x", "y"])
    (request,) = service.requests
    assert str(request.url) == "https://crm.example/b/a%2Fb?day=1+May&tags=x&tags=y"
    assert request.content == b""


def test_a_body_template_decides_what_is_sent() -> None:
    service = Service(httpx2.Response(200, text="ok"))
    ask(service, call(body={"guest": {"party": "{{ size }}"}, "source": "phone"}), size=2)
    assert json.loads(service.requests[0].content) == {"guest": {"party": 2}, "source": "phone"}


@pytest.mark.parametrize("failure", [httpx2.Response(503), httpx2.Response(429), httpx2.ReadError("gone")])
def test_a_failure_that_may_pass_is_repeated_with_the_same_idempotency_key(
    failure: httpx2.Response | Exception,
) -> None:
    service = Service(failure, failure, httpx2.Response(200, text="done"))
    assert ask(service, call(retries=2)).text == "done"
    keys = {request.headers["Idempotency-Key"] for request in service.requests}
    assert len(service.requests) == 3
    assert len(keys) == 1


def test_without_retries_and_for_other_failures_there_is_one_request() -> None:
    once = Service(httpx2.Response(503))
    assert not ask(once, call()).ok
    assert "Idempotency-Key" not in once.requests[0].headers
    refused = Service(httpx2.Response(404, json={"detail": "no such booking"}))
    answer = ask(refused, call(retries=3))
    assert json.loads(answer.text)["error"] == "the service answered 404"
    assert "no such booking" in answer.text
    assert (len(once.requests), len(refused.requests)) == (1, 1)


def test_the_time_is_for_all_attempts_together() -> None:
    assert json.loads(ask(Service(30.0), call(timeout=2)).text) == {"error": "no answer within 2 s"}
    answer = ask(Service(httpx2.Response(503, headers={"Retry-After": "60"})), call(timeout=2, retries=5))
    assert json.loads(answer.text) == {"error": "no answer within 2 s"}


def test_a_huge_answer_is_read_up_to_its_bound() -> None:
    answer = ask(Service(httpx2.Response(200, text="x" * 5_000_000)), call(max_response_bytes=100))
    assert answer.text == "x" * 100 + "\n[cut: the answer is longer than 100 bytes]"


def test_what_cannot_be_read_is_refused() -> None:
    picture = httpx2.Response(200, headers={"content-type": "image/png"}, content=b"\x89PNG")
    assert "neither JSON nor text" in ask(Service(picture), call()).text
    packed = httpx2.Response(200, headers={"content-encoding": "br"}, content=b"")
    assert "compressed" in ask(Service(packed), call()).text


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_service_that_repeats_the_secret_does_not_tell_it_to_the_model(status: int) -> None:
    answer = ask(Service(httpx2.Response(status, text=f"you sent {KEY} and sk-very-secret-0123")), call())
    assert "secret" not in answer.text
    assert "***" in answer.text


def test_a_redirect_is_followed_on_the_same_host_only() -> None:
    there = Service(httpx2.Response(302, headers={"Location": "/new"}), httpx2.Response(200, text="moved"))
    assert ask(there, call(method="GET")).text == "moved"
    away = Service(httpx2.Response(302, headers={"Location": "https://evil.example/"}))
    assert "another host" in ask(away, call(method="GET")).text
    assert len(away.requests) == 1
    round_ = Service(httpx2.Response(302, headers={"Location": "/bookings"}))
    assert "in circles" in ask(round_, call(method="GET")).text


def test_a_service_that_is_not_there_is_a_short_text() -> None:
    answer = ask(Service(httpx2.ConnectError("refused")), call())
    assert json.loads(answer.text) == {"error": "the service cannot be reached"}


# --- whom a tool may reach


def reach(url: str, *addresses: str, hosts: Sequence[str] = ()) -> tuple[Answer, list[str]]:
    """Call a URL whose name has these addresses; nothing answers at any of them."""
    looked_up: list[str] = []

    async def look_up(host: str, port: int) -> Sequence[Address]:
        looked_up.append(host)
        return [ipaddress.ip_address(address) for address in addresses]

    async def story() -> Answer:
        caller = HttpCaller(GuardedTransport(lookup=look_up))
        try:
            return await caller.call(call(url, timeout=2), {}, ToolHosts(hosts))
        finally:
            await caller.close()

    return asyncio.run(story()), looked_up


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1"])
def test_a_name_that_leads_to_a_private_address_is_refused(address: str) -> None:
    answer, _ = reach("http://crm.example:9/", "93.184.216.34", address)
    assert "tool_hosts" in answer.text
    assert not answer.ok


def test_a_private_address_in_the_url_is_refused_without_a_look_up() -> None:
    answer, looked_up = reach("http://127.0.0.1:9/")
    assert "tool_hosts" in answer.text
    assert looked_up == []


@pytest.mark.parametrize("hosts", [["crm.example"], ["127.0.0.0/8"], ["127.0.0.1"]])
def test_a_host_that_is_allowed_by_name_address_or_network_is_called(hosts: list[str]) -> None:
    answer, looked_up = reach("http://crm.example:9/", "127.0.0.1", hosts=hosts)
    assert json.loads(answer.text) == {"error": "the service cannot be reached"}
    assert looked_up == ["crm.example"]


def test_the_connection_goes_to_the_checked_address_and_keeps_the_name() -> None:
    async def story() -> tuple[Answer, bytes]:
        heard: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi")
            await writer.drain()
            writer.close()

        async def look_up(host: str, port: int) -> Sequence[Address]:
            return [ipaddress.ip_address("127.0.0.1")]

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        caller = HttpCaller(GuardedTransport(lookup=look_up))
        async with server:
            url = f"http://crm.example:{port}/x"
            answer = await caller.call(call(url, method="GET"), {}, ToolHosts(["crm.example"]))
            await caller.close()
        return answer, heard[0]

    answer, heard = asyncio.run(story())
    assert answer.text == "hi"
    assert b"\r\nHost: crm.example:" in heard


@pytest.mark.parametrize("argument", ["x" * 70_000, "\U0001f600" * 20_000], ids=["long", "longer encoded"])
def test_an_argument_that_no_address_can_carry_is_a_failure_for_the_model(argument: str) -> None:
    service = Service(httpx2.Response(200, text="ok"))
    for wanted in (call("https://crm.example/b/{{ id }}", method="GET"), call(method="GET")):
        answer = ask(service, wanted, id=argument)
        assert json.loads(answer.text) == {"error": "the arguments do not make an address"}
    assert not service.requests
