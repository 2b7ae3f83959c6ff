"""`tm call` as it is called, and how it follows a runtime that is not always there."""

from __future__ import annotations

import json
from collections.abc import Sequence

import httpx2
import pytest

from cli.demo.processes import free_port
from cli.main import run
from cli.placed_call import PATIENCE_SECONDS, CallFailedError, RuntimeApi, was_reached

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
