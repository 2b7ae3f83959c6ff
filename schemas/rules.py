"""Rules across documents and files: what one document alone cannot tell.

Each rule yields diagnostics. It looks at what is sound in a document with errors too, and a name
counts as declared even there: a mistake hides no other, and is reported once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas import codes
from schemas.agent import Agent
from schemas.entry import Entry
from schemas.fields import is_phone_number, is_prefix, phone_number_hint
from schemas.hold import Hold
from schemas.places import Diagnostic, Place
from schemas.references import has_reference
from schemas.suggestions import did_you_mean, listed


@dataclass(frozen=True, slots=True)
class Declarations:
    """All documents that were read."""

    entries: Sequence[Entry]
    other_names: frozenset[str]
    """Names of documents whose kind is not known, because it or their file is broken."""

    def names(self, kind: str) -> frozenset[str]:
        """Return the names that are declared for a kind, with or without errors."""
        return frozenset(entry.name for entry in self.entries if entry.kind == kind)

    def agents(self) -> Iterator[tuple[Entry, Agent]]:
        """Yield the agents, those with errors as far as they are sound."""
        for entry in self.entries:
            if isinstance(entry.model, Agent):
                yield entry, entry.model


def check_documents(declarations: Declarations) -> Iterator[Diagnostic]:
    """Yield what is declared twice: a kind and name, or the Service."""
    first: dict[tuple[str, str], Entry] = {}
    service: Entry | None = None
    for entry in declarations.entries:
        same = first.setdefault((entry.kind, entry.name), entry)
        if same is not entry:
            message = f'{entry.kind} "{entry.name}" is declared twice, first at {same.name_place}'
            yield _error(codes.DUPLICATE_DOCUMENT, message, entry.name_place)
        elif entry.kind == "Service":
            if service is not None:
                message = f"a fleet has one Service; the first is at {service.name_place}"
                yield _error(codes.SECOND_SERVICE, message, entry.name_place)
            service = service or entry


def check_names(declarations: Declarations) -> Iterator[Diagnostic]:
    """Yield each reference to an Account, Hold or Whitelist that is not declared."""
    names = {kind: declarations.names(kind) for kind in ("Account", "Hold", "Whitelist")}
    known = {kind: declared | declarations.other_names for kind, declared in names.items()}
    for entry, agent in declarations.agents():
        wanted: list[tuple[str, str, tuple[str | int, ...]]] = []
        if agent.account is not None:
            wanted.append(("Account", agent.account, ("account",)))
        if isinstance(agent.hold, str):
            wanted.append(("Hold", agent.hold, ("hold",)))
        for index, caller in enumerate(agent.allow_callers or ()):
            if not is_phone_number(caller) and not is_prefix(caller):
                wanted.append(("Whitelist", caller, ("allow_callers", index)))
        for kind, name, path in wanted:
            if name not in known[kind] and not has_reference(name):
                yield _unknown(kind, name, names[kind], entry.source.place_of(path))


def _unknown(kind: str, name: str, declared: frozenset[str], place: Place) -> Diagnostic:
    hint = did_you_mean(name, declared)
    if kind == "Whitelist" and (name.startswith("+") or name.replace("-", "").isdigit()):
        message = f'"{name}" is neither a phone number nor a Whitelist{phone_number_hint(name)}'
        return _error(codes.BAD_PHONE_NUMBER, message, place)
    return _error(codes.UNKNOWN_NAME, f'there is no {kind} "{name}"{hint}', place)


def check_numbers(declarations: Declarations) -> Iterator[Diagnostic]:
    """Yield each number that a second inbound agent, or the same agent again, lays claim to."""
    owners: dict[str, tuple[str, Place]] = {}
    for entry, agent in declarations.agents():
        if not agent.inbound:
            continue
        for index, number in enumerate(agent.numbers):
            place = entry.source.place_of(("numbers", index, "number"))
            owner, first = owners.setdefault(number.number, (agent.name, place))
            if (owner, first) != (agent.name, place):
                message = (
                    f"{number.number} already belongs to agent {owner} ({first}); "
                    "a number has one inbound agent"
                )
                yield _error(codes.NUMBER_TAKEN, message, place)


def check_messaging(declarations: Declarations) -> Iterator[Diagnostic]:
    """Yield each WhatsApp sender and Messaging Service that a second agent lays claim to."""
    owners: dict[str, tuple[str, Place]] = {}
    for entry, agent in declarations.agents():
        for field in ("sender", "messaging_service"):
            claimed = getattr(agent.whatsapp, field, None)
            if claimed is None or has_reference(claimed):
                continue
            place = entry.source.place_of(("whatsapp", field))
            owner, first = owners.setdefault(f"{field} {claimed}", (agent.name, place))
            if (owner, first) != (agent.name, place):
                message = (
                    f"{claimed} already answers for agent {owner} ({first}); its messages go to one agent"
                )
                yield _error(codes.NUMBER_TAKEN, message, place)


def check_prep(declarations: Declarations) -> Iterator[Diagnostic]:
    """Yield each agent that gives callers up before the prep without which it may not speak is over."""
    holds = {entry.name: entry.model for entry in declarations.entries if isinstance(entry.model, Hold)}
    for entry, agent in declarations.agents():
        hold = holds.get(agent.hold) if isinstance(agent.hold, str) else agent.hold
        patience = hold.timeout if hold is not None else Hold.model_fields["timeout"].default
        if agent.prep is not None and agent.prep.required and patience <= agent.prep.timeout:
            message = (
                f"a required prep may take {agent.prep.timeout:g} s, but a caller is kept waiting for "
                f"{patience:g} s only; the timeout of hold must be longer"
            )
            yield _error(codes.BAD_VALUE, message, entry.source.place_of(("prep", "timeout")))


def check_accounts(declarations: Declarations) -> Iterator[Diagnostic]:
    """Yield each agent that must choose between accounts and does not."""
    accounts = declarations.names("Account")
    if len(accounts) < 2:
        return
    for entry, agent in declarations.agents():
        if agent.account is None:
            message = f"there are several accounts; say account: {listed(sorted(accounts))}"
            yield _error(codes.AMBIGUOUS_ACCOUNT, message, entry.name_place)


def _error(code: str, message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", code, message, place)
