"""Saved plans: written beside the declarations' digest, and applied exactly or refused whole.

The file is the plan's JSON document and what it rests on. It holds no secret and no marker: what is to
be written is worked out again from the declarations, which must be those that were planned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.applying.report import key_of
from reconciler.output.documents import FORMAT_VERSION, plan_document, to_json, tool_version
from reconciler.planning.plan import Action, Cause, Change, Ownership, Plan, Skipped, SkipReason, Unchanged
from reconciler.resource.credentials import sealed, sealed_text
from reconciler.resource.desired import DesiredNumber, desired_numbers
from reconciler.resource.kinds import Resource
from reconciler.resource.marker import without_markers
from reconciler.resource.overrides import Overrides, overrides_of
from reconciler.resource.settings import FIELD_NAMES, FieldChange, Settings, Value
from schemas.errors import TmError
from schemas.fleet import Fleet
from schemas.places import Place


class UnreadablePlanError(TmError):
    """The file is not a saved plan."""


class OutdatedPlanError(TmError):
    """The plan rests on something that has changed: it is refused whole."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Source(_Read):
    file: str | None = None
    line: int = 1
    column: int = 1

    def place(self) -> Place | None:
        return Place(self.file, self.line, self.column) if self.file else None


class _Field(_Read):
    field: str
    before: bool | str
    after: bool | str


class _Change(_Read):
    account: str
    region: str
    resource: Resource
    sid: str
    number: str
    agent: str
    action: Action
    cause: Cause
    fields: tuple[_Field, ...] = Field(min_length=1)
    source: _Source


class _Skipped(_Read):
    number: str
    agent: str
    reason: SkipReason
    detail: str
    source: _Source


class _Unchanged(_Read):
    number: str
    agent: str
    sid: str


class _RestsOn(_Read):
    declarations: str
    accounts: dict[str, str]
    ours: int
    new_host: str | None
    nothing_declared: bool
    answering: dict[str, dict[str, bool | str]] = {}
    overrides: dict[str, dict[str, str]] = {}


class _Document(_Read):
    format_version: str
    tool_version: str
    plan_id: str
    created_at: datetime
    changes: tuple[_Change, ...]
    skipped: tuple[_Skipped, ...]
    unchanged: tuple[_Unchanged, ...]
    rests_on: _RestsOn


def save_plan(file: Path, plan: Plan, fleet: Fleet) -> None:
    """Write a plan to a file. Raises TmError when that is not possible."""
    rests_on = {
        "declarations": declarations_digest(fleet),
        "accounts": _account_sids(fleet),
        "ours": plan.ownership.ours,
        "new_host": plan.ownership.new_host,
        "nothing_declared": plan.ownership.nothing_declared,
        "answering": {
            key_of(change): dict(change.answering.managed()) for change in plan.changes if change.answering
        },
        "overrides": {
            key_of(change): dict(overrides)
            for change in plan.changes
            if (overrides := overrides_of(change.write))
        },
    }
    text = to_json({**plan_document(plan), "rests_on": rests_on})
    try:
        file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise TmError(f"the plan cannot be saved to {file}: {error.strerror}") from error


