"""What people read."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from reconciler.applying.report import Failed, Outcome, Stale, Updated, key_of, report_of
from reconciler.output.progress import ApplyProgress
from reconciler.output.text import outcome_line, plan_text, report_text
from reconciler.output.wording import CAUSES, REASONS
from reconciler.planning.diff import diff
from reconciler.planning.plan import Cause, SkipReason
from tests.reconciler.numbers import BLANK, NOW, POLICY, SALES, applied, edited, live, wanted

OWNER = "https://hooks.agency.example/voice"


def test_a_plan_starts_with_its_summary_and_shows_only_what_changes() -> None:
    desired = [wanted(), wanted(SALES, "sales"), wanted("+14155550125", "night")]
    numbers = [
        live(stored=replace(BLANK, voice_url=OWNER)),
        edited(applied(wanted(SALES, "sales")), voice_method="GET"),
        live("+14155550125"),
    ]
    assert plan_text(diff(desired, numbers, POLICY, NOW)).plain == (
        "1 to adopt, 1 to update, 1 skipped\n"
        "\n"
        "~ +14155550124  sales  update: changed by hand since it was applied  agents.d/sales.yaml:9\n"
        "    voice_method  GET → POST\n"
        "\n"
        "+ +14155550125  night  adopt: not ours yet  agents.d/night.yaml:9\n"
        '    voice_url           "" → https://agents.example/voice/night\n'
        '    voice_fallback_url  "" → https://agents.example/voice/night/fallback\n'
        '    status_callback     "" → https://agents.example/voice/night/status\n'
        "    callers reach       nothing: the call fails → https://agents.example/voice/night\n"
        "\n"
        "! +14155550123  front-desk  skipped: somebody else's webhook, in use by"
        " https://hooks.agency.example/voice  agents.d/front-desk.yaml:9\n"
        "    to take it over: takeover: true, or --adopt +14155550123\n"
    )


def test_an_empty_plan_says_so_in_its_first_line() -> None:
    plan = diff([wanted()], [applied(wanted())], POLICY, NOW)
    assert plan_text(plan).plain == "Nothing to do: 1 unchanged\n"
    assert plan_text(diff([], [], POLICY, NOW)).plain == "Nothing to do: no number is declared\n"


def test_a_trunk_that_goes_away_is_told_as_what_callers_reach() -> None:
    plan = diff([wanted()], [edited(applied(wanted()), trunk_sid="TK1")], POLICY, NOW)
    assert "callers reach  trunk TK1 → https://agents.example/voice/front-desk" in plan_text(plan).plain


def test_what_somebody_typed_into_a_url_cannot_steer_the_terminal() -> None:
    number = edited(applied(wanted()), friendly_name="x", voice_url="https://x.example/\x1b[2J[bold]")
    text = plan_text(diff([wanted()], [number], POLICY, NOW))
    assert "\x1b" not in text.plain
    assert "[bold]" in text.plain


def test_a_report_says_what_became_of_each_number() -> None:
    numbers = ["+14155550100", "+14155550101", "+14155550102"]
    plan = diff([wanted(number) for number in numbers], [live(number) for number in numbers], POLICY, NOW)
    one, two, three = plan.changes
    outcomes: list[Outcome] = [Updated(one), Failed(two, "VoiceUrl is not valid", 21402, 400), Stale(three)]
    report = report_of(plan, {key_of(item.change): item for item in outcomes}, interrupted=False)
    assert report_text(report).plain == (
        "1 updated, 1 failed, 1 stale\n"
        "\n"
        "updated +14155550100 front-desk\n"
        "failed +14155550101 front-desk: VoiceUrl is not valid (21402)\n"
        "stale +14155550102 front-desk: changed since the plan was made, left as it is\n"
    )


def test_detached_numbers_are_called_so() -> None:
    plan = diff([], [applied(wanted())], replace(POLICY, prune=True), NOW)
    assert outcome_line(Updated(plan.changes[0])).plain == "detached +14155550123 front-desk"


def test_without_a_terminal_progress_is_one_plain_line_per_number() -> None:
    plan = diff([wanted()], [live()], POLICY, NOW)
    console = Console(record=True, force_terminal=False, soft_wrap=True)
    with console.capture() as captured, ApplyProgress(console, total=1) as progress:
        progress(Updated(plan.changes[0]))
    assert captured.get() == "updated +14155550123 front-desk\n"


def test_on_a_terminal_progress_counts_each_outcome() -> None:
    plan = diff([wanted()], [live()], POLICY, NOW)
    console = Console(force_terminal=True, width=100, color_system=None)
    with console.capture() as captured, ApplyProgress(console, total=2) as progress:
        progress(Updated(plan.changes[0]))
        progress(Failed(plan.changes[0], "no"))
    assert "1 updated, 1 failed" in captured.get()


def test_two_names_that_only_look_the_same_are_told_apart() -> None:
    desired = wanted(friendly_name="Café")
    before = edited(applied(desired), friendly_name="Cafe\u0301")
    text = plan_text(diff([desired], [before], POLICY, NOW)).plain
    assert r"'Cafe\u0301' → 'Caf\xe9'" in text
    before = edited(applied(desired), friendly_name="Café ")
    assert '"Café " → Café' in plan_text(diff([desired], [before], POLICY, NOW)).plain


def test_every_cause_and_every_reason_has_words() -> None:
    assert set(CAUSES) == set(Cause)
    assert set(REASONS) == set(SkipReason)


def test_what_shares_a_number_or_lies_in_another_region_is_told_apart() -> None:
    plan = diff([wanted(region="ie1")], [live(region="ie1")], POLICY, NOW)
    (phone,) = plan.changes
    sender = replace(phone, sid="XE1", region="us1")
    service = replace(phone, sid="MG1", region="us1")
    text = plan_text(replace(plan, changes=(phone, sender, service))).plain
    told = [line.split("  ")[0] for line in text.split("\n") if line.startswith("+ ")]
    number = "+ +14155550123"
    assert told == [f"{number} (ie1)", f"{number} (WhatsApp)", f"{number} (Messaging Service)"]
