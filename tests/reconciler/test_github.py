"""Workflow commands: one line each, at the right place, whatever the texts hold."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.applying.report import Failed, Outcome, Stale, Updated, key_of, report_of
from reconciler.output.annotation import Annotation
from reconciler.output.github import error_annotations, plan_annotations, report_annotations
from reconciler.planning.diff import diff
from schemas.errors import TmError
from schemas.places import Diagnostic, Place
from tests.reconciler.numbers import BLANK, NOW, POLICY, SALES, applied, edited, live, wanted


def decoded(command: str) -> tuple[str, dict[str, str], str]:
    """Read a command as GitHub's runner does: severity, properties, message."""
    head, _, message = command.removeprefix("::").partition("::")
    severity, _, listed = head.partition(" ")
    pairs = dict(pair.split("=", 1) for pair in listed.split(","))
    return severity, {name: _unescaped(value) for name, value in pairs.items()}, _unescaped(message)


def _unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


@settings(deadline=None)
@given(st.text(), st.text(), st.text(min_size=1))
@example("::error::x", "a,line=1::b", "x%0A::set-env name=PATH::y\r\n::stop-commands::x")
def test_a_command_is_one_line_and_says_what_it_was_given(message: str, title: str, file: str) -> None:
    command = Annotation("warning", title, message, Place(file, 3, 5)).command()
    assert "\n" not in command
    assert "\r" not in command
    properties = {"file": file, "line": "3", "col": "5", "title": title}
    assert decoded(command) == ("warning", properties, message)


def test_drift_is_a_warning_and_a_pending_change_a_notice_at_its_line() -> None:
    drifted, renamed = wanted(), wanted(SALES, "sales", friendly_name="Sales")
    numbers = [edited(applied(drifted), voice_method="GET"), applied(wanted(SALES, "sales"))]
    lines = plan_annotations(diff([drifted, renamed], numbers, POLICY, NOW)).splitlines()
    warning, notice = map(decoded, lines)
    assert warning[0] == "warning"
    assert warning[1] == {
        "file": "agents.d/front-desk.yaml",
        "line": "9",
        "col": "5",
        "title": "update +14155550123",
    }
    assert warning[2] == "changed by hand since it was applied\nvoice_method: GET → POST"
    assert (notice[0], notice[1]["file"]) == ("notice", "agents.d/sales.yaml")


def test_a_skipped_number_is_a_warning_that_says_how_to_take_it_over() -> None:
    taken = live(stored=replace(BLANK, voice_url="https://hooks.agency.example/voice"))
    severity, _, message = decoded(plan_annotations(diff([wanted()], [taken], POLICY, NOW)))
    assert severity == "warning"
    assert message.endswith("--adopt +14155550123")


def test_a_report_annotates_what_went_wrong_only_and_failures_first() -> None:
    numbers = ["+14155550100", "+14155550101", "+14155550102"]
    plan = diff([wanted(number) for number in numbers], [live(number) for number in numbers], POLICY, NOW)
    one, two, three = plan.changes
    outcomes: list[Outcome] = [Stale(one), Updated(two), Failed(three, "VoiceUrl is not valid", 21402, 400)]
    report = report_of(plan, {key_of(item.change): item for item in outcomes}, interrupted=False)
    failed, stale = map(decoded, report_annotations(report).splitlines())
    assert (failed[0], failed[1]["title"]) == ("error", "failed +14155550102")
    assert failed[2] == "VoiceUrl is not valid (21402)"
    assert (stale[0], stale[1]["title"]) == ("warning", "stale +14155550100")


def test_a_run_that_could_not_happen_is_one_error_with_every_finding() -> None:
    found = Diagnostic("error", "TM020", 'unknown key "greting"', Place("agents.d/a.yaml", 4, 1))
    lines = error_annotations(TmError("1 error", hint="mend it"), [found]).splitlines()
    assert [decoded(line)[2] for line in lines] == ["1 error\nmend it", 'unknown key "greting"']
