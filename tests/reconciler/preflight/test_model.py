"""The model's key: whether it is there and taken; never what it is."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from reconciler.preflight.finding import Finding, Verdict
from reconciler.preflight.model import check_model
from tests.reconciler.preflight.servers import Handler, always, asker, broken

KEY = "sk-very-secret"
MODEL = "gpt-realtime-2.1"
LIST = b'{"object": "list", "data": [{"id": "gpt-realtime-2.1"}]}'


def check(handler: Handler, *, models: tuple[str, ...] = (MODEL,), **environ: str) -> list[Finding]:
    async def story() -> list[Finding]:
        async with asker(handler) as questions:
            return await check_model({"OPENAI_API_KEY": KEY, **environ}, models, questions)

    findings = asyncio.run(story())
    assert KEY not in repr(findings)
    return findings


def test_a_key_that_is_taken_is_ok() -> None:
    assert [each.verdict for each in check(always(200, content=LIST))] == [Verdict.OK, Verdict.OK]


def test_without_a_key_nothing_is_asked() -> None:
    (finding,) = check(broken, OPENAI_API_KEY="")
    assert finding.verdict is Verdict.FAILED
    assert "OPENAI_API_KEY" in finding.found


def test_the_key_goes_to_the_base_url_that_is_set() -> None:
    asked: list[httpx2.Request] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=LIST)

    check(keep)
    check(keep, OPENAI_BASE_URL="http://127.0.0.1:8400/v1/")
    assert [str(each.url) for each in asked] == [
        "https://api.openai.com/v1/models",
        "http://127.0.0.1:8400/v1/models",
    ]
    assert asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("handler", "verdict", "words"),
    [
        (always(401), Verdict.FAILED, "refuses the key (401)"),
        (always(404), Verdict.WARNING, "lists no models"),
        (always(500), Verdict.FAILED, "answers 500"),
        (always(302, headers={"Location": f"https://x.example/?k={KEY}"}), Verdict.FAILED, "answers 302"),
        (broken, Verdict.FAILED, "no connection"),
        (always(200, content=b'{"data": []}'), Verdict.WARNING, f"does not list {MODEL}"),
        (always(200, content=b'{"data": [1, null]}'), Verdict.WARNING, "does not list"),
        (always(200, content=b"[" * 100_000), Verdict.WARNING, "does not list"),
    ],
)
def test_every_answer_has_its_words(handler: Handler, verdict: Verdict, words: str) -> None:
    finding = check(handler)[-1]
    assert finding.verdict is verdict
    assert words in finding.found


@pytest.mark.parametrize("url", ["nonsense", "http://[", "http://user:hidden@:80"])
def test_a_base_url_that_is_none_is_said_to_be_one(url: str) -> None:
    finding = check(broken, OPENAI_BASE_URL=url)[-1]
    assert finding.verdict is Verdict.FAILED
    assert "hidden" not in finding.found
