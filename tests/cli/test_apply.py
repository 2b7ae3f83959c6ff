"""`tm apply`: what is asked, what is refused, and what the exit code says."""

from __future__ import annotations

import io
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from reconciler import runs
from reconciler.planning.plan import Plan
from schemas.places import Diagnostic
from tests.cli.wire_world import WireWorld, wire_world
from tests.reconciler.fleets import FLEET
from tests.reconciler.numbers import FRONT_DESK, SALES
from tests.reconciler.wire import ACCOUNT_SID, TOKEN, error_body, record


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> WireWorld:
    return wire_world(tmp_path, monkeypatch, capsys, [record(FRONT_DESK), record(SALES)])


def test_apply_then_plan_is_empty_and_a_second_apply_writes_nothing(world: WireWorld) -> None:
    first = world.tm("apply", "--yes", "--format", "json")
    assert first.code == 0
    assert [item["number"] for item in first.json()["updated"]] == [FRONT_DESK, SALES]
    assert len(world.account.writes) == 2
    assert world.tm("plan", "--exit-code").code == 0
    again = world.tm("apply", "--yes", "--format", "json")
    assert (again.code, len(again.json()["unchanged"])) == (0, 2)
    assert len(world.account.writes) == 2


def test_progress_goes_to_stderr_one_line_per_number(world: WireWorld) -> None:
    done = world.tm("apply", "--yes")
    assert sorted(done.err.splitlines()) == [f"updated {FRONT_DESK} front-desk", f"updated {SALES} sales"]
    assert done.out.startswith("2 updated\n")


def test_without_a_terminal_it_asks_for_yes_and_reads_nothing(world: WireWorld) -> None:
    done = world.tm("apply", "--format", "json")
    assert done.code == 1
    assert "--yes" in done.err
    assert done.json()["error"]
    assert not world.account.requests


def test_a_failing_number_exits_with_3_and_the_others_are_written(world: WireWorld) -> None:
    healthy = world.account.answer
    refusing = httpx2.Response(400, text=error_body(400, 21402, "VoiceUrl is not valid"))

    def handler(request: httpx2.Request) -> httpx2.Response:
        fails = request.method == "POST" and str(world.account.records[0]["sid"]) in request.url.path
        return refusing if fails else healthy(request)

    world.account.handler = handler
    done = world.tm("apply", "--yes", "--format", "json")
    assert done.code == 3
    (failed,) = done.json()["failed"]
    assert (failed["number"], failed["code"], failed["status"]) == (FRONT_DESK, 21402, 400)
    assert [item["number"] for item in done.json()["updated"]] == [SALES]


def test_a_saved_plan_is_applied_without_asking_and_finds_nothing_left_afterwards(world: WireWorld) -> None:
    assert world.tm("plan", "--out", "plan.json").code == 0
    assert len(world.tm("apply", "plan.json", "--format", "json").json()["updated"]) == 2
    again = world.tm("apply", "plan.json", "--format", "json")
    assert (again.code, len(again.json()["unchanged"])) == (0, 2)
    assert len(world.account.writes) == 2


def test_a_number_that_changed_since_the_saved_plan_is_stale_and_the_others_go_on(world: WireWorld) -> None:
    world.tm("plan", "--out", "plan.json")
    world.account.records[0]["voice_url"] = "https://hooks.agency.example/"
    done = world.tm("apply", "plan.json", "--format", "json")
    assert done.code == 4
    assert [item["number"] for item in done.json()["stale"]] == [FRONT_DESK]
    assert [item["number"] for item in done.json()["updated"]] == [SALES]
    assert world.account.records[0]["voice_url"] == "https://hooks.agency.example/"


def test_a_saved_plan_of_other_declarations_is_refused_whole(world: WireWorld) -> None:
    world.tm("plan", "--out", "plan.json")
    world.declare(FLEET.replace("Sell.", "Sell more."))
    done = world.tm("apply", "plan.json", "--format", "json")
    assert done.code == 4
    assert "declarations" in done.json()["error"]
    assert done.json()["updated"] == []
    assert not world.account.writes


def test_wishes_belong_to_the_plan_not_to_its_application(world: WireWorld) -> None:
    world.tm("plan", "--out", "plan.json")
    done = world.tm("apply", "plan.json", "--prune")
    assert done.code == 1
    assert "tm plan" in done.err


