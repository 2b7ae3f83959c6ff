"""`tm import`: the law that a plan is empty afterwards, and what the files look like."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.importing.decisions import Imported
from reconciler.importing.files import ImportFiles
from reconciler.importing.run import make_import
from reconciler.planning.make import Wishes, make_plan
from reconciler.planning.plan import Plan, SkipReason
from reconciler.resource.defaults import is_default_friendly_name
from reconciler.resource.live import LiveNumber
from schemas import TmError, load_fleet
from schemas.file_edits import diff_of
from tests.reconciler.numbers import (
    BLANK,
    FRONT_DESK,
    NOW,
    PUBLIC_URL,
    SALES,
    MemoryAccount,
    applied,
    live,
    wanted,
)
from tests.reconciler.wire import ACCOUNT_SID, TOKEN

ENVIRONMENT = {
    "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": TOKEN, "TM_PUBLIC_URL": PUBLIC_URL, "IE1": TOKEN,
}  # fmt: skip
THIRD = "+14155550125"
FOREIGN_URL = "https://hooks.agency.example/voice?key=s3cr3t"
FRONT_DESK_YAML = """\
# The first line of the house.
kind: Agent
name: front-desk
numbers:
  - +14155550123   # since 1998
instructions: Take reservations.
"""
REGIONAL_ACCOUNT = """\
kind: Account
name: main
account_sid: ${env:TWILIO_ACCOUNT_SID}
auth_token: ${env:TWILIO_AUTH_TOKEN}
regions: {ie1: {auth_token: "${env:IE1}"}}
"""


@dataclass
class RegionalAccount:
    """An account with a record of each number in each region, and the routes between them."""

    records: list[LiveNumber]
    routes: dict[str, str] = field(default_factory=dict)

    def __call__(self, account: str, region: str) -> MemoryAccount:
        memory = MemoryAccount.of(*(record for record in self.records if record.region == region))
        memory.routes = self.routes
        return memory


def imported(
    folder: Path, account: RegionalAccount, environ: Mapping[str, str] = ENVIRONMENT
) -> tuple[Imported, ImportFiles]:
    """Run an import into a folder and write its files."""
    loaded = load_fleet(folder, environ)
    assert loaded.fleet is not None, loaded.diagnostics
    result = asyncio.run(make_import(loaded.fleet, folder, environ, account, NOW))
    for file in result[1].files:
        file.write()
    return result


def planned(folder: Path, account: RegionalAccount, environ: Mapping[str, str] = ENVIRONMENT) -> Plan:
    loaded = load_fleet(folder, environ)
    assert loaded.fleet is not None, loaded.diagnostics
    return asyncio.run(make_plan(loaded.fleet, Wishes(), account, NOW))


NUMBERS = [f"+1415555{index:04}" for index in range(5)]
URLS = st.sampled_from([
    "", "https://demo.twilio.com/welcome/voice/", FOREIGN_URL, "https://[broken", "no url at all",
    "https://agents.example/voice/old", "https://agents.example/voice/Not A Name",
    "https://old.example/voice/sales?tm=00ffffffffff", "https://agents.example/voice/front-desk?tm=00ffffffffff",
])  # fmt: skip
FRIENDLY_NAMES = st.sampled_from(
    ["(415) 555-0000", "Desk", "no", "", "${env:HOME}", 'a: "b" # \u2028c', "+1415"]
)
strangers = st.builds(
    replace,
    st.just(BLANK),
    voice_url=URLS,
    voice_fallback_url=URLS,
    status_callback=URLS,
    voice_method=st.sampled_from(["POST", "GET"]),
    trunk_sid=st.sampled_from(["", "", "TK" + "1" * 32]),
    voice_application_sid=st.sampled_from(["", "", "AP" + "1" * 32]),
    friendly_name=FRIENDLY_NAMES,
    voice_caller_id_lookup=st.booleans(),
)


@st.composite
def records(draw: st.DrawFn, number: str, region: str) -> LiveNumber:
    """A number's record in a region: never ours, as applied, or changed since."""
    if draw(st.booleans()):
        return live(number, draw(strangers), region=region, can_voice=draw(st.booleans()))
    desired = wanted(
        number,
        draw(st.sampled_from(["front-desk", "sales", "calls-only", "unassigned"])),
        region=region,
        friendly_name=draw(st.sampled_from([None, "Desk", "(415) 555-0000"])),
        caller_id_lookup=draw(st.sampled_from([None, True, False])),
    )
    record = applied(desired)
    if draw(st.booleans()):
        return record
    return live(number, replace(record.stored, voice_url=draw(URLS)), region=region)


@st.composite
def accounts(draw: st.DrawFn) -> RegionalAccount:
    numbers = draw(st.sets(st.sampled_from(NUMBERS)))
    kept = [draw(records(number, region)) for number in sorted(numbers) for region in ("us1", "ie1")]
    routes = {number: draw(st.sampled_from(["us1", "ie1", "au1"])) for number in sorted(numbers)}
    return RegionalAccount(kept, routes)


