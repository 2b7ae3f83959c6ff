"""`tm call` as it is called, and how it follows a runtime that is not always there."""

from __future__ import annotations

import json
from collections.abc import Sequence

import httpx2
import pytest

from cli.demo.processes import free_port
from cli.main import run
from cli.placed_call import LAST_SECONDS, PATIENCE_SECONDS, CallFailedError, RuntimeApi, was_reached

LIVE: dict[str, object] = {"id": "a1", "status": "active", "end_reason": None, "transcript": []}
OVER = {**LIVE, "status": "completed", "end_reason": "agent_completed"}


class Runtime:
    """Shows one state of the call after the other, the last one for ever; None is no answer at all."""

    def __init__(self, *states: object) -> None:
        self.states = list(states)
        self.waited = 0.0
        self.tokens: set[str | None] = set()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.tokens.add(request.headers.get("authorization"))
        if request.url.path.endswith("/dial"):
            return httpx2.Response(200, json={"status": "in-progress"})
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is None:
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200, json=state)

    def api(self, token: str | None = None) -> RuntimeApi:
        def pause(seconds: float) -> None:
            self.waited += seconds

        return RuntimeApi("http://tm", token, pause=pause, transport=httpx2.MockTransport(self))


def test_a_call_is_followed_to_its_end_through_a_runtime_that_is_away_for_a_while() -> None:
    runtime = Runtime(LIVE, *[None] * 20, LIVE, OVER)
    with runtime.api("hush") as api:
        statuses = [seen.record["status"] for seen in api.follow("a1")]
    assert statuses == ["active", "active", "completed"]
    assert runtime.tokens == {"Bearer hush"}


def test_a_runtime_that_stays_away_is_given_up_after_half_a_minute() -> None:
    runtime = Runtime(LIVE, None)
    with runtime.api() as api, pytest.raises(CallFailedError, match="no runtime answers"):
        list(api.follow("a1"))
    assert runtime.waited == pytest.approx(PATIENCE_SECONDS, abs=1)


@pytest.mark.parametrize(
    ("status", "reason", "reached"),
    [
        ("completed", "agent_completed", True),
        ("completed", "caller_hangup", True),
        ("completed", "transferred", True),
        ("completed", "no_answer", False),
        ("completed", "voicemail", False),
        ("completed", "model_error", False),
        ("rejected", None, False),
    ],
)
def test_reached_is_who_was_talked_to_until_one_side_was_done(
    status: str, reason: str | None, *, reached: bool
) -> None:
    assert was_reached({"status": status, "end_reason": reason}) is reached


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--var", "name"), "NAME=VALUE"),
        (("--url", f"http://127.0.0.1:{free_port()}"), "tm serve"),
    ],
)
def test_what_is_wrong_is_told_and_the_document_says_that_there_was_no_call(
    arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["call", "front-desk", "+14155550177", "--format", "json", *arguments]) == 1
    told = capsys.readouterr()
    assert words in told.err
    assert json.loads(told.out)["error"]


class SlowRuntime(Runtime):
    """Takes the order, and says so too late: `outcome` is what the client sees; `unknown` answers are 404."""

    def __init__(self, outcome: BaseException, *, unknown: int = 0) -> None:
        super().__init__(OVER)
        self.outcome = outcome
        self.unknown = unknown
        self.orders: list[str] = []
        self.hung_up: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/api/calls":
            self.orders.append(json.loads(request.content)["id"])
            raise self.outcome
        if request.url.path.endswith("/hangup"):
            if self.unknown:
                self.unknown -= 1
                return httpx2.Response(404, json={"error": {"message": "there is no such call"}})
            self.hung_up.append(request.url.path.split("/")[3])
        return super().__call__(request)


def call_at(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command with this runtime in place of the one of this machine."""
    monkeypatch.setattr("cli.commands.call.RuntimeApi", lambda _url, token: runtime.api(token))
    return run(["call", "front-desk", "+14155550177", "--format", "json"])


def test_an_order_without_an_answer_may_ring_all_the_same_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = SlowRuntime(httpx2.ReadTimeout("late"))
    assert call_at(runtime, monkeypatch) == 1
    told = capsys.readouterr()
    assert "the phone may ring all the same" in json.loads(told.out)["error"]
    assert f"tm calls {runtime.orders[0]}" in told.err
    assert "tm serve" not in told.err


@pytest.mark.parametrize("unknown", [0, 3])
def test_ctrl_c_while_the_call_is_being_placed_hangs_it_up(
    unknown: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = SlowRuntime(KeyboardInterrupt(), unknown=unknown)
    assert call_at(runtime, monkeypatch) == 130
    assert runtime.hung_up == runtime.orders
    assert json.loads(capsys.readouterr().out)["status"] == "completed"


def test_ctrl_c_before_the_runtime_knows_of_the_call_says_where_to_look(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = SlowRuntime(KeyboardInterrupt(), unknown=10**6)
    assert call_at(runtime, monkeypatch) == 130
    assert f"tm calls {runtime.orders[0]}" in capsys.readouterr().err
    assert runtime.waited == pytest.approx(LAST_SECONDS, abs=1)
