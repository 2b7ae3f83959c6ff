"""Messaging Services and WhatsApp senders: planned and written like numbers, down to the bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.api.account import WritableAccount
from reconciler.api.errors import ApiError, ApiUnavailableError
from reconciler.api.http_client import NumbersTransport, Target
from reconciler.api.library import Credentials, session_for
from reconciler.api.senders import SETTLING_SECONDS, WhatsAppSenders
from reconciler.applying.journal import Journal
from reconciler.applying.report import Updated
from reconciler.applying.writing import ChangeWriter
from reconciler.output.wording import visible_changes
from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Action, Cause, Plan, SkipReason
from reconciler.planning.saved import load_plan, save_plan
from reconciler.resource.desired import DesiredNumber, desired_numbers
from reconciler.resource.kinds import Resource
from reconciler.resource.live import LiveNumber, live_number
from reconciler.resource.settings import Settings
from tests.reconciler.fleets import load
from tests.reconciler.numbers import FRONT_DESK, NOW, POLICY, PUBLIC_URL, MemoryAccount, edited
from tests.reconciler.wire import ACCOUNT_SID, TOKEN, WireAccount, error_body, form_of, sender, service

T = TypeVar("T")

MG = "MG" + "0" * 31 + "7"
XE = str(sender(FRONT_DESK)["sid"])
SOMEBODYS = "https://hooks.agency.example/messages"
URL = f"{PUBLIC_URL}/whatsapp/front-desk"
US1 = Credentials("main", ACCOUNT_SID, "us1", "ashburn", ACCOUNT_SID, TOKEN)
FLEET = f"""\
kind: Service
name: test
public_url: {PUBLIC_URL}
---
kind: Agent
name: front-desk
numbers: ["{FRONT_DESK}"]
whatsapp: {{sender: "{FRONT_DESK}", messaging_service: {MG}}}
instructions: Take reservations.
"""


def messaging_of(folder: Path, text: str = FLEET) -> list[DesiredNumber]:
    """What the fleet wants of Messaging Services and senders, in that order."""
    desired = desired_numbers(load(folder, text))
    return [wanted for wanted in desired if wanted.resource is not Resource.INCOMING_PHONE_NUMBER]


def live_service(url: str = "", callback: str = "", method: str = "POST") -> LiveNumber:
    stored = Settings(inbound_request_url=url, inbound_method=method, status_callback=callback)
    return live_number(account="main", region="us1", sid=MG, number=MG, stored=stored)


def live_sender(url: str = "", callback: str = "", method: str = "POST") -> LiveNumber:
    stored = Settings(callback_url=url, callback_method=method, status_callback_url=callback)
    return live_number(account="main", region="us1", sid=XE, number=FRONT_DESK, stored=stored)


def fields_of(plan: Plan) -> dict[str, dict[str, tuple[object, object]]]:
    return {
        change.sid: {field.field: (field.before, field.after) for field in change.fields}
        for change in plan.changes
    }


def on_the_wire(wire: WireAccount, use: Callable[[NumbersTransport], Awaitable[T]]) -> T:
    async def session() -> T:
        async with httpx2.AsyncClient(transport=wire.transport()) as client:
            return await use(NumbersTransport(client, Target("main", ACCOUNT_SID), may_write=True))

    return asyncio.run(session())


def test_a_service_and_a_sender_are_given_the_agents_urls(tmp_path: Path) -> None:
    plan = diff(messaging_of(tmp_path), [live_service(), live_sender()], POLICY, NOW)
    assert fields_of(plan) == {
        MG: {"inbound_request_url": ("", URL), "status_callback": ("", f"{URL}/status")},
        XE: {"callback_url": ("", URL), "status_callback_url": ("", f"{URL}/status")},
    }
    assert {(change.action, change.cause, change.number) for change in plan.changes} == {
        (Action.ADOPT, Cause.NEW, FRONT_DESK)
    }
    assert [change.resource for change in plan.changes] == ["messaging_service", "whatsapp_sender"]
    place = plan.changes[1].place
    assert place is not None
    assert place.line == 8


def test_a_service_without_a_sender_goes_by_its_sid(tmp_path: Path) -> None:
    text = FLEET.replace(f'sender: "{FRONT_DESK}", ', "")
    (wanted,) = messaging_of(tmp_path, text)
    assert wanted.number == MG
    assert diff([wanted], [live_service()], POLICY, NOW).changes


def test_a_sender_and_a_number_with_the_same_digits_are_two_things(tmp_path: Path) -> None:
    fleet = load(tmp_path, FLEET)
    plan = diff(desired_numbers(fleet), [live_sender()], POLICY, NOW)
    assert [change.sid for change in plan.changes] == [XE]
    assert sorted(skipped.detail for skipped in plan.skipped) == [
        "account 'main' does not have it in region us1",
        f"account 'main' has no Messaging Service {MG}",
    ]


@pytest.mark.parametrize(
    "foreign", [live_service(SOMEBODYS), live_service(callback=SOMEBODYS), live_sender(SOMEBODYS)]
)
def test_somebody_elses_is_skipped_until_it_is_to_be_taken_over(tmp_path: Path, foreign: LiveNumber) -> None:
    wanted = [item for item in messaging_of(tmp_path) if item.resource is foreign.resource]
    (skipped,) = diff(wanted, [foreign], POLICY, NOW).skipped
    assert skipped.reason is SkipReason.FOREIGN_WEBHOOK
    assert SOMEBODYS in skipped.detail
    adopting = replace(POLICY, adopt=frozenset({FRONT_DESK}))
    assert diff(wanted, [foreign], adopting, NOW).changes


def test_what_somebody_changed_is_drift_as_long_as_one_marker_survives(tmp_path: Path) -> None:
    wanted = messaging_of(tmp_path)
    stored = wanted[0].stored(PUBLIC_URL)
    record = edited(live_service(), **dict(stored.managed()))
    plan = diff(wanted[:1], [edited(record, inbound_request_url=SOMEBODYS)], POLICY, NOW)
    assert [(change.action, change.cause) for change in plan.changes] == [(Action.UPDATE, Cause.DRIFT)]
    assert [field.field for field in visible_changes(plan.changes[0])] == ["inbound_request_url"]
    assert plan.ownership.ours == 1


def test_what_no_file_declares_any_more_is_named_and_detached_on_demand() -> None:
    record = live_service(f"{URL}?tm=000000000000", SOMEBODYS)
    (note,) = diff([], [record], POLICY, NOW).diagnostics
    assert MG in note.message
    assert "'front-desk'" in note.message
    plan = diff([], [record], replace(POLICY, prune=True), NOW)
    assert fields_of(plan) == {MG: {"inbound_request_url": (URL, "")}}
    assert plan.changes[0].reach_after == "nothing: messages are dropped"


def test_a_saved_plan_tells_a_sender_from_its_number(tmp_path: Path) -> None:
    fleet = load(tmp_path / "agents.d", FLEET)
    plan = diff(desired_numbers(fleet), [live_service(), live_sender()], POLICY, NOW)
    save_plan(tmp_path / "plan.json", plan, fleet)
    assert load_plan(tmp_path / "plan.json", fleet).changes == plan.changes


urls = st.sampled_from(
    ["", SOMEBODYS, URL, f"{PUBLIC_URL}/whatsapp/old", "https://old.example/?tm=00ffffffffff"]
)
records = st.builds(live_service, urls, urls, st.sampled_from(["POST", "GET"])) | st.builds(
    live_sender, urls, urls, st.sampled_from(["POST", "PUT"])
)
policies = st.builds(
    replace,
    st.just(POLICY),
    prune=st.booleans(),
    adopt=st.sampled_from([frozenset(), frozenset({FRONT_DESK})]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=2, unique_by=lambda record: record.sid), policies, st.booleans())
def test_after_an_apply_the_plan_is_empty(
    tmp_path: Path, live: list[LiveNumber], policy: Policy, declared: bool
) -> None:
    fleet = messaging_of(tmp_path) if declared else []
    account = MemoryAccount.of(*live)
    plan = diff(fleet, live, policy, NOW)

    async def apply() -> None:
        with closing(Journal(tmp_path / "run.jsonl", plan.plan_id)) as journal:
            for change in plan.changes:
                assert change.fields
                assert isinstance(await ChangeWriter(journal).write(change, account), Updated)

    asyncio.run(apply())
    again = diff(fleet, list(account.numbers.values()), policy, NOW)
    assert not again.changes
    assert again.skipped == plan.skipped


def test_unset_values_are_blank_whether_twilio_says_empty_or_null() -> None:
    used = "+14155550199"
    services = [service(MG), service(f"{MG[:-1]}8", inbound_request_url=SOMEBODYS, inbound_method="GET")]
    senders = [sender(FRONT_DESK), sender(used, callback_url=SOMEBODYS, callback_method="PUT")]
    wire = WireAccount(services=services, senders=senders)
    blank, taken, quiet, busy = on_the_wire(
        wire, lambda transport: WritableAccount(US1, transport).list_messaging()
    )
    assert (blank, quiet) == (live_service(), live_sender())
    assert taken.stored == live_service(SOMEBODYS, method="GET").stored
    assert (busy.number, busy.stored) == (used, live_sender(SOMEBODYS, method="PUT").stored)
    assert [request.url.host for request in wire.requests] == ["messaging.twilio.com"] * 2
    assert wire.requests[1].url.params["Channel"] == "whatsapp"


def test_a_sender_without_a_webhook_is_one_without_urls() -> None:
    wire = WireAccount(senders=[{**sender(FRONT_DESK), "webhook": None}])
    found = on_the_wire(wire, lambda transport: WritableAccount(US1, transport).fetch(XE))
    assert found == live_sender()


def test_a_service_is_updated_in_one_form(tmp_path: Path) -> None:
    wanted = messaging_of(tmp_path)[0].stored(PUBLIC_URL)
    wire = WireAccount(services=[service(MG)])
    on_the_wire(wire, lambda transport: WritableAccount(US1, transport).update(MG, wanted))
    (request,) = wire.requests
    assert request.url.path == f"/v1/Services/{MG}"
    assert form_of(request) == {
        "InboundRequestUrl": wanted.inbound_request_url,
        "InboundMethod": "POST",
        "StatusCallback": wanted.status_callback,
    }


def update_sender(wire: WireAccount, settings: Settings) -> list[float]:
    """Update a sender in virtual time, and return what was waited."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def update(transport: NumbersTransport) -> object:
        return await WhatsAppSenders(session_for(US1, transport), sleep).update(XE, settings)

    on_the_wire(wire, update)
    return waits


