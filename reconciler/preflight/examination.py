"""`tm doctor`: everything that can be known about a fleet before somebody calls it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2

from reconciler.api.connections import Connections
from reconciler.api.errors import UnusableProxyError
from reconciler.api.http_client import PROXY_FAULTS
from reconciler.preflight.accounts import NumberLists, TwilioApi, check_account
from reconciler.preflight.agents import AgentChecks
from reconciler.preflight.asking import Asker, is_on_this_machine
from reconciler.preflight.finding import Finding, Subject
from reconciler.preflight.model import OPENAI_URL, check_model
from reconciler.preflight.service import ServiceChecks, check_service
from schemas.agent import Agent
from schemas.errors import TmError
from schemas.fleet import Fleet
from schemas.suggestions import did_you_mean

OnFinding = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Instruments:
    """What the examination is made with: an asker for each server, and the way to the account."""

    public: Asker
    twilio: TwilioApi
    model: Asker
    lists: NumberLists
    tls: ssl.SSLContext
    through_proxy: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@asynccontextmanager
async def instruments(fleet: Fleet, environ: Mapping[str, str]) -> AsyncIterator[Instruments]:
    """Open the instruments for the environment's servers. Raises TmError when TM_TWILIO_API_URL is no URL."""
    tls = await asyncio.to_thread(httpx2.create_ssl_context)
    api_url = environ.get("TM_TWILIO_API_URL") or None
    async with AsyncExitStack() as stack:

        async def asker_for(url: str) -> Asker:
            try:
                asker = Asker(through_proxies=not is_on_this_machine(url), tls=tls)
            except PROXY_FAULTS:
                raise UnusableProxyError from None
            return await stack.enter_async_context(asker)

        public_url = fleet.service.public_url
        public = await asker_for(public_url)
        twilio = await asker_for(api_url or "https://api.twilio.com")
        model = await asker_for(environ.get("OPENAI_BASE_URL") or OPENAI_URL)
        connections = await stack.enter_async_context(Connections(fleet, api_url=api_url))
        yield Instruments(
            public=public,
            twilio=TwilioApi(twilio, api_url),
            model=model,
            lists=connections.reader,
            tls=tls,
            through_proxy=_needs_proxy(public_url, environ),
        )


async def examine(
    fleet: Fleet,
    environ: Mapping[str, str],
    tools: Instruments,
    *,
    agent: str | None = None,
    on_finding: OnFinding = lambda finding: None,
) -> list[Finding]:
    """Check the whole fleet, or what concerns one agent; groups come in a fixed order.

    `on_finding` is told of each finding as soon as its group is done. Raises TmError for an unknown agent.
    """
    agents = agents_named(fleet, agent)
    accounts = [
        _check_region(fleet, name, region, agents, tools) for name, region in _regions_of(fleet, agents)
    ]
    models = check_model(environ, {each.voice.model for each in agents}, tools.model)
    parts: list[Awaitable[list[Finding]]] = [_check_runtime(fleet, agents, tools), *accounts, models]

    async def told(part: Awaitable[list[Finding]]) -> list[Finding]:
        findings = await part
        for finding in findings:
            on_finding(finding)
        return findings

    return [finding for part in await asyncio.gather(*map(told, parts)) for finding in part]


def agents_named(fleet: Fleet, name: str | None) -> list[Agent]:
    """Return one agent, or all for None. Raises TmError for a name that no agent has."""
    if name is None:
        return list(fleet.agents.values())
    if name not in fleet.agents:
        raise TmError(f"there is no agent {name!r}{did_you_mean(name, fleet.agents)}")
    return [fleet.agents[name]]


async def check_public_url(fleet: Fleet, tools: Instruments) -> ServiceChecks:
    """Check what all agents have in common."""
    return await check_service(
        fleet.service,
        tools.public,
        now=tools.clock(),
        tls=tools.tls,
        is_simulated=tools.twilio.api_url is not None,
        through_proxy=tools.through_proxy,
    )


async def _check_runtime(fleet: Fleet, agents: Iterable[Agent], tools: Instruments) -> list[Finding]:
    """Check the public URL, and then the agents behind it."""
    service = await check_public_url(fleet, tools)
    if not service.is_reachable:
        subject = Subject("agents")
        advice = "Mend the public URL first."
        return [*service.findings, subject.warning("all", "not checked: the runtime is not reached", advice)]
    checks = AgentChecks(fleet, tools.public)
    agents = tuple(agents)
    in_writing = [agent for agent in agents if agent.sms or agent.whatsapp is not None]
    groups = await asyncio.gather(*map(checks.check, agents), *map(checks.check_messages, in_writing))
    return [*service.findings, *(finding for group in groups for finding in group)]


async def _check_region(
    fleet: Fleet, account: str, region: str, agents: Iterable[Agent], tools: Instruments
) -> list[Finding]:
    names = {agent.name for agent in agents}
    here = (number for number in fleet.numbers() if number.agent in names)
    return await check_account(
        fleet.accounts[account],
        region,
        api=tools.twilio,
        lists=tools.lists,
        numbers=[number for number in here if (number.account, number.region) == (account, region)],
        now=tools.clock,
    )


def _regions_of(fleet: Fleet, agents: Iterable[Agent]) -> list[tuple[str, str]]:
    """Return the (account, region) pairs of the agents: the home regions first, then where numbers are."""
    pairs: dict[tuple[str, str], None] = {}
    for agent in agents:
        account = fleet.account_of(agent)
        pairs[account.name, account.region] = None
        for entry in agent.numbers:
            pairs[account.name, entry.region or account.region] = None
    return list(pairs)


def _needs_proxy(url: str, environ: Mapping[str, str]) -> bool:
    """Tell whether requests to `url` leave through a proxy of the environment's."""
    names = ("https_proxy", "all_proxy") if url.startswith("https:") else ("http_proxy", "all_proxy")
    if is_on_this_machine(url) or not any(environ.get(name) or environ.get(name.upper()) for name in names):
        return False
    host = f".{urlsplit(url).hostname}"
    exceptions = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
    domains = [name.strip().removeprefix(".") for name in exceptions if name.strip()]
    return not any(name == "*" or host.endswith(f".{name}") for name in domains)
