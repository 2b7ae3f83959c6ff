"""From files and accounts to a plan: what is read, and what is refused before anything is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from reconciler.api.connections import Connections, credentials_for
from reconciler.api.errors import ApiUnauthorizedError
from reconciler.planning.make import Wishes, make_plan
from reconciler.planning.plan import Plan
from reconciler.planning.reading import ROUTES_AT_ONCE
from schemas import TmError
from tests.reconciler.fleets import ENVIRONMENT, FLEET, load
from tests.reconciler.numbers import FRONT_DESK, NOW, SALES, MemoryAccount, live
from tests.reconciler.wire import ACCOUNT_SID, TOKEN, WireAccount, error_body, record, sender

OTHER_SID = "AC" + "1" * 32
TWO_REGIONS = f"""\
kind: Service
name: test
public_url: https://agents.example
---
kind: Account
name: main
account_sid: {ACCOUNT_SID}
auth_token: us-token
regions:
  ie1: {{auth_token: irish-token}}
---
kind: Account
name: spare
account_sid: {OTHER_SID}
api_key: SK1
api_secret: spare-secret
region: ie1
---
kind: Agent
name: front-desk
account: main
numbers: ["{FRONT_DESK}", {{number: "{SALES}", region: ie1}}]
instructions: Take reservations.
"""


def plan_of(
    folder: Path,
    wire: WireAccount,
    wishes: Wishes | None = None,
    text: str = FLEET,
    environ: Mapping[str, str] = ENVIRONMENT,
) -> Plan:
    fleet = load(folder, text, environ)

    async def run() -> Plan:
        async with Connections(fleet, transport=wire.transport()) as connections:
            return await make_plan(fleet, wishes or Wishes(), connections.reader, NOW)

    return asyncio.run(run())


def test_a_plan_reads_one_page_and_writes_nothing(tmp_path: Path) -> None:
    wire = WireAccount([record(FRONT_DESK), record(SALES)])
    plan = plan_of(tmp_path, wire)
    assert [change.number for change in plan.changes] == [FRONT_DESK, SALES]
    assert [request.method for request in wire.requests] == ["GET"]
    (change, _) = plan.changes
    assert change.place is not None
    assert (change.place.file, change.place.line) == (str(tmp_path / "fleet.yaml"), 7)


def test_each_region_that_answers_a_declared_number_is_read_once(tmp_path: Path) -> None:
    wire = WireAccount([record(FRONT_DESK), record(SALES)])
    plan = plan_of(tmp_path, wire, text=TWO_REGIONS, environ={})
    hosts = [request.url.host for request in wire.requests if "IncomingPhoneNumbers" in request.url.path]
    assert sorted(hosts) == ["api.dublin.ie1.twilio.com", "api.twilio.com"]
    assert [(change.number, change.region) for change in plan.changes] == [
        (FRONT_DESK, "us1"),
        (SALES, "ie1"),
    ]


def asked_routes(wire: WireAccount) -> list[str]:
    """The hosts and numbers that routes were asked for."""
    return sorted(
        f"{request.url.host} {request.url.path.rpartition('/')[2]}"
        for request in wire.requests
        if request.url.host.startswith("routes.")
    )


def test_where_calls_are_routed_is_asked_for_numbers_outside_of_us1(tmp_path: Path) -> None:
    wire = WireAccount([record(FRONT_DESK), record(SALES)])
    plan = plan_of(tmp_path, wire, text=TWO_REGIONS, environ={})
    assert asked_routes(wire) == [f"routes.dublin.ie1.twilio.com {SALES}"]
    moves = {change.number: (change.now.voice_region, change.write.voice_region) for change in plan.changes}
    assert moves == {FRONT_DESK: (None, None), SALES: ("us1", "ie1")}


def test_a_record_of_ours_abroad_has_the_route_asked_for_a_number_of_us1(tmp_path: Path) -> None:
    marked = "https://agents.example/voice/front-desk?tm=0400000000aa"
    wire = WireAccount([record(FRONT_DESK, voice_url=marked)], routes={FRONT_DESK: "ie1"})
    plan = plan_of(tmp_path, wire, text=TWO_REGIONS, environ={})
    assert asked_routes(wire) == [f"routes.twilio.com {FRONT_DESK}"]
    (change,) = plan.changes
    assert (change.action, change.now.voice_region, change.write.voice_region) == ("reroute", "ie1", "us1")


def test_every_route_is_asked_for_on_demand(tmp_path: Path) -> None:
    wire = WireAccount([record(FRONT_DESK), record(SALES)], routes={SALES: "au1"})
    plan = plan_of(tmp_path, wire, Wishes(check_routing=True))
    assert asked_routes(wire) == [f"routes.twilio.com {number}" for number in (FRONT_DESK, SALES)]
    assert [change.number for change in plan.changes] == [FRONT_DESK]
    (skipped,) = plan.skipped
    assert "au1" in skipped.detail


def test_routes_are_asked_for_a_few_at_a_time(tmp_path: Path) -> None:
    numbers = [f"+1415555{index:04}" for index in range(40)]
    fleet = load(tmp_path, FLEET.replace('"+14155550123"', ", ".join(f'"{number}"' for number in numbers)))

    @dataclass
    class Counting(MemoryAccount):
        flying: int = 0
        most: int = 0

        def __call__(self, account: str, region: str) -> Counting:
            return self

        async def route(self, number: str) -> str:
            self.flying += 1
            self.most = max(self.most, self.flying)
            await asyncio.sleep(0)
            self.flying -= 1
            return await super().route(number)

    account = Counting.of(*(live(number) for number in numbers))
    plan = asyncio.run(make_plan(fleet, Wishes(check_routing=True), account, NOW))
    assert len(plan.changes) == 40
    assert account.most == ROUTES_AT_ONCE


def test_messaging_is_only_read_where_an_agent_has_messages(tmp_path: Path) -> None:
    wire = WireAccount([record(FRONT_DESK)], senders=[sender(FRONT_DESK)])
    plan_of(tmp_path / "without", wire)
    assert not [request for request in wire.requests if request.url.host.startswith("messaging.")]
    text = FLEET.replace("instructions: Sell.", f'instructions: Sell.\nwhatsapp: {{sender: "{FRONT_DESK}"}}')
    plan = plan_of(tmp_path / "with", wire, text=text)
    assert [change.resource for change in plan.changes] == ["incoming_phone_number", "whatsapp_sender"]


def test_pruning_looks_into_every_account(tmp_path: Path) -> None:
    wire = WireAccount()
    plan_of(tmp_path, wire, Wishes(prune=True), TWO_REGIONS, {})
    assert any(OTHER_SID in request.url.path for request in wire.requests)


def test_a_number_that_moved_is_pruned_where_callers_reach_it(tmp_path: Path) -> None:
    service, main, *_ = TWO_REGIONS.split("---\n")
    marked = "https://agents.example/voice/gone?tm=0400000000aa"
    wire = WireAccount([record(FRONT_DESK, voice_url=marked)], routes={FRONT_DESK: "ie1"})
    plan = plan_of(tmp_path, wire, Wishes(prune=True), f"{service}---\n{main}", {})
    assert [(change.number, change.region) for change in plan.changes] == [(FRONT_DESK, "ie1")]
    assert len(asked_routes(wire)) == 2


def test_credentials_are_those_of_the_region(tmp_path: Path) -> None:
    fleet = load(tmp_path, TWO_REGIONS, {})
    assert credentials_for(fleet.accounts["main"], "us1").password == "us-token"
    assert credentials_for(fleet.accounts["main"], "ie1").password == "irish-token"
    assert credentials_for(fleet.accounts["main"], "ie1").edge == "dublin"
    spare = credentials_for(fleet.accounts["spare"], "ie1")
    assert (spare.username, spare.password, spare.account_sid) == ("SK1", "spare-secret", OTHER_SID)


def test_a_region_without_credentials_is_named(tmp_path: Path) -> None:
    fleet = load(tmp_path, TWO_REGIONS, {})
    with pytest.raises(TmError, match=r"'main'.*au1"):
        credentials_for(fleet.accounts["main"], "au1")


def test_an_account_that_cannot_be_read_leaves_no_half_plan(tmp_path: Path) -> None:
    wire = WireAccount(answers=[httpx2.Response(401, text=error_body(401, 20003, "Authenticate"))])
    with pytest.raises(ApiUnauthorizedError) as caught:
        plan_of(tmp_path, wire, text=TWO_REGIONS, environ={})
    assert "token" not in caught.value.message


def test_a_target_that_no_agent_has_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    wire = WireAccount()
    with pytest.raises(TmError, match=r"front-dsk.*front-desk"):
        plan_of(tmp_path, wire, Wishes(targets=("front-dsk",)))
    assert not wire.requests


def test_adopting_a_number_that_is_not_declared_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TmError, match=r"\+14155559999"):
        plan_of(tmp_path, WireAccount(), Wishes(adopt=("+14155559999",)))


def test_a_target_reads_and_plans_its_numbers_only(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, WireAccount([record(FRONT_DESK), record(SALES)]), Wishes(targets=("sales",)))
    assert [change.agent for change in plan.changes] == ["sales"]


def test_on_remove_detach_prunes_unasked(tmp_path: Path) -> None:
    orphan = record("+14155550199", voice_url="https://agents.example/voice/gone")
    text = FLEET.replace("name: test\n", "name: test\non_remove: detach\n")
    plan = plan_of(tmp_path, WireAccount([orphan]), text=text)
    assert [change.action for change in plan.changes] == ["detach"]
    assert not plan_of(tmp_path, WireAccount([orphan])).changes


def test_a_limit_is_announced_in_the_plan_already(tmp_path: Path) -> None:
    old = "https://old.example/voice/front-desk?tm=0400000000aa"
    plan = plan_of(tmp_path, WireAccount([record(FRONT_DESK, voice_url=old)]))
    assert any("--allow hosts=1" in note.message for note in plan.diagnostics)


@pytest.mark.parametrize("url", ["127.0.0.1:8400", "http://", "ftp://x.example", "http://x.example:port"])
def test_an_api_url_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(TmError, match="TM_TWILIO_API_URL"):
        Connections(load(tmp_path), api_url=url)


def test_a_token_that_is_missing_is_named_by_its_variable(tmp_path: Path) -> None:
    text = TWO_REGIONS.replace("us-token", "${env:NOT_THERE}")
    with pytest.raises(TmError, match="NOT_THERE"):
        plan_of(tmp_path, WireAccount(), text=text, environ={})
    assert TOKEN not in text
