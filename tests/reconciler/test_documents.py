"""The JSON documents, key by key: programs read them."""

from __future__ import annotations

import json
from dataclasses import replace

from reconciler.applying.report import Failed, NotAttempted, Outcome, Stale, Updated, key_of, report_of
from reconciler.output.documents import (
    plan_document,
    plan_error_document,
    report_document,
    report_error_document,
    to_json,
)
from reconciler.planning.diff import diff
from schemas import Diagnostic, Place
from tests.reconciler.numbers import FRONT_DESK, NOW, POLICY, PUBLIC_URL, SALES, applied, live, wanted

NUMBERS = [f"+1415555010{index}" for index in range(4)]
PLAN_KEYS = [
    "format_version", "tool_version", "plan_id", "created_at", "changes", "skipped", "unchanged",
    "diagnostics", "summary", "error",
]  # fmt: skip
LISTS = ["updated", "skipped", "failed", "stale", "unchanged", "not_attempted"]


def test_a_plan_has_every_key_and_a_change_shows_its_source() -> None:
    desired = [wanted(), wanted(SALES, "sales"), wanted("+14155550100", "night")]
    plan = diff(desired, [live(), applied(wanted(SALES, "sales"))], POLICY, NOW)
    document = json.loads(to_json(plan_document(plan)))
    assert list(document) == PLAN_KEYS
    assert document["format_version"] == "1.0"
    assert document["created_at"] == "2026-11-20T12:00:00+00:00"
    assert document["summary"] == {
        "adopt": 1, "update": 0, "reroute": 0, "detach": 0, "skipped": 1, "unchanged": 1,
    }  # fmt: skip
    (change,) = document["changes"]
    assert change == {
        "account": "main",
        "region": "us1",
        "resource": "incoming_phone_number",
        "sid": live().sid,
        "number": FRONT_DESK,
        "agent": "front-desk",
        "action": "adopt",
        "cause": "new",
        "fields": [
            {"field": "voice_url", "before": "", "after": f"{PUBLIC_URL}/voice/front-desk"},
            {"field": "voice_fallback_url", "before": "", "after": f"{PUBLIC_URL}/voice/front-desk/fallback"},
            {"field": "status_callback", "before": "", "after": f"{PUBLIC_URL}/voice/front-desk/status"},
        ],
        "source": {"file": "agents.d/front-desk.yaml", "line": 9, "column": 5},
    }
    (skipped,) = document["skipped"]
    assert skipped.keys() == {"number", "agent", "reason", "detail", "source"}
    assert skipped["reason"] == "no_matching_number"
    assert document["unchanged"] == [{"number": SALES, "agent": "sales", "sid": applied(wanted(SALES)).sid}]


def test_a_plan_that_could_not_be_made_is_the_same_document() -> None:
    diagnostic = Diagnostic("error", "TM020", "unknown key", Place("agents.d/x.yaml", 3, 1))
    document = plan_error_document("no", NOW, [diagnostic])
    assert list(document) == PLAN_KEYS
    assert document["error"] == "no"
    assert document["diagnostics"] == [
        {
            "severity": "error",
            "code": "TM020",
            "message": "unknown key",
            "file": "agents.d/x.yaml",
            "line": 3,
            "column": 1,
        }
    ]
    assert not any(document[name] for name in ("changes", "skipped", "unchanged"))


def test_a_report_has_every_list_and_a_failure_its_reason() -> None:
    plan = diff([wanted(number) for number in NUMBERS], [live(number) for number in NUMBERS], POLICY, NOW)
    one, two, three, four = plan.changes
    outcomes: list[Outcome] = [
        Updated(one),
        Failed(two, "VoiceUrl is not valid", 21402, 400, "https://…/21402"),
        Stale(three),
        NotAttempted(four),
    ]
    report = report_of(plan, {key_of(item.change): item for item in outcomes}, interrupted=True)
    document = json.loads(to_json(report_document(report)))
    assert set(LISTS) < set(document)
    assert document["plan_id"] == plan.plan_id
    assert document["error"] is None
    assert document["summary"] == {
        "updated": 1, "skipped": 0, "failed": 1, "stale": 1, "unchanged": 0, "not_attempted": 1,
    }  # fmt: skip
    assert [document[name][0]["action"] for name in ("updated", "failed", "stale", "not_attempted")] == [
        "adopt"
    ] * 4
    (failed,) = document["failed"]
    told = {name: failed[name] for name in ("code", "status", "message", "more_info")}
    assert told == {
        "code": 21402,
        "status": 400,
        "message": "VoiceUrl is not valid",
        "more_info": "https://…/21402",
    }


def test_a_run_that_could_not_happen_is_a_report_with_empty_lists() -> None:
    document = report_error_document("wrong credentials")
    assert document["error"] == "wrong credentials"
    assert all(document[name] == [] for name in LISTS)
    assert document["summary"] == dict.fromkeys(LISTS, 0)


def test_a_number_that_no_file_declares_has_an_empty_source() -> None:
    plan = diff([], [applied(wanted())], replace(POLICY, prune=True), NOW)
    document = json.loads(to_json(plan_document(plan)))
    assert document["changes"][0]["source"] == {}
    assert document["changes"][0]["action"] == "detach"