def test_a_sender_is_updated_in_json_and_keeps_what_is_not_managed(tmp_path: Path) -> None:
    fallback = "https://static.example/later"
    wire = WireAccount(senders=[sender(FRONT_DESK, fallback_url=fallback, fallback_method="PUT")])
    wanted = messaging_of(tmp_path)[1].stored(PUBLIC_URL)
    assert update_sender(wire, wanted) == []
    (request,) = [request for request in wire.requests if request.method == "POST"]
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == {
        "webhook": {**dict(wanted.managed()), "fallback_url": fallback, "fallback_method": "PUT"}
    }


def test_a_sender_is_looked_at_again_until_its_update_has_settled(tmp_path: Path) -> None:
    wire = WireAccount(senders=[sender(FRONT_DESK)], settling=3)
    wanted = messaging_of(tmp_path)[1].stored(PUBLIC_URL)
    assert update_sender(wire, wanted) == list(SETTLING_SECONDS[:3])
    found = on_the_wire(wire, lambda transport: WritableAccount(US1, transport).fetch(XE))
    assert found.stored == wanted


def test_a_sender_whose_last_update_was_not_waited_for_is_read_as_that_left_it(tmp_path: Path) -> None:
    wire = WireAccount(senders=[sender(FRONT_DESK)], settling=3)
    wanted = messaging_of(tmp_path)[1].stored(PUBLIC_URL)

    async def cut_off(seconds: float) -> None:
        raise ConnectionError

    async def sleep(seconds: float) -> None:
        pass

    async def read(transport: NumbersTransport) -> LiveNumber:
        session = session_for(US1, transport)
        with pytest.raises(ConnectionError):
            await WhatsAppSenders(session, cut_off).update(XE, wanted)
        return await WhatsAppSenders(session, sleep).fetch(XE)

    assert on_the_wire(wire, read).stored == wanted


