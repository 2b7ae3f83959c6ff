"""What counts as drift, who is behind it, and what of it the files can take."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.errors import ApiRefusedError
from reconciler.api.monitor_events import who_changed
from reconciler.applying.report import key_of
from reconciler.drift.accepting import accept
from reconciler.drift.attribution import MonitorEvent, attributed
from reconciler.drift.drifted import Drift, drift_document, drift_of, fingerprint_of
from reconciler.planning.diff import diff
from reconciler.planning.make import Wishes, make_plan
from reconciler.planning.plan import Cause, Change, Plan
from schemas import load_fleet
from schemas.file_edits import diff_of
from tests.reconciler.fleets import ENVIRONMENT
from tests.reconciler.numbers import (
    FRONT_DESK,
    NOW,
    POLICY,
    SALES,
    MemoryAccount,
    applied,
    edited,
    live,
    wanted,
)

ELSEWHERE = "https://elsewhere.example/voice"
FLEET = f"""\
# The fleet.
kind: Service
name: test
public_url: https://agents.example
---
kind: Agent
name: front-desk
numbers:
  - {FRONT_DESK}   # the house line
instructions: Take reservations.
---
kind: Agent
name: sales
numbers: [{{number: "{SALES}", friendly_name: Sales}}]   # since May
instructions: Sell.
"""


def drifted(**values: str | bool) -> Change:
    """One number of ours with these fields changed by hand."""
    desired = wanted(friendly_name="Desk", caller_id_lookup=False)
    (change,) = diff([desired], [edited(applied(desired), **values)], POLICY, NOW).changes
    return change


def event(minutes_ago: int, actor: str = "US1", **updated: tuple[str, str]) -> MonitorEvent:
    return MonitorEvent(
        actor=actor,
        actor_type="user",
        at=NOW - timedelta(minutes=minutes_ago),
        source_ip="203.0.113.77",
        previous={field: before for field, (before, _) in updated.items()},
        updated={field: after for field, (_, after) in updated.items()},
    )


def test_only_drift_and_conflict_are_drift() -> None:
    intact = wanted(FRONT_DESK)
    pending = applied(wanted(SALES, "sales", friendly_name="Old"))
    desired = [intact, wanted(SALES, "sales", friendly_name="New"), wanted("+14155550125", "new")]
    new = live("+14155550125")
    plan = diff(desired, [edited(applied(intact), voice_url=ELSEWHERE), pending, new], POLICY, NOW)
    assert {change.cause for change in plan.changes} == {Cause.NEW, Cause.PENDING, Cause.DRIFT}
    assert [change.number for change in drift_of(plan).changes] == [FRONT_DESK]
    both = diff(desired, [applied(intact), edited(pending, voice_url=ELSEWHERE), new], POLICY, NOW)
    assert [change.cause for change in drift_of(both).changes] == [Cause.CONFLICT]


def test_an_ignored_field_does_not_count_and_another_still_does() -> None:
    plan = Plan(NOW, (drifted(friendly_name="X", voice_method="GET"),))
    (change,) = drift_of(plan, {"friendly_name"}).changes
    assert [field.field for field in change.fields] == ["voice_method"]
    assert not drift_of(plan, {"friendly_name", "voice_method"}).changes


@given(st.sampled_from(["Desk 2", "Desk 3"]), st.sampled_from(["Desk 2", "Desk 3"]))
def test_the_same_drift_has_the_same_fingerprint_and_other_drift_another(one: str, other: str) -> None:
    same = fingerprint_of(drifted(friendly_name=one)) == fingerprint_of(drifted(friendly_name=other))
    assert same is (one == other)


def test_the_author_is_whoever_touched_the_field_last() -> None:
    change = drifted(voice_url=ELSEWHERE, friendly_name="X")
    ours = f"{change.write.voice_url}"
    events = [
        event(30, "AC1", voice_url=("", ours)),
        event(20, "US1", voice_url=(ours, ELSEWHERE)),
        event(10, "US2", friendly_name=("Desk", "X")),
        event(5, "US3", sms_url=("", ELSEWHERE)),
    ]
    found = attributed(change, events)
    assert [author.actor for author in found] == ["US2", "US1"]
    assert found[1].previous == {"voice_url": "https://agents.example/voice/front-desk"}
    assert "tm=" not in str(found[1])


def test_without_properties_the_last_event_is_named() -> None:
    found = attributed(drifted(voice_url=ELSEWHERE), [event(20, "US1"), event(10, "US2")])
    assert [(author.actor, author.previous) for author in found] == [("US2", {})]
    assert attributed(drifted(voice_url=ELSEWHERE), []) == ()


def test_events_that_may_not_be_read_are_a_warning_and_are_asked_for_once() -> None:
    plan = Plan(NOW, tuple(drifted(voice_url=f"{ELSEWHERE}/{index}") for index in range(20)))
    asked: list[str] = []

    class Refused:
        async def events_of(self, sid: str) -> Sequence[MonitorEvent]:
            asked.append(sid)
            raise ApiRefusedError("account 'main': Twilio answered 403: Forbidden", status=403)

    who, failure = asyncio.run(who_changed(plan, lambda account, region: Refused()))
    assert not who
    assert len(asked) == 1
    drift = Drift(plan, who, failure)
    assert [item.code for item in drift.noted().diagnostics] == ["TM311"]
    assert drift.summary == "20 drifted"


def test_authors_stand_in_the_document_and_among_the_notes() -> None:
    change = drifted(voice_url=ELSEWHERE)
    authors = attributed(change, [event(10, voice_url=("https://agents.example/x", ELSEWHERE))])
    drift = Drift(Plan(NOW, (change,)), {key_of(change): authors})
    document = drift_document(drift)
    assert isinstance(document["changes"], list)
    (author,) = document["changes"][0]["who"]
    assert author["source_ip"] == "203.0.113.77"
    assert author["previous"] == {"voice_url": "https://agents.example/x"}
    (note,) = drift.noted().diagnostics
    assert note.code == "TM310"
    assert "203.0.113.77" in note.message


class Folder:
    """A folder with the fleet above, applied to an account that somebody then edits."""

    def __init__(self, path: Path, text: str = FLEET) -> None:
        self.path = path
        self.file = path / "fleet.yaml"
        self.file.write_text(text)
        sales = wanted(SALES, "sales", friendly_name="Sales")
        self.account = MemoryAccount.of(applied(wanted()), applied(sales))

    def plan(self) -> Plan:
        loaded = load_fleet(self.path, ENVIRONMENT)
        assert loaded.fleet is not None, loaded.diagnostics
        return asyncio.run(make_plan(loaded.fleet, Wishes(), self.account, NOW))

    def accept(self) -> list[tuple[str, str]]:
        """Accept the drift, write the files, and return what was left."""
        acceptance = accept(drift_of(self.plan()))
        for file in acceptance.files:
            file.write()
        return [(item.number, item.field) for item in acceptance.left]


def test_accepted_values_stand_in_the_file_and_the_plan_is_empty(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.account.edit(SALES, friendly_name='Sales: "north" #1')
    assert not folder.accept()
    assert folder.file.read_text() == FLEET.replace(
        "friendly_name: Sales", r'friendly_name: "Sales: \"north\" #1"'
    )
    assert not folder.plan().changes


def test_what_no_declaration_can_hold_is_left_and_said(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.account.edit(SALES, voice_url=ELSEWHERE, friendly_name="New name", trunk_sid="TK1")
    assert folder.accept() == [(SALES, "voice_url"), (SALES, "trunk_sid")]
    assert "friendly_name: New name" in folder.file.read_text()
    (change,) = folder.plan().changes
    assert {field.field for field in change.fields} == {"voice_url", "trunk_sid"}


def test_a_live_value_that_would_be_a_reference_is_not_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.account.edit(SALES, friendly_name="${env:TWILIO_AUTH_TOKEN}")
    assert folder.accept() == [(SALES, "friendly_name")]
    assert folder.file.read_text() == FLEET


def test_a_declared_reference_is_not_overwritten(tmp_path: Path) -> None:
    text = FLEET.replace("friendly_name: Sales", 'friendly_name: "${env:SALES_NAME:-Sales}"')
    folder = Folder(tmp_path, text)
    folder.account.edit(SALES, friendly_name="New name")
    acceptance = accept(drift_of(folder.plan()))
    assert diff_of(acceptance.files) == ""
    (left,) = acceptance.left
    assert "reference" in left.reason
    assert "fleet.yaml:14" in left.reason
