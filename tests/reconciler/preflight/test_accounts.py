"""The account: credentials, clock, trial, numbers, region by region; its token is never shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from reconciler.api.errors import ApiUnavailableError
from reconciler.preflight.accounts import TwilioApi, check_account, judge_numbers
from reconciler.preflight.asking import Asker
from reconciler.preflight.finding import Finding, Subject, Verdict
from reconciler.resource.live import LiveNumber
from schemas import Fleet
from tests.reconciler.fleets import load
from tests.reconciler.numbers import FRONT_DESK, SALES, live
from tests.reconciler.preflight.servers import Handler, always, asker, broken
from tests.reconciler.wire import ACCOUNT_SID, TOKEN

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DATE = "Fri, 20 Nov 2026 12:00:05 GMT"
SUBJECT = Subject("account main (us1)")


class Numbers:
    """The account's numbers in memory."""

    def __init__(self, numbers: Iterable[LiveNumber] = (), error: Exception | None = None) -> None:
        self._numbers = list(numbers)
        self._error = error

    def __call__(self, account: str, region: str) -> Numbers:
        return self

    async def list_numbers(self) -> list[LiveNumber]:
        if self._error is not None:
            raise self._error
        return self._numbers


BOTH = Numbers([live(FRONT_DESK), live(SALES)])


def twilio(account: httpx2.Response | None = None, *, date: str = DATE) -> Handler:
    """Twilio's API: a page of numbers, and the account's own document."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/IncomingPhoneNumbers.json"):
            return httpx2.Response(200, headers={"Date": date}, json={"incoming_phone_numbers": []})
        return account or httpx2.Response(200, json={"type": "Full", "status": "active", "auth_token": TOKEN})

    return answer


def check(
    fleet: Fleet,
    handler: Handler,
    numbers: Numbers = BOTH,
    *,
    region: str = "us1",
    api_url: str | None = None,
) -> list[Finding]:
    async def story() -> list[Finding]:
        async with asker(handler) as questions:
            return await examined(fleet, questions, numbers, region, api_url)

    return asyncio.run(story())


async def examined(
    fleet: Fleet, questions: Asker, numbers: Numbers, region: str, api_url: str | None
) -> list[Finding]:
    return await check_account(
        fleet.accounts["main"],
        region,
        api=TwilioApi(questions, api_url),
        lists=numbers,
        numbers=fleet.numbers(),
        now=lambda: NOW,
    )


def finding(findings: list[Finding], name: str) -> Finding:
    return next(each for each in findings if each.check == name)


def test_an_account_in_order_is_all_ok(tmp_path: Path) -> None:
    findings = check(load(tmp_path), twilio())
    assert {each.verdict for each in findings} == {Verdict.OK}
    assert [each.check for each in findings] == ["auth token", "credentials", "clock", "kind", "numbers"]
    assert TOKEN not in repr(findings)


def test_refused_credentials_are_told_and_nothing_else_is_asked(tmp_path: Path) -> None:
    findings = check(load(tmp_path), always(401, headers={"Date": DATE}))
    assert finding(findings, "credentials").verdict is Verdict.FAILED
    assert ACCOUNT_SID in finding(findings, "credentials").found
    assert "numbers" not in {each.check for each in findings}


@pytest.mark.parametrize("handler", [broken, always(200, content=b"<html>"), always(503), always(200)])
def test_what_is_not_twilio_is_no_traceback(tmp_path: Path, handler: Handler) -> None:
    assert finding(check(load(tmp_path), handler), "credentials").verdict is Verdict.FAILED


@pytest.mark.parametrize(("seconds", "words"), [(120, "ahead of"), (-120, "behind")])
def test_a_wrong_clock_is_a_warning(tmp_path: Path, seconds: int, words: str) -> None:
    date = (NOW - timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    clock = finding(check(load(tmp_path), twilio(date=date)), "clock")
    assert clock.verdict is Verdict.WARNING
    assert f"120 s {words}" in clock.found


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Fri, 99 Nov 2026 12:00:05 GMT", "Fri, 20 Nov 2026 12:00:05"]
)
def test_a_date_that_is_none_is_passed_over(tmp_path: Path, date: str) -> None:
    assert "clock" not in {each.check for each in check(load(tmp_path), twilio(date=date))}


def test_a_trial_is_explained(tmp_path: Path) -> None:
    trial = httpx2.Response(200, json={"type": "Trial", "status": "active", "auth_token": TOKEN})
    kind = finding(check(load(tmp_path), twilio(trial)), "kind")
    assert kind.verdict is Verdict.WARNING
    assert "verified callers" in kind.found
    assert "10 minutes" in kind.found


def test_a_standard_key_cannot_know(tmp_path: Path) -> None:
    kind = finding(check(load(tmp_path), twilio(httpx2.Response(401))), "kind")
    assert "not known" in kind.found
    assert kind.verdict is Verdict.OK


def test_a_suspended_account_fails(tmp_path: Path) -> None:
    suspended = httpx2.Response(200, json={"type": "Full", "status": "suspended"})
    assert finding(check(load(tmp_path), twilio(suspended)), "kind").verdict is Verdict.FAILED


def test_a_region_without_credentials_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    findings = check(load(tmp_path), broken, region="ie1")
    assert finding(findings, "credentials").verdict is Verdict.FAILED
    assert "no credentials for region ie1" in finding(findings, "credentials").found


def test_another_region_is_asked_at_its_own_host(tmp_path: Path) -> None:
    account = f"""\
kind: Account
name: main
account_sid: {ACCOUNT_SID}
auth_token: {TOKEN}
regions: {{ie1: {{auth_token: irish}}}}
---
"""
    fleet = load(tmp_path, account + "kind: Service\nname: test\npublic_url: https://agents.example\n")
    asked: list[httpx2.Request] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return twilio()(request)

    check(fleet, keep, region="ie1")
    check(fleet, keep, region="ie1", api_url="http://127.0.0.1:8400/")
    direct, swapped = asked
    assert direct.url.host == "api.dublin.ie1.twilio.com"
    assert (swapped.url.host, swapped.headers["x-twilio-host"]) == ("127.0.0.1", "api.dublin.ie1.twilio.com")


def test_a_missing_number_names_its_place(tmp_path: Path) -> None:
    fleet = load(tmp_path)
    (there, missing) = judge_numbers(SUBJECT, fleet.numbers(), [live(FRONT_DESK)])
    assert there.verdict is Verdict.OK
    assert missing.verdict is Verdict.FAILED
    assert SALES in missing.found
    assert "fleet.yaml:12" in missing.advice


def test_a_number_without_voice_fails(tmp_path: Path) -> None:
    numbers = [live(FRONT_DESK, can_voice=False), live(SALES)]
    findings = judge_numbers(SUBJECT, load(tmp_path).numbers(), numbers)
    assert [each.verdict for each in findings] == [Verdict.OK, Verdict.FAILED]


def test_a_list_that_fails_is_a_finding(tmp_path: Path) -> None:
    numbers = Numbers(error=ApiUnavailableError("Twilio answered 503"))
    assert finding(check(load(tmp_path), twilio(), numbers), "numbers").verdict is Verdict.FAILED
