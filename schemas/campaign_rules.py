"""Rules about campaigns: their agent, its numbers, what a machine is told, and the lists of people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from schemas import codes
from schemas.agent import Agent
from schemas.campaign import Campaign
from schemas.entry import Entry
from schemas.leads_file import NUMBER, RESERVED, LeadsFileProblem, columns_of
from schemas.places import Diagnostic, Place
from schemas.references import has_reference
from schemas.rules import Declarations
from schemas.source import SourceMap
from schemas.suggestions import did_you_mean, listed
from schemas.variable_rules import check_places


def check_campaigns(declarations: Declarations) -> Iterator[Diagnostic]:
    """Yield what is wrong with campaigns, alone and with the agents that call for them."""
    agents = {agent.name: agent for _, agent in declarations.agents()}
    for entry in declarations.entries:
        if isinstance(entry.model, Campaign):
            yield from _check_message(entry.model, entry)
            yield from _check_do_not_call(entry.model, entry.source)
            agent = agents.get(entry.model.agent)
            if agent is not None:
                yield from _check_numbers(entry.model, agent, entry.source)
                yield from _check_leads(entry.model, agent, entry.source)
                place = entry.source.place_of(("voicemail_message",))
                yield from check_places(entry.model.voicemail_message, agent.variables, place)
            elif entry.model.agent not in declarations.names("Agent") | declarations.other_names:
                hint = did_you_mean(entry.model.agent, declarations.names("Agent"))
                message = f'there is no Agent "{entry.model.agent}"{hint}'
                yield _error(codes.UNKNOWN_NAME, message, entry.source.place_of(("agent",)))


def _check_message(campaign: Campaign, entry: Entry) -> Iterator[Diagnostic]:
    speaks = campaign.voicemail == "message"
    if speaks and entry.source.get("voicemail_message") is None and entry.valid:
        message = "voicemail: message needs voicemail_message, what is said to the machine"
        yield _error(codes.INCOMPLETE, message, entry.source.place_of(("voicemail",)))
    if campaign.voicemail_message is not None and not speaks:
        message = f"voicemail_message is for voicemail: message; with {campaign.voicemail} nobody says it"
        yield _error(codes.BAD_VALUE, message, entry.source.place_of(("voicemail_message",)))


def _check_numbers(campaign: Campaign, agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """A call shows the number of its agent, and no other."""
    own = [entry.number for entry in agent.numbers]
    if not own:
        message = f"agent {agent.name} has no numbers to call from"
        yield _error(codes.INCOMPLETE, message, source.place_of(("agent",)))
        return
    for index, number in enumerate(campaign.numbers):
        if number not in own and not has_reference(number):
            message = f"{number} is not a number of agent {agent.name}; it has {listed(own, 'and')}"
            yield _error(codes.UNKNOWN_NAME, message, source.place_of(("numbers", index)))


def _check_leads(campaign: Campaign, agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """The columns of the list are known to the agent, and those that it needs are there."""
    place = source.place_of(("leads",))
    columns, finding = _columns(campaign.leads, place)
    if finding is not None:
        yield finding
    if columns is None:
        return
    shown, known = os.path.relpath(campaign.leads), (*RESERVED, *agent.variables)
    for column in columns:
        if column and column not in known:
            hint = did_you_mean(column, known) or f"; agent {agent.name} has no such variable"
            yield _error(codes.BAD_LEADS, f'{shown} has a column "{column}"{hint}', place)
    needed = [NUMBER, *(name for name, variable in agent.variables.items() if variable.required)]
    missing = [name for name in needed if name not in columns]
    if missing:
        yield _error(codes.BAD_LEADS, f"{shown} has no column {listed(missing, 'and')}", place)


def _check_do_not_call(campaign: Campaign, source: SourceMap) -> Iterator[Diagnostic]:
    for index, file in enumerate(campaign.do_not_call):
        place = source.place_of(("do_not_call", index))
        columns, finding = _columns(file, place)
        if finding is not None:
            yield finding
        elif columns is not None and NUMBER not in columns:
            yield _error(codes.BAD_LEADS, f"{os.path.relpath(file)} has no column {NUMBER}", place)


def _columns(file: Path, place: Place) -> tuple[tuple[str, ...] | None, Diagnostic | None]:
    """Return the columns of a list where they can be known, and what is wrong with the file.

    A list of people often has no place in Git: that it is not there is a warning, until somebody is called.
    """
    if has_reference(str(file)):
        return None, None
    shown = os.path.relpath(file)
    try:
        return columns_of(file), None
    except FileNotFoundError:
        message = f"there is no file {shown}; the campaign cannot run without it"
        return None, Diagnostic("warning", codes.MISSING_LEADS, message, place)
    except LeadsFileProblem as problem:
        return None, _error(codes.BAD_LEADS, f"{shown}:{problem.line} {problem}", place)


def _error(code: str, message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", code, message, place)
