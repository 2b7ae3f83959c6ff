"""The plan: a value that is printed, saved, reviewed, and applied exactly."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from reconciler.resource.credentials import sealed
from reconciler.resource.kinds import Resource, resource_of
from reconciler.resource.marker import without_markers
from reconciler.resource.route import after_write, effective_route
from reconciler.resource.settings import FieldChange, Settings
from schemas.places import Diagnostic, Place


class Action(StrEnum):
    """What is done to a number."""

    ADOPT = "adopt"
    UPDATE = "update"
    REROUTE = "reroute"
    DETACH = "detach"


class Cause(StrEnum):
    """Why a number differs: which of file, marker and account moved; or that a run is taken back."""

    NEW = "new"
    PENDING = "pending"
    DRIFT = "drift"
    CONFLICT = "conflict"
    REMOVED = "removed"
    ROLLBACK = "rollback"


class SkipReason(StrEnum):
    """Why a declared number, or one that a run is to be taken back on, is left alone."""

    NO_MATCHING_NUMBER = "no_matching_number"
    NO_VOICE_CAPABILITY = "no_voice_capability"
    DRIVEN_BY_TRUNK = "driven_by_trunk"
    DRIVEN_BY_APPLICATION = "driven_by_application"
    FOREIGN_WEBHOOK = "foreign_webhook"
    OUTBOUND_ONLY = "outbound_only"
    PREFLIGHT_FAILED = "preflight_failed"
    CHANGED_SINCE = "changed_since"
    NOT_RECORDED = "not_recorded"


@dataclass(frozen=True, slots=True)
class Change:
    """One number, or one of its kin, that is to be written.

    `region` is that of the record which is written, `number` is E.164 (a Messaging Service without a
    sender: its SID). `fields` are the visible differences (never empty), `now` are the live settings
    without markers and credentials, and `write` is all that is written, both included; what it leaves
    None stays as it is. `answering` are the settings of the record that callers reach now, where that is
    another region's and could be read. `place` is None for a number that no file declares.
    """

    account: str
    region: str
    sid: str
    number: str
    agent: str
    action: Action
    cause: Cause
    fields: tuple[FieldChange, ...]
    now: Settings
    write: Settings
    place: Place | None
    answering: Settings | None = None

    @property
    def resource(self) -> Resource:
        """The kind of thing that is written."""
        return resource_of(self.sid)

    @property
    def moves(self) -> bool:
        """Whether the number's calls are routed to another region."""
        return self.write.voice_region not in (None, self.now.voice_region)

    @property
    def steps(self) -> tuple[Change, ...]:
        """The change in the order in which it is written, for a number that moves in two steps.

        Twilio: calls may come as soon as the route is set. So a record that calls are routed to is written
        before the route, and one that calls are routed away from after it.
        """
        if self.write.voice_region is None:
            return (self,)
        record = replace(self, write=replace(self.write, voice_region=None))
        route = replace(self, write=Settings(voice_region=self.write.voice_region))
        if not any(record.write.managed()):
            return (route,)
        return (record, route) if self.write.voice_region == self.region else (route, record)

    @property
    def expected(self) -> Settings:
        """What must still be live right before the write: the fields that it touches."""
        return self.now.masked_by(self.write)

    @property
    def wanted(self) -> Settings:
        """What is live after the write, without markers and credentials, for the fields that are written."""
        return sealed(without_markers(self.write))

    @property
    def reach_before(self) -> str:
        """What a caller reaches now."""
        if not self.moves:
            return effective_route(self.now)
        reached = effective_route(self.answering) if self.answering else "whatever answers"
        return f"{reached}, in {self.now.voice_region}"

    @property
    def reach_after(self) -> str:
        """What a caller reaches once this change is applied."""
        reached = effective_route(after_write(self.now, self.wanted))
        return f"{reached}, in {self.write.voice_region}" if self.moves else reached


@dataclass(frozen=True, slots=True)
class Skipped:
    """One declared number that is left alone, and why; `detail` names the owner where there is one."""

    number: str
    agent: str
    reason: SkipReason
    detail: str
    place: Place


@dataclass(frozen=True, slots=True)
class Unchanged:
    """One number that is as declared."""

    number: str
    agent: str
    sid: str


@dataclass(frozen=True, slots=True)
class Ownership:
    """What the safety limits are measured against.

    `ours` counts the live numbers that are ours; `new_host` is the host of `public_url` when the plan
    moves numbers of ours there and none was there before; `nothing_declared` tells that no file declares
    any number, which is more often a mistake than meant.
    """

    ours: int = 0
    new_host: str | None = None
    nothing_declared: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All that differs between the declarations and the account, in the order of the numbers."""

    created_at: datetime
    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    unchanged: tuple[Unchanged, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    ownership: Ownership = Ownership()
    saved_as: str | None = None

    @property
    def plan_id(self) -> str:
        """16 hex digits over what the plan would do: the same plan has the same id, whenever it is made.

        What is left of a saved plan keeps the id under which it was saved.
        """
        if self.saved_as is not None:
            return self.saved_as
        content = [
            (
                (change.account, change.region, change.sid, change.action, change.cause),
                [(field.field, field.before, field.after) for field in change.fields],
                list(sealed(change.write).managed()),
                change.reach_before if change.moves else None,
            )
            for change in self.changes
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def count(self, action: Action) -> int:
        """Return how many changes have this action."""
        return Counter(change.action for change in self.changes)[action]
