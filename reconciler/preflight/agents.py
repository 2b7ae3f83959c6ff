"""One agent: does the runtime answer its URLs as Twilio needs it, and serve its hold recording?"""

from __future__ import annotations

import asyncio
import hashlib
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from reconciler.marker import add_marker
from reconciler.preflight.asking import Answer, Asker, NoAnswerError
from reconciler.preflight.finding import Finding, Subject
from reconciler.preflight.webhook import (
    Probe,
    call_parameters,
    forged,
    genuine,
    judge_forgery,
    judge_twiml,
    judge_voice_url,
)
from reconciler.printable import printable
from schemas.account import Account
from schemas.agent import Agent
from schemas.errors import TmError
from schemas.fleet import Fleet
from schemas.hold import MEDIA_TYPES
from schemas.media import MAX_MEDIA_BYTES

# Stands where a number's marker will: a query that a proxy drops breaks every signature.
_PROBE_MARKER = "0" * 12

_ANY_NUMBER = "+15005550001"


async def check_agent(fleet: Fleet, agent: Agent, asker: Asker) -> list[Finding]:
    """Check the agent's URLs and its hold recording."""
    subject = Subject(f"agent {agent.name}")
    webhooks, recording = await asyncio.gather(
        _check_webhooks(subject, fleet, agent, asker), _check_recording(subject, fleet, agent, asker)
    )
    return [*webhooks, *recording]


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
            fallback = genuine(_marked(f"{url}/fallback"), form, token)
            findings.append(judge_twiml(subject, check, await _post(asker, fallback)))
            answer = await _post(asker, genuine(_marked(url), _without_call(form), token))
            findings.append(judge_voice_url(subject, check.replace("call", "URL"), answer))
        except NoAnswerError as error:
            findings.append(subject.failed(check, str(error), "Is tm serve running, and reachable there?"))
            return findings
    try:
        answer = await _post(asker, forged(_marked(url), _without_call(form)))
    except NoAnswerError as error:
        return [*findings, subject.failed("forged call", str(error), "Is tm serve overloaded?")]
    return [*findings, judge_forgery(subject, "forged call", answer)]


def _without_call(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name != "CallSid"}


def _marked(url: str) -> str:
    return add_marker(url, _PROBE_MARKER)


async def _post(asker: Asker, probe: Probe) -> Answer:
    return await asker.ask("POST", probe.url, headers=probe.headers, form=probe.form)


async def _check_recording(subject: Subject, fleet: Fleet, agent: Agent, asker: Asker) -> list[Finding]:
    """Fetch the hold recording as Twilio would and compare it with the file."""
    hold = fleet.hold_of(agent)
    file = hold.played_by_twilio if hold is not None else None
    if file is None:
        return []
    try:
        content = await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        return [
            subject.failed("hold recording", f"{file.name} cannot be read: {error.strerror}", "Restore it.")
        ]
    sha256 = hashlib.sha256(content).hexdigest()
    url = f"{fleet.service.public_url}/media/{sha256}/{quote(file.name)}"
    try:
        answer = await asker.ask("GET", url, most_bytes=MAX_MEDIA_BYTES)
    except NoAnswerError as error:
        return [subject.failed("hold recording", str(error), "Twilio fetches it anew for its first callers.")]
    return [judge_recording(subject, file, content, answer)]


def judge_recording(subject: Subject, file: Path, content: bytes, answer: Answer) -> Finding:
    """Judge what the recording's address answered, against the file's content."""
    check, name = "hold recording", file.name
    if answer.status == HTTPStatus.NOT_FOUND:
        advice = "It runs with another version of the declarations: restart tm serve with these first."
        return subject.failed(check, f"the runtime does not have this {name} (404)", advice)
    if answer.status != HTTPStatus.OK:
        return subject.failed(check, f"{name} is answered {answer.status}", "Callers would hear an error.")
    wanted = MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream")
    if answer.media_type != wanted:
        shown = printable(answer.media_type)[:60] or "no Content-Type"
        found = f"{name} comes as {shown} instead of {wanted} (error 12300)"
        return subject.failed(check, found, "Something in front of the runtime changes it.")
    if answer.body != content or not answer.complete:
        size = f"{len(answer.body)} bytes{'' if answer.complete else ' and more'}"
        found = f"{name} comes changed: {size} instead of {len(content)}"
        return subject.failed(check, found, "Something in front of the runtime changes it.")
    return subject.ok(check, f"{name}, {len(content) / 1000:.0f} kB of {wanted}")
