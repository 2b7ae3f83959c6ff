"""The whole examination: what it is made with, in which order it tells, and what one agent's is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.preflight.examination import Instruments, examine, instruments
from reconciler.preflight.finding import Finding
from schemas import TmError
from tests.reconciler.fleets import ENVIRONMENT, FLEET, load

NOBODY = "http://127.0.0.1:9"
NOWHERE = {"TM_TWILIO_API_URL": NOBODY, "OPENAI_BASE_URL": NOBODY, "OPENAI_API_KEY": "sk-test"}


def is_through_proxy(folder: Path, public_url: str, **environ: str) -> bool:
    fleet = load(folder, environ={**ENVIRONMENT, "TM_PUBLIC_URL": public_url})

    async def story() -> bool:
        async with instruments(fleet, environ) as tools:
            return tools.through_proxy

    return asyncio.run(story())


def examined(folder: Path, *, agent: str | None = None, told: list[Finding] | None = None) -> list[Finding]:
    fleet = load(folder, environ={**ENVIRONMENT, "TM_PUBLIC_URL": NOBODY})

    async def story() -> list[Finding]:
        async with instruments(fleet, NOWHERE) as tools:
            heard = told if told is not None else []
            return await examine(fleet, NOWHERE, tools, agent=agent, on_finding=heard.append)

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"HTTPS_PROXY": "http://127.0.0.1:3128"}, True),
        ({"all_proxy": "http://127.0.0.1:3128"}, True),
        ({"HTTP_PROXY": "http://127.0.0.1:3128"}, False),
        ({"HTTPS_PROXY": "http://127.0.0.1:3128", "NO_PROXY": "a.example, .agents.example"}, False),
        ({"HTTPS_PROXY": "http://127.0.0.1:3128", "NO_PROXY": "gents.example"}, True),
        ({"HTTPS_PROXY": "http://127.0.0.1:3128", "no_proxy": "*"}, False),
    ],
)
def test_a_proxy_is_known_by_the_environment(
    tmp_path: Path, environ: Mapping[str, str], expected: bool
) -> None:
    assert is_through_proxy(tmp_path, "https://agents.example", **environ) is expected


def test_this_machine_needs_no_proxy(tmp_path: Path) -> None:
    assert not is_through_proxy(tmp_path, NOBODY, HTTP_PROXY="http://127.0.0.1:3128")


def test_a_proxy_that_cannot_be_used_is_an_error_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")

    async def story() -> Instruments:
        async with instruments(load(tmp_path), {}) as tools:
            return tools

    with pytest.raises(TmError, match="the proxy that the environment names"):
        asyncio.run(story())


def test_groups_come_in_a_fixed_order_and_each_finding_is_told_once(tmp_path: Path) -> None:
    told: list[Finding] = []
    findings = examined(tmp_path, told=told)
    groups = list(dict.fromkeys(finding.group for finding in findings))
    assert groups == ["public URL", "agents", "account main (us1)", "model"]
    assert sorted(told, key=repr) == sorted(findings, key=repr)


def test_one_agents_examination_leaves_out_the_regions_of_others(tmp_path: Path) -> None:
    abroad = FLEET.replace('number: "+14155550124"', 'number: "+14155550124", region: ie1')
    fleet = load(tmp_path, abroad, environ={**ENVIRONMENT, "TM_PUBLIC_URL": NOBODY})

    async def groups_of(agent: str | None) -> set[str]:
        async with instruments(fleet, NOWHERE) as tools:
            return {finding.group for finding in await examine(fleet, NOWHERE, tools, agent=agent)}

    assert "account main (ie1)" in asyncio.run(groups_of(None))
    assert "account main (ie1)" not in asyncio.run(groups_of("front-desk"))


def test_an_unknown_agent_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(TmError, match='did you mean "sales"'):
        examined(tmp_path, agent="sale")
