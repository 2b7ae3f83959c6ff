"""The agents: does the runtime answer their URLs as Twilio needs it, and serve their hold recordings?"""

from __future__ import annotations

from reconciler.preflight.asking import Asker, NoAnswerError
from reconciler.preflight.finding import Finding, Subject, Verdict
from reconciler.preflight.messages import check_messages
from reconciler.preflight.recordings import RecordingChecks
from reconciler.preflight.webhook import (
    call_parameters,
    forged,
    genuine,
    judge_forgery,
    judge_twiml,
    judge_webhook,
    marked,
    post,
)
from schemas.account import Account
from schemas.agent import Agent
from schemas.errors import TmError
from schemas.fleet import Fleet

_ANY_NUMBER = "+15005550001"


class AgentChecks:
    """The checks of a fleet's agents; what several of them share is looked at once."""

    def __init__(self, fleet: Fleet, asker: Asker) -> None:
        self._fleet = fleet
        self._asker = asker
        self._recordings = RecordingChecks(fleet.service.public_url, asker)

    async def check(self, agent: Agent) -> list[Finding]:
        """Check the agent's URLs and its hold recordings."""
        subject = Subject(f"agent {agent.name}")
        findings = await _check_webhooks(subject, self._fleet, agent, self._asker)
        hold = self._fleet.hold_of(agent)
        for file in () if hold is None else hold.recordings:
            findings.append(await self._recordings.check(subject, file))
        return findings

    async def check_messages(self, agent: Agent) -> list[Finding]:
        """Check that messages to the agent are answered."""
        return await check_messages(self._fleet, agent, self._asker)


def auth_tokens(account: Account, regions: frozenset[str]) -> dict[str, str]:
    """Return the auth tokens that sign requests of numbers in `regions`, by region.

    Raises UnresolvedReference for one that is declared and not at hand.
    """
    declared = {account.region: account.auth_token} | {
        str(region): given.auth_token for region, given in account.regions.items() if region in regions
    }
    return {region: token.reveal() for region, token in declared.items() if token is not None}


async def _check_webhooks(subject: Subject, fleet: Fleet, agent: Agent, asker: Asker) -> list[Finding]:
    """Send what Twilio would send, once for each region's token; without an answer to the first, no more."""
    account = fleet.account_of(agent)
    url = f"{fleet.service.public_url}/voice/{agent.name}"
    form = call_parameters(account.account_sid, agent.numbers[0].number if agent.numbers else _ANY_NUMBER)
    regions = frozenset(str(entry.region or account.region) for entry in agent.numbers)
    try:
        tokens = auth_tokens(account, regions)
    except TmError as error:
        return [subject.warning("signed call", f"not checked: {error.message}", error.hint or "")]
    if not tokens:
        found = f"not checked: account {account.name} has no auth_token to sign with"
        return [subject.warning("signed call", found, "Declare it: tm serve needs it to know Twilio by.")]
    findings: list[Finding] = []
    for region, token in tokens.items():
        check = "signed call" if region == account.region else f"signed call ({region})"
        try:
            fallback = genuine(marked(f"{url}/fallback"), form, token)
            findings.append(judge_twiml(subject, check, await post(asker, fallback)))
            if findings[-1].verdict is Verdict.FAILED:
                continue
            answer = await post(asker, genuine(marked(url), _without_call(form), token))
            findings.append(judge_webhook(subject, check.replace("call", "URL"), answer))
        except NoAnswerError as error:
            findings.append(subject.failed(check, str(error), "Is tm serve running, and reachable there?"))
            return findings
    try:
        answer = await post(asker, forged(marked(url), _without_call(form)))
    except NoAnswerError as error:
        return [*findings, subject.failed("forged call", str(error), "Is tm serve overloaded?")]
    return [*findings, judge_forgery(subject, "forged call", answer)]


def _without_call(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name != "CallSid"}