def load_plan(file: Path, fleet: Fleet) -> Plan:
    """Return the plan that was saved.

    Raises UnreadablePlanError for a file that is none, and OutdatedPlanError when the declarations, an
    account or the major version changed since, or when the file itself was edited.
    """
    try:
        document = _Document.model_validate_json(file.read_bytes())
    except OSError as error:
        raise UnreadablePlanError(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the document"
        raise UnreadablePlanError(f"{file} is not a saved plan: {where}: {first['msg']}") from error
    _require_same_ground(document, fleet)
    plan = _with_answering(_plan(document, fleet), document.rests_on.answering)
    if plan.plan_id != document.plan_id:
        raise OutdatedPlanError("the saved plan was edited after it was made", hint="Make a new plan.")
    return plan


def declarations_digest(fleet: Fleet) -> str:
    """Return a SHA-256 over everything declared: comments, order of documents and folder do not matter."""
    content = {
        kind: {name: _canonical(model.model_dump(), fleet.folder) for name, model in sorted(models.items())}
        for kind, models in _documents(fleet).items()
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _documents(fleet: Fleet) -> Mapping[str, Mapping[str, BaseModel]]:
    return {
        "Service": {fleet.service.name: fleet.service},
        "Account": fleet.accounts,
        "Agent": fleet.agents,
        "Hold": fleet.holds,
        "Whitelist": fleet.whitelists,
    }


def _canonical(value: object, folder: Path) -> object:
    """Make a dumped model comparable between two checkouts.

    Secrets show as `***` already; those in URLs are sealed here.
    """
    if isinstance(value, Mapping):
        return {str(key): _canonical(item, folder) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_canonical(item, folder) for item in value]
    if isinstance(value, Path):
        inside = value.is_relative_to(folder.resolve())
        return value.relative_to(folder.resolve()).as_posix() if inside else str(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    return sealed_text(str(value))


def _account_sids(fleet: Fleet) -> dict[str, str]:
    return {name: account.account_sid for name, account in fleet.accounts.items()}


def _require_same_ground(document: _Document, fleet: Fleet) -> None:
    """Raise OutdatedPlanError unless the plan would be made from the same things today."""
    again = "Make a new plan and have that one reviewed."
    if _major(document.format_version) != _major(FORMAT_VERSION):
        raise OutdatedPlanError(f"the plan was saved in format {document.format_version}", hint=again)
    if _major(document.tool_version) != _major(tool_version()):
        raise OutdatedPlanError(f"the plan was made by version {document.tool_version}", hint=again)
    if document.rests_on.accounts != _account_sids(fleet):
        raise OutdatedPlanError("the plan was made for another account", hint=again)
    if document.rests_on.declarations != declarations_digest(fleet):
        raise OutdatedPlanError("the declarations changed since the plan was made", hint=again)


def _major(number: str) -> str:
    return number.split(".")[0]


def _plan(document: _Document, fleet: Fleet) -> Plan:
    desired = {
        (wanted.account, wanted.resource, wanted.number, wanted.agent): wanted
        for wanted in desired_numbers(fleet)
    }
    return Plan(
        created_at=document.created_at,
        changes=tuple(
            _change(
                item,
                desired.get((item.account, item.resource, item.number, item.agent)),
                fleet.service.public_url,
                document.rests_on.overrides,
            )
            for item in document.changes
        ),
        skipped=tuple(
            Skipped(item.number, item.agent, item.reason, item.detail, place)
            for item in document.skipped
            if (place := item.source.place())
        ),
        unchanged=tuple(Unchanged(item.number, item.agent, item.sid) for item in document.unchanged),
        ownership=Ownership(
            document.rests_on.ours, document.rests_on.new_host, document.rests_on.nothing_declared
        ),
    )


def _with_answering(plan: Plan, answering: Mapping[str, Mapping[str, Value]]) -> Plan:
    """Restore what callers reached in another region when the plan was made."""
    if not all(frozenset(fields) <= frozenset(FIELD_NAMES) for fields in answering.values()):
        raise UnreadablePlanError("this is not a saved plan: a record has fields that no number has")
    return replace(
        plan,
        changes=tuple(
            replace(change, answering=Settings().with_values(answering[key_of(change)]))
            if key_of(change) in answering
            else change
            for change in plan.changes
        ),
    )


def _change(
    item: _Change, wanted: DesiredNumber | None, public_url: str, overrides: Mapping[str, Mapping[str, str]]
) -> Change:
    """Restore a change: unlisted fields were as wanted when the plan was made."""
    names = frozenset(field.field for field in item.fields)
    if not names <= frozenset(FIELD_NAMES):
        raise UnreadablePlanError(f"this is not a saved plan: {item.number} has fields that no number has")
    if item.action is Action.DETACH:
        write = Settings().with_urls(dict.fromkeys(names, ""))
    elif wanted is not None:
        wanted = replace(wanted, kept=_kept(item, wanted, overrides))
        write = (wanted.moved() if "voice_region" in names else wanted).stored(public_url)
    else:
        raise OutdatedPlanError(f"no agent declares {item.number} any more", hint="Make a new plan.")
    now = sealed(without_markers(write)).with_values({field.field: field.before for field in item.fields})
    return Change(
        account=item.account,
        region=item.region,
        sid=item.sid,
        number=item.number,
        agent=item.agent,
        action=item.action,
        cause=item.cause,
        fields=tuple(FieldChange(field.field, field.before, field.after) for field in item.fields),
        now=now,
        write=write,
        place=item.source.place(),
    )


def _kept(item: _Change, wanted: DesiredNumber, saved: Mapping[str, Mapping[str, str]]) -> Overrides:
    """Return the connection overrides that a change leaves on its URLs."""
    kept = saved.get(f"{item.account}/{item.region}/{item.sid}", {})
    if not kept.keys() <= dict(wanted.settings.urls()).keys():
        raise UnreadablePlanError(f"this is not a saved plan: {item.number} has overrides on no URL of its")
    return tuple(kept.items())
