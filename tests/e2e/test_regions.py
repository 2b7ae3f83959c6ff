"""Numbers that are answered in another region, and messages, against a whole account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox import MessagingService, NumberSeed, Seed, Sender
from sandbox.network import HangUp, Listen
from tests.e2e.world import CALLER, FRONT_DESK, World, play

CALL_SECONDS = 30
IRISH_TOKEN = "1" * 32
GUESTS = "MG" + "a" * 32
PARTNERS = "MG" + "b" * 32
SENDER = "XE" + "c" * 32
FOREIGN = "https://hooks.agency.example/messages"

ACCOUNT = """\
kind: Account
name: main
account_sid: ${env:TWILIO_ACCOUNT_SID}
auth_token: ${env:TWILIO_AUTH_TOKEN}
regions:
  ie1: {auth_token: "${env:IRISH_TOKEN}"}
"""
FLEET = f"""\
kind: Agent
name: front-desk
numbers: [{{number: {FRONT_DESK}, region: ie1}}]
instructions: Take reservations.
"""
MESSAGES = f"""\
kind: Agent
name: guests
whatsapp: {{sender: {FRONT_DESK}, messaging_service: {GUESTS}}}
instructions: Answer guests.
---
kind: Agent
name: partners
whatsapp: {{messaging_service: {PARTNERS}}}
instructions: Answer partners.
"""
SEED = Seed(numbers=(NumberSeed(FRONT_DESK),), regional_tokens={"ie1": IRISH_TOKEN})
IRELAND = {"IRISH_TOKEN": IRISH_TOKEN}


def fields_of(change: dict[str, Any]) -> dict[str, tuple[object, object]]:
    return {field["field"]: (field["before"], field["after"]) for field in change["fields"]}


def test_a_number_moves_once_its_new_region_is_ready(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        account = world.box.account
        plan = (await world.tm("plan", "--format", "json", environment=IRELAND)).json()
        (change,) = plan["changes"]
        assert (change["action"], change["region"]) == ("adopt", "ie1")
        assert fields_of(change)["voice_region"] == ("us1", "ie1")
        assert "5 minutes" in plan["diagnostics"][0]["message"]

        applied = await world.tm("apply", "--yes", "--format", "json", environment=IRELAND)
        assert applied.code == 0, applied.out
        assert [request.host for request in account.writes] == [
            "api.dublin.ie1.twilio.com",
            "routes.dublin.ie1.twilio.com",
        ]
        url = account.number(FRONT_DESK, "ie1").voice_url
        assert url is not None
        assert url.startswith(f"{world.base}/voice/front-desk?tm=")
        assert account.number(FRONT_DESK).voice_url is None
        assert account.routes()[FRONT_DESK].voice_region == "ie1"
        assert (await world.tm("plan", "--exit-code", environment=IRELAND)).code == 0

    play(tmp_path, story, seed=SEED, account=ACCOUNT, fleet=FLEET)


def test_a_call_in_another_region_is_answered_by_the_record_that_was_written_there(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes", environment=IRELAND)).code == 0
        async with world.serving(environment=IRELAND):
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=(Listen(), HangUp()))
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
        assert call.status == "completed"
        assert (record["agent"], record["end_reason"]) == ("front-desk", "caller_hangup")

    play(tmp_path, story, seed=SEED, account=ACCOUNT, fleet=FLEET)


def test_a_number_that_was_routed_away_by_hand_is_brought_back(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes", environment=IRELAND)).code == 0
        world.box.account.set_route(FRONT_DESK, "us1")
        plan = (await world.tm("plan", "--format", "json", environment=IRELAND)).json()
        (change,) = plan["changes"]
        assert (change["action"], change["cause"]) == ("reroute", "drift")
        assert fields_of(change) == {"voice_region": ("us1", "ie1")}

        world.declare(fleet=FLEET.replace(", region: ie1", ""))
        assert (await world.tm("apply", "--yes", environment=IRELAND)).code == 0
        assert world.box.account.number(FRONT_DESK).voice_url is not None
        assert (await world.tm("plan", "--exit-code", "--check-routing", environment=IRELAND)).code == 0

    play(tmp_path, story, seed=SEED, account=ACCOUNT, fleet=FLEET)


def test_somebody_who_answers_in_another_region_keeps_his_calls(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        plan = (await world.tm("plan", "--format", "json", environment=IRELAND)).json()
        (skipped,) = plan["skipped"]
        assert skipped["reason"] == "foreign_webhook"
        assert "https://hooks.agency.example/voice in region us1" in skipped["detail"]

    taken = NumberSeed(FRONT_DESK, voice_url="https://hooks.agency.example/voice")
    seed = Seed(numbers=(taken,), regional_tokens={"ie1": IRISH_TOKEN})
    play(tmp_path, story, seed=seed, account=ACCOUNT, fleet=FLEET)


def test_messages_reach_the_agent_and_somebody_elses_service_is_left_alone(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        account = world.box.account
        applied = await world.tm("apply", "--yes", "--format", "json")
        assert applied.code == 0, applied.out
        report = applied.json()
        assert {(item["resource"], item["sid"], item["action"]) for item in report["updated"]} == {
            ("messaging_service", GUESTS, "adopt"),
            ("whatsapp_sender", SENDER, "adopt"),
        }
        (skipped,) = report["skipped"]
        assert (skipped["number"], skipped["reason"]) == (PARTNERS, "foreign_webhook")
        assert FOREIGN in skipped["detail"]

        url = f"{world.base}/whatsapp/guests"
        service = account.messaging_services[GUESTS]
        assert (service.inbound_request_url or "").startswith(f"{url}?tm=")
        assert (service.status_callback or "").startswith(f"{url}/status?tm=")
        webhook = account.senders[SENDER].webhook
        assert (webhook.callback_url or "").startswith(f"{url}?tm=")
        assert (webhook.status_callback_url or "").startswith(f"{url}/status?tm=")
        assert account.messaging_services[PARTNERS].inbound_request_url == FOREIGN
        assert (await world.tm("plan", "--exit-code")).code == 0

        account.edit_sender(SENDER, callback_url=FOREIGN)
        plan = (await world.tm("plan", "--format", "json")).json()
        assert [(item["sid"], item["cause"]) for item in plan["changes"]] == [(SENDER, "drift")]

    seed = Seed(
        messaging_services=(
            MessagingService("Guests", sid=GUESTS),
            MessagingService("Partners", sid=PARTNERS, inbound_request_url=FOREIGN),
        ),
        senders=(Sender(f"whatsapp:{FRONT_DESK}", sid=SENDER),),
    )
    play(tmp_path, story, seed=seed, messages=MESSAGES)