def test_a_new_host_is_refused_with_5_until_exactly_that_is_allowed(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    written = len(world.account.writes)
    world.declare(FLEET.replace("https://agents.example", "https://new.example"))
    done = world.tm("apply", "--yes", "--format", "json")
    assert done.code == 5
    assert "--allow hosts=1" in done.err
    assert done.json()["updated"] == []
    assert world.tm("apply", "--yes", "--allow", "hosts=2").code == 5
    assert len(world.account.writes) == written
    assert world.tm("apply", "--yes", "--allow", "hosts=1").code == 0


@pytest.mark.parametrize("allowance", ["everything", "updates", "updates=many", "adopts=1"])
def test_an_allowance_that_means_nothing_is_a_usage_error(world: WireWorld, allowance: str) -> None:
    done = world.tm("apply", "--yes", "--allow", allowance)
    assert done.code == 1
    assert "updates=N" in done.err
    assert not world.account.requests


def test_pruning_detaches_what_no_file_declares(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    world.declare("---".join(FLEET.split("---")[:2]))
    done = world.tm("apply", "--yes", "--prune", "--format", "json")
    assert [(item["number"], item["action"]) for item in done.json()["updated"]] == [(SALES, "detach")]
    assert world.account.records[1]["voice_url"] == ""


def test_the_journal_of_the_run_holds_no_secret(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    (journal,) = (world.folder / "state" / "journal").glob("*.jsonl")
    run, *lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert (run["event"], run["accounts"]) == ("run", {"main": ACCOUNT_SID})
    assert len(lines) == 4
    assert TOKEN not in journal.read_text()


def test_an_interrupt_ends_with_the_report(world: WireWorld) -> None:
    healthy = world.account.answer

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            signal.raise_signal(signal.SIGINT)
        return healthy(request)

    world.account.handler = handler
    done = world.tm("apply", "--yes", "--format", "json", "--max-concurrency", "1")
    assert done.code == 130
    report = done.json()
    assert [item["number"] for item in report["updated"]] == [FRONT_DESK]
    assert [item["number"] for item in report["not_attempted"]] == [SALES]


def test_a_second_interrupt_ends_at_once_and_is_still_one_document(world: WireWorld) -> None:
    interrupts = iter([signal.SIGINT, signal.SIGINT])

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            for interrupt in interrupts:
                signal.raise_signal(interrupt)
        return world.account.answer(request)

    world.account.handler = handler
    done = world.tm("apply", "--yes", "--format", "json")
    assert done.code == 130
    assert "interrupted" in done.json()["error"]


def test_limits_hold_for_saved_plans_too(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    world.declare(FLEET.replace("https://agents.example", "https://new.example"))
    world.tm("plan", "--out", "plan.json")
    assert world.tm("apply", "plan.json").code == 5
    assert world.tm("apply", "plan.json", "--allow", "hosts=1").code == 0
    assert world.tm("apply", "plan.json").code == 0, (
        "applied again it finds nothing left, and nothing to refuse"
    )


def test_an_emptied_folder_blanks_no_fleet_by_mistake(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    world.declare("kind: Service\nname: s\npublic_url: https://agents.example\n")
    writes = len(world.account.writes)
    refused = world.tm("apply", "--yes", "--prune")
    assert (refused.code, len(world.account.writes)) == (5, writes)
    assert "--allow detaches=2" in refused.err
    assert world.tm("apply", "--yes", "--prune", "--allow", "detaches=2").code == 0


def test_only_what_a_former_run_left_undone_is_applied(world: WireWorld) -> None:
    healthy = world.account.answer
    refusing = httpx2.Response(400, text=error_body(400, 21402, "VoiceUrl is not valid"))

    def handler(request: httpx2.Request) -> httpx2.Response:
        return refusing if request.method == "POST" else healthy(request)

    world.account.handler = handler
    failed = world.tm("apply", "--yes", "--fail-fast", "--max-concurrency", "1", "--format", "json")
    assert (failed.code, failed.json()["summary"]["not_attempted"]) == (3, 1)
    (world.folder / "report.json").write_text(failed.out)

    world.account.handler = healthy
    world.account.records.append(record("+14155550125"))
    world.declare(FLEET + '---\nkind: Agent\nname: new\nnumbers: ["+14155550125"]\ninstructions: Sell.\n')
    done = world.tm("apply", "--yes", "--only-failed", "report.json", "--format", "json")
    assert [item["number"] for item in done.json()["updated"]] == [FRONT_DESK, SALES]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"failed": []}', '{"failed": 1, "stale": [], "not_attempted": []}']
)
def test_a_file_that_is_no_report_is_named(world: WireWorld, text: str) -> None:
    (world.folder / "report.json").write_text(text)
    done = world.tm("apply", "--yes", "--only-failed", "report.json", "--format", "json")
    assert done.code == 1
    assert "report.json is not a report" in done.json()["error"]
    assert not world.account.writes


def test_numbers_of_another_account_than_the_declared_one_refuse_the_run(world: WireWorld) -> None:
    other = "AC" + "9" * 32
    world.account.records[1]["account_sid"] = other
    done = world.tm("apply", "--yes", "--format", "json")
    assert done.code == 5
    assert other in done.json()["error"]
    assert ACCOUNT_SID in done.json()["error"]
    assert not world.account.writes


def test_an_emptied_folder_detaches_only_with_prune_and_within_the_limits(
    world: WireWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [f"+1415555{index:04}" for index in range(1000, 1004)]
    world.account.records.extend(map(record, numbers))
    world.declare(f"{FLEET}---\nkind: Agent\nname: many\nnumbers: {numbers}\ninstructions: Sell.\n")
    world.tm("apply", "--yes")
    written = len(world.account.writes)
    (world.folder / "agents.d" / "fleet.yaml").unlink()
    monkeypatch.setenv("TM_PUBLIC_URL", "https://agents.example")
    assert world.tm("apply", "--yes").code == 0
    refused = world.tm("apply", "--yes", "--prune")
    assert (refused.code, "--allow detaches=6" in refused.err) == (5, True)
    assert world.tm("apply", "--yes", "--prune", "--allow", "detaches=5").code == 5
    assert len(world.account.writes) == written
    assert world.tm("apply", "--yes", "--prune", "--allow", "detaches=6").code == 0
    assert [one["voice_url"] for one in world.account.records] == [""] * 6


class Terminal(io.StringIO):
    """A keyboard with somebody at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code", "writes"), [("y\n", 0, 2), ("n\n", 1, 0), ("", 130, 0)])
def test_on_a_terminal_the_plan_is_shown_and_asked_for(
    world: WireWorld, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, writes: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    done = world.tm("apply", "--format", "json")
    assert done.code == code
    assert "2 to adopt" in done.err
    assert "Apply this plan?" in done.err
    assert len(done.json()["updated"]) == len(world.account.writes) == writes


def test_nothing_to_do_asks_nothing(world: WireWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.tm("apply", "--yes")
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert world.tm("apply").code == 0


def test_an_empty_folder_plans_and_applies_to_nothing(
    world: WireWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.folder / "agents.d" / "fleet.yaml").unlink()
    monkeypatch.setenv("TM_PUBLIC_URL", "https://agents.example")
    assert world.tm("plan", "--exit-code").code == 0
    assert world.tm("apply", "--yes").out == "nothing to do\n"
    assert not world.account.writes


def test_warnings_of_the_plan_are_told_on_stderr(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    world.declare("---".join(FLEET.split("---")[:2]))
    done = world.tm("apply", "--yes", "--format", "json")
    assert f"TM302 {SALES} still points to agent 'sales'" in done.err
    assert done.json()["summary"]["unchanged"] == 1


def test_what_the_checks_found_worth_knowing_is_in_the_report(
    world: WireWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_trial(plan: Plan, *_: object) -> Plan:
        note = Diagnostic("warning", "TM304", "account main: only verified callers", None)
        return replace(plan, diagnostics=(*plan.diagnostics, note))

    monkeypatch.setattr(runs, "checked_plan", on_trial)
    (told,) = world.tm("apply", "--yes", "--format", "json").json()["diagnostics"]
    assert told["code"] == "TM304"
    assert "warning: TM304 account main" in world.tm("apply", "--yes").out
    assert "::warning title=TM304::" in world.tm("apply", "--yes", "--format", "github").out
    assert "`TM304`" in world.tm("apply", "--yes", "--format", "markdown").out