def test_settling_has_an_end(tmp_path: Path) -> None:
    wire = WireAccount(senders=[sender(FRONT_DESK)], settling=99)
    with pytest.raises(ApiError, match=r"ONLINE:UPDATING after 30 s") as caught:
        update_sender(wire, messaging_of(tmp_path)[1].stored(PUBLIC_URL))
    assert not isinstance(caught.value, ApiUnavailableError)


@pytest.mark.parametrize(
    "body", [{}, {"services": 7}, {"meta": {"key": "services"}, "services": [{"sid": 1}]}]
)
def test_a_list_of_another_shape_is_an_error_and_no_traceback(body: object) -> None:
    wire = WireAccount(answers=[httpx2.Response(200, json=body)])
    with pytest.raises(ApiUnavailableError, match="Messaging Service"):
        on_the_wire(wire, lambda transport: WritableAccount(US1, transport).list_messaging())


async def route_of(number: str, transport: NumbersTransport) -> str:
    return await WritableAccount(US1, transport).route(number)


def test_a_number_that_was_never_routed_answers_in_us1() -> None:
    wire = WireAccount(routes={"+14155550199": "au1"})
    for number, region in ((FRONT_DESK, "us1"), ("+14155550199", "au1")):
        assert on_the_wire(wire, partial(route_of, number)) == region
    assert wire.requests[0].url.host == "routes.twilio.com"


def test_a_route_that_may_not_be_read_is_an_error() -> None:
    wire = WireAccount(answers=[httpx2.Response(403, text=error_body(403, 20403, "Forbidden"))])
    with pytest.raises(ApiError, match="Forbidden"):
        on_the_wire(wire, lambda transport: WritableAccount(US1, transport).route(FRONT_DESK))