EXISTING = st.sampled_from([
    {},
    {"front-desk.yaml": FRONT_DESK_YAML.replace("+14155550123", NUMBERS[0])},
    {"fleet.yml": f"{{kind: Agent, name: sales, numbers: [{NUMBERS[1]},], instructions: Sell.}}\n"},
    {"a.yaml": "kind: Agent\r\nname: calls-only\r\ninbound: false\r\ninstructions: Call.\r\n"},
    {"unassigned.yaml": f"kind: Agent\nname: unassigned\nnumbers: {NUMBERS[2]}\ninstructions: Hm.\n"},
    {"s.yaml": "kind: Service\nname: x\npublic_url: https://agents.example\ndefaults: {inbound: false}\n"},
])  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(accounts(), EXISTING, st.booleans())
def test_after_an_import_the_plan_is_as_before_and_a_second_import_changes_nothing(
    account: RegionalAccount, existing: dict[str, str], regional: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in existing.items():
            (folder / file).write_bytes(text.encode())
        if regional:
            (folder / "account.yaml").write_text(REGIONAL_ACCOUNT)
        before = {change.number for change in planned(folder, account).changes}
        _, files = imported(folder, account)
        plan = planned(folder, account)
        assert {change.number for change in plan.changes} <= before
        assert not before or existing
        declared = {change.number for change in plan.changes} | {item.number for item in plan.skipped}
        declared |= {item.number for item in plan.unchanged}
        left_out = {item.number for item in files.left_out}
        assert declared | left_out >= {record.number for record in account.records if record.region == "us1"}
        _, again = imported(folder, account)
        assert diff_of(again.files) == ""
        assert {item.number for item in again.left_out} == left_out


def test_numbers_of_ours_go_to_the_agent_in_their_url_and_others_only_call(tmp_path: Path) -> None:
    account = RegionalAccount(
        [
            applied(wanted(SALES, "sales", friendly_name="Sales: #1")),
            live(FRONT_DESK, replace(BLANK, voice_url=FOREIGN_URL)),
            live(THIRD),
        ]
    )
    imported(tmp_path, account)
    assert {file.name for file in tmp_path.iterdir()} == {
        "sales.yaml", "hooks-agency-example-voice.yaml", "unassigned.yaml",
    }  # fmt: skip
    sales = (tmp_path / "sales.yaml").read_text()
    assert sales.startswith(
        f'kind: Agent\nname: sales\nnumbers:\n  - number: {SALES}\n    friendly_name: "Sales: #1"\n'
    )
    assert "inbound: false" in (tmp_path / "hooks-agency-example-voice.yaml").read_text()
    plan = planned(tmp_path, account)
    assert [item.number for item in plan.unchanged] == [SALES]
    assert {item.reason for item in plan.skipped} == {SkipReason.OUTBOUND_ONLY}


def test_what_a_url_holds_in_confidence_is_not_written_into_a_file(tmp_path: Path) -> None:
    url = "https://user:pa55@hooks.agency.example/voice?key=s3cr3t"
    imported(tmp_path, RegionalAccount([live(FRONT_DESK, replace(BLANK, voice_url=url))]))
    (file,) = tmp_path.iterdir()
    assert "hooks.agency.example/voice" in file.read_text()
    assert not any(secret in file.name + file.read_text() for secret in ("user", "pa55", "s3cr3t"))


def test_numbers_are_added_to_a_declared_agent_and_every_comment_stays(tmp_path: Path) -> None:
    (tmp_path / "front-desk.yaml").write_text(FRONT_DESK_YAML)
    second = wanted(SALES, "front-desk", friendly_name="(415) 555-0124")
    account = RegionalAccount([applied(wanted(FRONT_DESK)), applied(second)])
    _, files = imported(tmp_path, account)
    assert [line for line in diff_of(files.files).splitlines() if line[0] in "+-"][2:] == [f"+  - {SALES}"]
    assert [item.number for item in planned(tmp_path, account).unchanged] == [FRONT_DESK, SALES]


def test_a_number_that_answers_in_another_region_is_declared_there(tmp_path: Path) -> None:
    (tmp_path / "account.yaml").write_text(REGIONAL_ACCOUNT)
    account = RegionalAccount([live(), applied(wanted(region="ie1"))], {FRONT_DESK: "ie1"})
    imported(tmp_path, account)
    assert "region: ie1" in (tmp_path / "front-desk.yaml").read_text()
    assert [item.number for item in planned(tmp_path, account).unchanged] == [FRONT_DESK]


def test_a_number_that_cannot_take_calls_is_named_and_left_out(tmp_path: Path) -> None:
    imported_agents, files = imported(tmp_path, RegionalAccount([live(can_voice=False)]))
    assert not imported_agents.agents
    assert [(item.number, item.reason) for item in files.left_out] == [(FRONT_DESK, "it cannot take calls")]


def test_the_public_url_is_taken_from_the_numbers_where_nobody_says_it(tmp_path: Path) -> None:
    environ = {name: value for name, value in ENVIRONMENT.items() if name != "TM_PUBLIC_URL"}
    account = RegionalAccount([applied(wanted())])
    imported(tmp_path, account, environ)
    assert f'public_url: "{PUBLIC_URL}"' in (tmp_path / "service.yaml").read_text()
    assert [item.number for item in planned(tmp_path, account, environ).unchanged] == [FRONT_DESK]


def test_without_any_public_url_nothing_is_imported(tmp_path: Path) -> None:
    environ = {name: value for name, value in ENVIRONMENT.items() if name != "TM_PUBLIC_URL"}
    with pytest.raises(TmError, match="no Service is declared"):
        imported(tmp_path, RegionalAccount([live()]), environ)
    assert not list(tmp_path.iterdir())


def test_a_file_that_sits_where_a_new_one_would_go_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "sales.yaml").write_text("kind: Hold\nname: wait\nstrategy: none\n")
    imported(tmp_path, RegionalAccount([applied(wanted(SALES, "sales"))]))
    assert (tmp_path / "sales.yaml").read_text().startswith("kind: Hold")
    assert "name: sales" in (tmp_path / "sales-2.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "number", "is_default"),
    [("(415) 555-0123", FRONT_DESK, True), ("+493055550123", "+493055550123", True), ("Desk", SALES, False)],
)
def test_only_a_name_that_somebody_gave_is_declared(name: str, number: str, is_default: bool) -> None:
    assert is_default_friendly_name(name, number) is is_default
