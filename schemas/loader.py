"""Loads a folder of declarations into a fleet, with everything that is wrong in it at once.

    files -> documents -> entries -> overlay of the environment -> models -> rules -> fleet

Each step reports what it finds and goes on with the rest, so that one mistake never hides another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from schemas.account import Account
from schemas.agent import Agent
from schemas.campaign import Campaign
from schemas.campaign_rules import check_campaigns
from schemas.declared import Declared
from schemas.entry import KINDS, Entry, Layer
from schemas.environment import add_implicit, override_public_url
from schemas.errors import TmError
from schemas.field_rules import FieldRules
from schemas.files import read_folder
from schemas.fleet import Fleet
from schemas.hold import Hold
from schemas.model_reader import read_model
from schemas.overlays import lay_over
from schemas.places import Diagnostic
from schemas.reading import Reading
from schemas.rules import (
    Declarations,
    check_accounts,
    check_documents,
    check_messaging,
    check_names,
    check_numbers,
    check_prep,
)
from schemas.service import Service
from schemas.sorting import sort_documents
from schemas.source import SourceMap
from schemas.whitelist import Whitelist


class InvalidDeclarations(TmError):
    """The declarations have errors; `diagnostics` are all of them, warnings included."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        lines = "".join(f"\n  {error}" for error in errors)
        super().__init__(f"the declarations have {count}:{lines}", hint="tm validate shows them in full")
        self.diagnostics = diagnostics


@dataclass(frozen=True)
class Loaded:
    """What came of loading: the fleet, or None when there are errors, and all diagnostics by place."""

    fleet: Fleet | None
    diagnostics: tuple[Diagnostic, ...]
    agents: int = 0
    """How many agents are declared, valid or not."""
    numbers: int = 0
    """How many phone numbers the valid agents have."""


def load_fleet(folder: Path, environ: Mapping[str, str], *, offline: bool = False) -> Loaded:
    """Load the declarations in `folder`; `environ` is what references and credentials come from.

    `TM_ENV` in it chooses the overlay `env/<name>.yaml`; without it that folder is not read.

    With `offline` a missing variable, file or credential is a warning, and the text of a reference
    that cannot be resolved stands in for its value. Secrets are resolved when they are revealed.

    Raises:
        MissingFolder: there is no such folder.
    """
    contents = read_folder(folder)
    reading = Reading(environ, offline, list(contents.findings))
    entries, other_names = sort_documents(contents.documents, reading)
    entries = lay_over(entries, folder, reading, others=other_names | contents.broken)
    entries = override_public_url(entries, environ)
    entries = add_implicit(entries, folder, reading, broken=contents.broken)
    entries = _read_models(entries, reading)
    declarations = Declarations(entries, other_names | contents.broken)
    reading.findings += _check(declarations)
    diagnostics = _in_order(reading.findings)
    valid = all(diagnostic.severity != "error" for diagnostic in diagnostics)
    agents = [agent for _, agent in declarations.agents()]
    return Loaded(
        fleet=_fleet(folder, entries) if valid else None,
        diagnostics=diagnostics,
        agents=sum(entry.kind == "Agent" for entry in entries),
        numbers=sum(len(agent.numbers) for agent in agents),
    )


def require_fleet(folder: Path, environ: Mapping[str, str]) -> Fleet:
    """Return the fleet in `folder`.

    Raises:
        MissingFolder: there is no such folder.
        InvalidDeclarations: the declarations have errors, or something that they refer to is missing.
    """
    loaded = load_fleet(folder, environ)
    if loaded.fleet is None:
        raise InvalidDeclarations(loaded.diagnostics)
    return loaded.fleet


def _read_models(entries: Sequence[Entry], reading: Reading) -> list[Entry]:
    """Read every document into its model; the Service first, since its defaults lie under the agents."""
    services = [_with_model(entry, reading) for entry in entries if entry.kind == "Service"]
    defaults = _defaults(services[0].source, reading) if services else None
    rest = [
        _with_model(_over_defaults(entry, defaults), reading) for entry in entries if entry.kind != "Service"
    ]
    return [*services, *rest]


def _with_model(entry: Entry, reading: Reading) -> Entry:
    read = read_model(KINDS[entry.kind], entry.source, reading)
    return replace(entry, model=read.model, valid=read.valid)


def _defaults(service: SourceMap, reading: Reading) -> SourceMap | None:
    """Return the Service's defaults, without those that have errors: these are reported there, once."""
    defaults = service.get("defaults")
    if not isinstance(defaults, SourceMap):
        return None
    wrong = {finding.place for finding in reading.findings if finding.severity == "error"}
    return defaults.without(*(key for key, value in defaults.items() if wrong & set(_places(defaults, key))))


def _places(mapping: SourceMap, key: str) -> Iterable[object]:
    """Yield every place within one entry of a mapping."""
    yield mapping.key_places[key]
    yield mapping.value_places[key]
    yield from _inner_places(mapping[key])


def _inner_places(value: object) -> Iterable[object]:
    if isinstance(value, SourceMap):
        for key in value:
            yield from _places(value, key)
    elif isinstance(value, list):
        for item in value:
            yield from _inner_places(item)


def _over_defaults(entry: Entry, defaults: SourceMap | None) -> Entry:
    if defaults is None or entry.kind != "Agent":
        return entry
    layers = (*entry.layers, Layer("defaults", defaults))
    return replace(entry, source=entry.source.over(defaults), layers=layers)


def _check(declarations: Declarations) -> list[Diagnostic]:
    field_rules = FieldRules()
    findings = [finding for entry in declarations.entries for finding in field_rules.check(entry)]
    rules = (
        check_documents,
        check_names,
        check_numbers,
        check_messaging,
        check_prep,
        check_accounts,
        check_campaigns,
    )
    for rule in rules:
        findings += rule(declarations)
    return findings


def _in_order(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the findings by place, each once: a default's comes up with every agent."""

    def key(finding: Diagnostic) -> tuple[str, int, int, str]:
        place = finding.place
        return (place.file, place.line, place.column, finding.code) if place else ("", 0, 0, finding.code)

    return tuple(sorted(dict.fromkeys(findings), key=key))


ModelT = TypeVar("ModelT", bound=Declared)


def _fleet(folder: Path, entries: Sequence[Entry]) -> Fleet:
    assert all(entry.valid for entry in entries), "an invalid document is reported"

    def models(kind: type[ModelT]) -> dict[str, ModelT]:
        return {entry.name: entry.model for entry in entries if isinstance(entry.model, kind)}

    (service,) = models(Service).values()
    return Fleet(
        folder=folder,
        service=service,
        accounts=models(Account),
        agents=models(Agent),
        holds=models(Hold),
        whitelists=models(Whitelist),
        campaigns=models(Campaign),
        entries={(entry.kind, entry.name): entry for entry in entries if not entry.implicit},
    )
