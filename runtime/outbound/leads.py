"""The people of a campaign: rows of a list become leads, or are refused in words that name their line.

A list is read one row at a time; what is kept of those before is their numbers, to know each person once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import phonenumbers

from runtime.caller_number import caller_number
from runtime.outbound.variables import BadVariables, complete
from schemas.calling_hours import is_time_zone
from schemas.errors import TmError
from schemas.fields import is_phone_number
from schemas.leads_file import NUMBER, OWN_ID, RESERVED, TIME_ZONE, LeadsFileProblem, Row, rows_of
from schemas.variables import Variable

if TYPE_CHECKING:
    from schemas import Campaign, Fleet

RefusalReason: TypeAlias = Literal["invalid", "duplicate", "do_not_call"]

_ID_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class Lead:
    """A person to be called: `number` in E.164, `time_zone` where the list knows it, `variables` complete.

    `line` is where the lead stands in its list, `own_id` the list's own name for it.
    """

    line: int
    number: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    time_zone: str | None = None
    own_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedLead:
    """A row that nobody is called for, and why; `number` as far as it could be read."""

    line: int
    reason: RefusalReason
    detail: str
    number: str | None = None
    own_id: str | None = None


@dataclass(frozen=True, slots=True)
class LeadTerms:
    """What rows are read by.

    `caller` is the number that calls: a national form is read as it would be dialled there. `variables` are
    the agent's. Nobody of `never` is called.
    """

    caller: str
    variables: Mapping[str, Variable] = field(default_factory=dict)
    never: Container[str] = frozenset()


def terms_of(fleet: Fleet, campaign: Campaign) -> LeadTerms:
    """Return by what the list of a campaign is read. Raises `TmError` for numbers that cannot be kept to."""
    agent, caller = fleet.agents[campaign.agent], caller_of(fleet, campaign)
    return LeadTerms(caller, agent.variables, read_do_not_call(campaign.do_not_call, caller))


def caller_of(fleet: Fleet, campaign: Campaign) -> str:
    """Return the number from whose country the lists of a campaign are read."""
    entries = fleet.agents[campaign.agent].numbers
    return (*campaign.numbers, *(entry.number for entry in entries))[0]


def lead_id(campaign: str, number: str) -> str:
    """Return what a lead is known by: the same for one person in one campaign, and not to be read back."""
    return hashlib.sha256(f"{campaign}\n{number}".encode()).hexdigest()[:_ID_DIGITS]


def read_leads(path: Path, terms: LeadTerms) -> Iterator[Lead | RefusedLead]:
    """Yield the leads of a list, and the rows that are none.

    Raises:
        TmError: the list cannot be read, or not beyond a line.
    """
    try:
        yield from leads_of(rows_of(path), terms)
    except FileNotFoundError:
        raise TmError(f"there is no file {path}", hint="leads of a campaign names the list") from None
    except LeadsFileProblem as problem:
        raise TmError(f"{path}:{problem.line} {problem}") from None


def leads_of(rows: Iterable[Row], terms: LeadTerms) -> Iterator[Lead | RefusedLead]:
    """Yield the leads that rows stand for, and the rows that are none."""
    first_lines: dict[int, int] = {}  # by number: small, for lists of a hundred thousand
    for row in rows:
        lead = _lead(row, terms)
        if isinstance(lead, Lead):
            first = first_lines.setdefault(int(lead.number), lead.line)
            if first != lead.line:
                detail = f"{lead.number} stands in line {first} already"
                lead = RefusedLead(lead.line, "duplicate", detail, lead.number, lead.own_id)
            elif lead.number in terms.never:
                detail = f"{lead.number} is never to be called"
                lead = RefusedLead(lead.line, "do_not_call", detail, lead.number, lead.own_id)
        yield lead


def _lead(row: Row, terms: LeadTerms) -> Lead | RefusedLead:
    own_id = row.cells.get(OWN_ID) or None
    try:
        if row.problem is not None:
            raise _BadRowError(row.problem)
        number = dialled_number(row.cells.get(NUMBER, ""), terms.caller)
        zone = row.cells.get(TIME_ZONE) or None
        if zone is not None and not is_time_zone(zone):
            raise _BadRowError(f'there is no time zone "{zone}"')
        given = {name: text for name, text in row.cells.items() if name not in RESERVED}
        return Lead(row.line, number, complete(terms.variables, given), zone, own_id)
    except (_BadRowError, BadNumber, BadVariables) as problem:
        return RefusedLead(row.line, "invalid", str(problem), own_id=own_id)


class _BadRowError(ValueError):
    """A row that is no lead; the text says why."""


class BadNumber(ValueError):
    """A text that is no phone number to call; the message says so, for people."""


def dialled_number(text: str, caller: str) -> str:
    """Return the number in E.164 that `text` means, dialled from where the number `caller` is.

    Its length has to be one of its country's; whether it is given to somebody, the network knows. Raises
    `BadNumber`.
    """
    if not text.strip():
        raise BadNumber("the number is missing")
    number = caller_number(text, caller)
    if is_phone_number(number) and _is_possible(number):
        return number
    shown = text if len(text) <= 40 else f"{text[:39]}…"
    raise BadNumber(f'"{shown}" is no phone number')


def _is_possible(number: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def read_do_not_call(paths: Iterable[Path], caller: str) -> frozenset[str]:
    """Return the numbers that are never called, in E.164.

    Raises:
        TmError: a list cannot be read, or has a row without a number: what cannot be read cannot be kept to.
    """
    numbers: set[str] = set()
    for path in paths:
        try:
            numbers.update(_forbidden(path, caller))
        except FileNotFoundError:
            raise TmError(f"there is no file {path}", hint="nobody is called without do_not_call") from None
        except LeadsFileProblem as problem:
            raise TmError(f"{path}:{problem.line} {problem}") from None
    return frozenset(numbers)


def _forbidden(path: Path, caller: str) -> Iterator[str]:
    for row in rows_of(path):
        try:
            yield dialled_number(row.cells.get(NUMBER, ""), caller)
        except BadNumber as problem:
            raise LeadsFileProblem(row.problem or str(problem), row.line) from None
