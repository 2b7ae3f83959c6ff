"""The Twilio account, region by region: credentials, clock, kind of account, the declared numbers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Protocol

from reconciler.api.connections import credentials_for
from reconciler.api.library import Credentials
from reconciler.preflight.asking import Answer, Asker, NoAnswerError
from reconciler.preflight.finding import Finding, Subject
from reconciler.resource.defaults import HOME_REGION
from reconciler.resource.live import LiveNumber
from schemas.account import Account
from schemas.errors import TmError
from schemas.fleet import DeclaredNumber

LIST_SECONDS = 20.0
MOST_SKEW_SECONDS = 30

_TRIAL = (
    "trial: only verified callers get through (5 numbers at most), a call ends after 10 minutes, "
    "and the account after 30 days"
)


class NumberList(Protocol):
    """The port for the numbers of one account in one region."""

    async def list_numbers(self) -> list[LiveNumber]:
        """Return every number. Raises ApiError."""
        ...


NumberLists = Callable[[str, str], NumberList]
"""Gives the numbers of an account (by name) in a region."""


@dataclass(frozen=True, slots=True)
class TwilioApi:
    """GET requests to Twilio's API, or to the server that stands in for it (`TM_TWILIO_API_URL`)."""

    asker: Asker
    api_url: str | None = None

    async def get(self, credentials: Credentials, path: str) -> Answer:
        """Ask the host of the credentials' region, as the `twilio` library names it. Raises NoAnswerError."""
        region, edge = credentials.region, credentials.edge
        meant = "api.twilio.com" if region == HOME_REGION else f"api.{edge}.{region}.twilio.com"
        base = self.api_url.rstrip("/") if self.api_url else f"https://{meant}"
        return await self.asker.ask(
            "GET",
            f"{base}/2010-04-01/Accounts/{credentials.account_sid}{path}",
            headers={"X-Twilio-Host": meant} if self.api_url else None,
            basic=(credentials.username, credentials.password),
        )


async def check_account(
    account: Account,
    region: str,
    *,
    api: TwilioApi,
    lists: NumberLists,
    numbers: Iterable[DeclaredNumber],
    now: Callable[[], datetime],
) -> list[Finding]:
    """Check an account in one region, and `numbers`, which are declared there."""
    subject = Subject(f"account {account.name} ({region})")
    findings = [_check_token(subject, account, region)]
    try:
        credentials = credentials_for(account, region)
    except TmError as error:
        return [*findings, subject.failed("credentials", error.message, error.hint or "")]
    try:
        answer = await api.get(credentials, "/IncomingPhoneNumbers.json?PageSize=1")
    except NoAnswerError as error:
        advice = "Is Twilio reachable from here (proxy, firewall, TM_TWILIO_API_URL)?"
        return [*findings, subject.failed("credentials", str(error), advice)]
    findings.append(judge_credentials(subject, account, answer))
    if skew := judge_clock(subject, answer, now()):
        findings.append(skew)
    if answer.status != HTTPStatus.OK:
        return findings
    if region == account.region:
        findings.append(await check_kind(account, api))
    return [*findings, *await _check_numbers(subject, lists(account.name, region), tuple(numbers))]


def judge_credentials(subject: Subject, account: Account, answer: Answer) -> Finding:
    """Judge the answer to the cheapest request there is: a page of one number."""
    if answer.status == HTTPStatus.OK and _document(answer) is not None:
        return subject.ok("credentials", f"{account.account_sid} answers")
    if answer.status == HTTPStatus.UNAUTHORIZED:
        advice = "Check account_sid and auth_token, or the API key; each region has its own."
        return subject.failed("credentials", f"refused for {account.account_sid} (401)", advice)
    if answer.status == HTTPStatus.OK:
        found = "what answers is not Twilio's API"
        return subject.failed(
            "credentials", found, "Is there a proxy in between, or is TM_TWILIO_API_URL wrong?"
        )
    return subject.failed(
        "credentials", f"Twilio answers {answer.status}", "Look at https://status.twilio.com."
    )


