"""The reconcile loop in virtual time: what it tells, what it heals, when it looks again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.errors import ApiUnavailableError
from reconciler.applying.report import Failed, Report, Updated
from reconciler.planning.diff import diff
from reconciler.planning.plan import Cause, Change, Plan, Skipped, SkipReason
from reconciler.resource.desired import desired_numbers
from reconciler.resource.live import LiveNumber
from reconciler.watch.decisions import JITTER, LONGEST_WAIT, Watch, failed, heals_in, judge, seconds_to_next
from reconciler.watch.loop import Watcher
from reconciler.watch.server import watch_app
from reconciler.watch.webhook import MOST_CHANGES, Webhook, WebhookError, message_about
from schemas import Fleet
from schemas.errors import TmError
from tests.reconciler.fleets import load
from tests.reconciler.numbers import FRONT_DESK, NOW, POLICY, SALES, applied, edited, wanted

FLEET = f"""\
kind: Service
name: test
public_url: https://agents.example
---
{{kind: Agent, name: front-desk, numbers: ["{FRONT_DESK}"], instructions: Take reservations., heal: true}}
---
{{kind: Agent, name: sales, numbers: ["{SALES}"], instructions: Sell.}}
"""
ELSEWHERE = "https://elsewhere.example/voice"


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return load(tmp_path / "agents.d", FLEET)


def as_applied(fleet: Fleet) -> list[LiveNumber]:
    return [applied(desired) for desired in desired_numbers(fleet)]


def plan_of(fleet: Fleet, live: Sequence[LiveNumber]) -> Plan:
    return diff(desired_numbers(fleet), live, POLICY, NOW)


@dataclass
class World:
    """Everything that a watcher reaches: checks are scripted, one entry each; the clock moves by pauses."""

    fleet: Fleet
    script: list[Sequence[LiveNumber] | TmError]
    webhook_errors: list[TmError] = field(default_factory=list)
    heal_error: TmError | None = None
    heal_comes_to: Callable[[Plan], Report] | None = None
    now: datetime = NOW
    said: list[str] = field(default_factory=list)
    told: list[list[str]] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def check(self) -> tuple[Fleet, Plan]:
        found = self.script.pop(0)
        if isinstance(found, TmError):
            raise found
        return self.fleet, plan_of(self.fleet, found)

    async def heal(self, fleet: Fleet, plan: Plan, stop: asyncio.Event) -> Report:
        if self.heal_error is not None:
            raise self.heal_error
        if self.heal_comes_to is not None:
            return self.heal_comes_to(plan)
        self.healed += [change.number for change in plan.changes]
        return Report(plan.plan_id, tuple(Updated(change) for change in plan.changes), (), ())

    async def tell(self, changes: Sequence[Change], now: datetime) -> None:
        if self.webhook_errors:
            raise self.webhook_errors.pop(0)
        self.told.append([change.number for change in changes])

    async def pause(self, stop: asyncio.Event, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)
        if not self.script:
            stop.set()

    def watched(self) -> Watcher:
        """Run every check of the script."""
        watcher = Watcher(
            interval=300,
            check=self.check,
            heal=self.heal,
            say=self.said.append,
            tell=self.tell,
            clock=lambda: self.now,
            jitter=lambda: 0.5,
            pause=self.pause,
        )
        asyncio.run(watcher.run(asyncio.Event()))
        return watcher


def test_drift_is_told_once_and_again_when_it_comes_back(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    drifted = [front_desk, edited(sales, voice_url=ELSEWHERE)]
    intact = [front_desk, sales]
    world = World(fleet, [drifted, drifted, intact, drifted])
    metrics = world.watched().metrics
    assert world.told == [[SALES], [SALES]]
    assert (metrics.checks, metrics.announced, metrics.drift) == (4, 2, 1)
    assert len([line for line in world.said if SALES in line]) == 2


def test_other_drift_of_the_same_number_is_told_too(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    first = [front_desk, edited(sales, voice_url=ELSEWHERE)]
    second = [front_desk, edited(sales, voice_url=f"{ELSEWHERE}/2")]
    world = World(fleet, [first, second])
    world.watched()
    assert world.told == [[SALES], [SALES]]


def test_only_agents_that_ask_for_it_are_healed(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    drifted = [edited(front_desk, voice_url=ELSEWHERE), edited(sales, voice_url=ELSEWHERE)]
    world = World(fleet, [drifted, [front_desk, sales]])
    metrics = world.watched().metrics
    assert world.healed == [FRONT_DESK]
    assert metrics.healed == 1
    assert metrics.drift == 0


def test_a_conflict_is_told_and_never_healed(fleet: Fleet) -> None:
    _, sales = as_applied(fleet)
    before = applied(wanted(FRONT_DESK, "front-desk", friendly_name="Old name"))
    world = World(fleet, [[edited(before, voice_url=ELSEWHERE), sales]])
    metrics = world.watched().metrics
    assert world.told == [[FRONT_DESK]]
    assert not world.healed
    assert metrics.conflicts == 1


def test_what_is_pending_new_or_released_is_neither_told_nor_healed(fleet: Fleet) -> None:
    pending = applied(wanted(FRONT_DESK, "front-desk", friendly_name="Old name", fallback_url=ELSEWHERE))
    world = World(fleet, [[pending], []])
    metrics = world.watched().metrics
    assert not world.told
    assert not world.healed
    assert metrics.drift == 0


def test_a_number_that_vanished_is_said_once_as_long_as_it_is_gone(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    both, one = [front_desk, sales], [front_desk]
    world = World(fleet, [both, one, one, both, one])
    world.watched()
    assert len([line for line in world.said if line.startswith(f"missing {SALES} sales")]) == 2


def test_healing_stays_within_the_safety_limits(tmp_path: Path) -> None:
    numbers = [f"+1415555{index:04}" for index in range(4)]
    text = f"{{kind: Agent, name: front-desk, numbers: {numbers}, instructions: x, heal: true}}\n"
    fleet = load(tmp_path / "agents.d", f"{FLEET.split('---')[0]}---\n{text}")
    drifted = [edited(number, voice_url=ELSEWHERE) for number in as_applied(fleet)]
    world = World(fleet, [drifted, drifted[:3]])
    world.watched()
    assert world.healed == numbers[:3]
    assert any("safety limit" in line for line in world.said)


def test_failed_checks_back_off_and_neither_tell_nor_heal_anything(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    drifted = [front_desk, edited(sales, voice_url=ELSEWHERE)]
    down = ApiUnavailableError("account 'main': cannot be reached")
    world = World(fleet, [drifted, down, down, down, drifted])
    metrics = world.watched().metrics
    assert world.pauses == [300, 600, 1200, 2400, 300]
    assert world.told == [[SALES]]
    assert not world.healed
    assert (metrics.checks, metrics.failures, metrics.drift) == (2, 3, 1)


def test_what_the_webhook_did_not_take_is_told_to_it_at_the_next_check(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    drifted = [front_desk, edited(sales, voice_url=ELSEWHERE)]
    world = World(
        fleet, [drifted, drifted, drifted], webhook_errors=[WebhookError("the webhook answered 500")]
    )
    metrics = world.watched().metrics
    assert world.told == [[SALES]]
    assert metrics.undelivered == 1


def test_a_heal_that_is_locked_out_is_said_and_tried_again(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    drifted = [edited(front_desk, voice_url=ELSEWHERE), sales]
    world = World(fleet, [drifted], heal_error=TmError("another run is writing to account AC0"))
    metrics = world.watched().metrics
    assert metrics.not_healed == 1
    assert any("another run is writing" in line for line in world.said)
    world.script, world.heal_error = [drifted], None
    world.watched()
    assert world.healed == [FRONT_DESK]


def test_what_cannot_be_healed_is_said_once_as_long_as_it_lasts(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    drifted = [edited(front_desk, voice_url=ELSEWHERE), sales]
    otherwise = [edited(front_desk, voice_url=f"{ELSEWHERE}/2"), sales]
    intact = [front_desk, sales]
    script = [drifted, drifted, otherwise, otherwise, intact, drifted]
    world = World(fleet, [*script], heal_error=TmError("another run is writing to account AC0"))
    metrics = world.watched().metrics
    assert len([line for line in world.said if line.startswith("not healed")]) == 3
    assert metrics.not_healed == 5


def test_a_number_that_fails_or_would_not_be_answered_is_said_once_and_counted_each_time(
    fleet: Fleet,
) -> None:
    front_desk, sales = as_applied(fleet)
    drifted = [edited(front_desk, voice_url=ELSEWHERE), sales]
    world = World(fleet, [drifted] * 4)
    messages = ["busy at 1:00", "busy at 2:00"]

    def outcome(plan: Plan) -> Report:
        (change,) = plan.changes
        if messages:
            return Report(plan.plan_id, (Failed(change, messages.pop(0), 20500),), (), ())
        assert change.place is not None
        skipped = Skipped(FRONT_DESK, "front-desk", SkipReason.PREFLIGHT_FAILED, "404", change.place)
        return Report(plan.plan_id, (), (skipped,), ())

    world.heal_comes_to = outcome
    metrics = world.watched().metrics
    said = [line for line in world.said if line.startswith("not healed")]
    assert [line.partition(": ")[2].split(";")[0] for line in said] == [
        "busy at 1:00",
        "would not be answered, 404",
    ]
    assert metrics.not_healed == 4


def test_a_stop_abandons_a_check_that_hangs(fleet: Fleet) -> None:
    async def hang() -> tuple[Fleet, Plan]:
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> None:
        world = World(fleet, [])
        stop = asyncio.Event()
        watcher = Watcher(interval=300, check=hang, heal=world.heal, say=world.said.append)
        running = asyncio.create_task(watcher.run(stop))
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(running, 5)
        assert watcher.metrics.checks == 0

    asyncio.run(run())


def test_the_agents_word_counts_before_the_services(tmp_path: Path) -> None:
    text = FLEET.replace("public_url:", "heal: true\npublic_url:").replace("heal: true}", "heal: false}")
    heals = heals_in(load(tmp_path / "agents.d", text))
    assert not heals("front-desk")
    assert heals("sales")
    assert not heals("nobody")


@given(st.integers(0, 60), st.floats(1, 10_000), st.floats(0, 1))
def test_waits_are_jittered_and_bounded(failures: int, interval: float, chance: float) -> None:
    seconds = seconds_to_next(Watch(failures=failures), interval, chance)
    assert interval * (1 - JITTER) * 0.999 <= seconds
    assert seconds <= max(interval, LONGEST_WAIT) * (1 + JITTER) * 1.001


@given(st.lists(st.sets(st.sampled_from("abc")) | st.none(), max_size=8))
def test_each_drift_is_announced_once_as_long_as_it_lasts(checks: list[set[str] | None]) -> None:
    """None is a check that failed: it neither announces nor forgets."""
    watch, present = Watch(), set[str]()
    for found in checks:
        if found is None:
            watch = failed(watch)
            continue
        watch, findings = judge(watch, drifting(found), lambda agent: True)
        assert {change.number for change in findings.news} == found - present
        assert findings.gone == len(present - found)
        present = found


def drifting(names: set[str]) -> Plan:
    """A plan in which numbers of these names drifted."""
    number = applied(wanted())
    (change,) = diff([wanted()], [edited(number, voice_url=ELSEWHERE)], POLICY, NOW).changes
    assert change.cause is Cause.DRIFT
    return Plan(NOW, tuple(replace_number(change, name) for name in sorted(names)))


def replace_number(change: Change, name: str) -> Change:
    return replace(change, number=name, sid=f"PN{name}")


def answering(*answers: int | Exception) -> tuple[Callable[[httpx2.Request], httpx2.Response], list[bytes]]:
    """A webhook that gives these answers in turn, and what it was sent."""
    waiting, received = list(answers), list[bytes]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        received.append(request.content)
        given_now = waiting.pop(0)
        if isinstance(given_now, Exception):
            raise given_now
        return httpx2.Response(given_now)

    return answer, received


def tell(*answers: int | Exception) -> int:
    """Tell a webhook with these answers; return how often it was asked."""
    answer, received = answering(*answers)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def run() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
            webhook = Webhook("https://chat.example/hooks/s3cr3t", client, sleep, lambda: 1.0)
            await webhook.tell(drifting({"a"}).changes, NOW)

    asyncio.run(run())
    assert len(slept) == len(received) - 1
    return len(received)


def test_a_webhook_is_asked_again_after_a_fault_of_its_own() -> None:
    assert tell(503, httpx2.ConnectError("no"), 204) == 3


@pytest.mark.parametrize("answers", [(404,), (500, 500, 500), (httpx2.ReadTimeout("slow"),) * 3])
def test_a_webhook_that_takes_nothing_is_given_up_without_naming_its_url(
    answers: Sequence[int | Exception],
) -> None:
    with pytest.raises(WebhookError, match=r"chat\.example") as raised:
        tell(*answers)
    assert "s3cr3t" not in str(raised.value)


def test_a_message_has_a_bounded_size_and_the_full_count() -> None:
    changes = drifting({"a"}).changes * 1000
    message = message_about(changes, NOW)
    assert message["count"] == 1000
    assert isinstance(message["changes"], list)
    assert len(message["changes"]) == MOST_CHANGES
    assert "990 more" in str(message["text"])


def test_health_and_metrics_tell_how_the_loop_is_doing(fleet: Fleet) -> None:
    front_desk, sales = as_applied(fleet)
    down = ApiUnavailableError("cannot be reached")
    world = World(fleet, [[front_desk, edited(sales, voice_url=ELSEWHERE)], down])
    watcher = world.watched()

    async def run() -> None:
        transport = httpx2.ASGITransport(watch_app(watcher))
        async with httpx2.AsyncClient(transport=transport, base_url="http://watch") as client:
            metrics = (await client.get("/metrics")).text
            assert "\ntm_reconcile_drift 1\n" in metrics
            assert "\ntm_reconcile_check_failures_total 1\n" in metrics
            health = await client.get("/healthz")
            assert (health.status_code, health.json()["status"]) == (200, "failing")
            world.now += timedelta(hours=2)
            assert (await client.get("/healthz")).status_code == 503

    asyncio.run(run())