def judge_clock(subject: Subject, answer: Answer, now: datetime) -> Finding | None:
    """Compare this machine's clock with the server's; None when the server does not tell the time."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        skew = (now - theirs).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    if abs(skew) <= MOST_SKEW_SECONDS:
        return subject.ok("clock", "agrees with Twilio's")
    found = f"this machine is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Twilio's clock"
    return subject.warning("clock", found, "Set it by NTP: journals and call records carry its time.")


def judge_kind(subject: Subject, answer: Answer) -> Finding:
    """Tell trial from full. Twilio: an API key of type Standard cannot read the account itself."""
    document = _document(answer) if answer.status == HTTPStatus.OK else None
    if document is None:
        found = "whether it is a trial is not known: an API key of type Standard may not ask"
        return (
            subject.ok("kind", found)
            if answer.status == HTTPStatus.UNAUTHORIZED
            else subject.warning("kind", f"not known: Twilio answers {answer.status}", "Ask again later.")
        )
    status = document.get("status")
    if status in ("suspended", "closed"):
        return subject.failed("kind", f"the account is {status}", "Twilio's console says why.")
    if document.get("type") == "Trial":
        return subject.warning("kind", _TRIAL, "Upgrade it before strangers call.")
    return subject.ok("kind", "full" if document.get("type") == "Full" else "not told")


def judge_numbers(
    subject: Subject, declared: tuple[DeclaredNumber, ...], live: Iterable[LiveNumber]
) -> list[Finding]:
    """Compare the declared numbers with those that the account has in the region."""
    known = {number.number: number for number in live}
    findings = []
    for wanted in declared:
        found = known.get(wanted.number)
        if found is None:
            advice = f"Buy it, or correct agent {wanted.agent} ({wanted.place.file}:{wanted.place.line})."
            findings.append(subject.failed("numbers", f"the account has no {wanted.number}", advice))
        elif not found.can_voice:
            advice = f"Agent {wanted.agent} needs another number."
            findings.append(subject.failed("numbers", f"{wanted.number} cannot take calls", advice))
    good = len(declared) - len(findings)
    if declared and good:
        told = "1 declared number is" if good == 1 else f"{good} declared numbers are"
        findings.insert(0, subject.ok("numbers", f"{told} there, for calls"))
    return findings


def _check_token(subject: Subject, account: Account, region: str) -> Finding:
    """Look for the token that Twilio signs with in a region. Twilio: each region has its own."""
    regional = {str(name): given.auth_token for name, given in account.regions.items()}
    token = regional.get(region) or (account.auth_token if region == account.region else None)
    if token is None:
        advice = "Declare it: tm serve knows Twilio's requests by it."
        return subject.failed("auth token", f"none is declared for {region}", advice)
    try:
        token.reveal()
    except TmError as error:
        return subject.failed("auth token", error.message, error.hint or "Set it.")
    return subject.ok("auth token", "at hand, for signatures")


async def check_kind(account: Account, api: TwilioApi) -> Finding:
    """Ask in the account's own region what kind it is: trial, full, suspended or closed."""
    subject = Subject(f"account {account.name} ({account.region})")
    try:
        return judge_kind(subject, await api.get(credentials_for(account, account.region), ".json"))
    except NoAnswerError as error:
        return subject.warning("kind", f"not known: {error}", "Ask again later.")
    except TmError as error:
        return subject.warning("kind", f"not known: {error.message}", error.hint or "")


async def _check_numbers(
    subject: Subject, number_list: NumberList, declared: tuple[DeclaredNumber, ...]
) -> list[Finding]:
    if not declared:
        return []
    try:
        async with asyncio.timeout(LIST_SECONDS):
            live = await number_list.list_numbers()
    except TimeoutError:
        found = f"the list did not come within {LIST_SECONDS:g} s"
        return [subject.failed("numbers", found, "Ask again later.")]
    except TmError as error:
        return [subject.failed("numbers", error.message, error.hint or "Ask again later.")]
    return judge_numbers(subject, declared, live)


def _document(answer: Answer) -> Mapping[str, object] | None:
    """Return the JSON object of an answer, or None. The account's own holds its token: it is never shown."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
