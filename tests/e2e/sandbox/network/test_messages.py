"""Messages: people who write to the account on WhatsApp and by SMS, and what the account sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from twilio.base.exceptions import TwilioRestException

from sandbox import Attachment, Button, Inbox, MessagingService, NumberSeed, Sandbox, Seed, Sender, Webhook
from sandbox.account.formats import stable_sid
from sandbox.server import LoopbackServer
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App
from tests.e2e.sandbox.network.office import EMPTY, asked, library, rest

SENDER = f"whatsapp:{BISTRO}"
PERSON = f"whatsapp:{GUEST}"
TEMPLATE = stable_sid("HX", "table ready")

Story = Callable[[Sandbox, App], Awaitable[None]]


def play(story: Story, **seed: object) -> None:
    """Run a story whose app answers at `/whatsapp` and `/sms`, and hears of statuses at `/status`."""

    async def run() -> None:
        app = App({"/whatsapp": EMPTY, "/sms": EMPTY, "/status": EMPTY})
        server = LoopbackServer(app.starlette(), "127.0.0.1", 0)
        app.base = f"http://127.0.0.1:{await server.start()}"
        webhook = Webhook(f"{app.base}/whatsapp", status_callback_url=f"{app.base}/status")
        numbers = (NumberSeed(BISTRO, sms_url=f"{app.base}/sms"),)
        senders = (Sender(SENDER, webhook=webhook),)
        templates = {TEMPLATE: "Your table at {{1}} is ready."}
        try:
            fields = {"numbers": numbers, "senders": senders, "templates": templates, **seed}
            async with Sandbox.start(Seed(**fields)) as box:  # type: ignore[arg-type]  # fields by name
                app.token = box.auth_token
                async with asyncio.timeout(10):
                    await story(box, app)
                    await box.network.quiet()
        finally:
            await server.stop()

    asyncio.run(run())


def statuses(app: App) -> list[str]:
    return [form["MessageStatus"] for form in asked(app, "/status")]


def test_a_message_reaches_the_senders_webhook_signed_and_its_reply_the_person() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents["/whatsapp"] = "<Response><Message>Until eleven.</Message></Response>"
        written = await box.network.messenger.write(PERSON, SENDER, "How long?", name="Ada")
        (request,) = app.asked
        assert request.signed
        form = request.form
        assert (form["From"], form["To"], form["Body"], form["ProfileName"]) == (
            PERSON,
            SENDER,
            "How long?",
            "Ada",
        )
        assert (form["WaId"], form["NumMedia"], form["SmsStatus"]) == (GUEST[1:], "0", "received")
        assert form["MessageSid"] == form["SmsMessageSid"] == written.sid
        (reply,) = box.network.messenger.received(PERSON)
        assert (reply.body, reply.direction, reply.status) == ("Until eleven.", "outbound-reply", "read")

    play(story)


def test_another_process_may_write_and_look() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents["/whatsapp"] = "<Response><Message>Until eleven.</Message></Response>"
        async with httpx2.AsyncClient(base_url=box.url) as http:
            order = {"from": PERSON, "to": SENDER, "body": "How long?", "name": "Ada"}
            assert (await http.post("/sandbox/messages", json=order)).status_code == 201
            assert (await http.post("/sandbox/messages", json={"from": PERSON})).status_code == 400
            shown = (await http.get("/sandbox/messages")).json()["messages"]
        assert [one["body"] for one in shown] == ["How long?", "Until eleven."]

    play(story)


def test_a_button_has_its_text_and_its_payload() -> None:
    async def story(box: Sandbox, app: App) -> None:
        button = Button("Book now", "book")
        await box.network.messenger.write(PERSON, SENDER, button=button, replied_to="SM1")
        (form,) = asked(app, "/whatsapp")
        assert (form["ButtonText"], form["ButtonPayload"], form["Body"]) == ("Book now", "book", "Book now")
        assert (form["ButtonType"], form["OriginalRepliedMessageSid"]) == ("REPLY", "SM1")

    play(story)


def test_media_are_fetched_with_the_accounts_credentials_only() -> None:
    async def story(box: Sandbox, app: App) -> None:
        picture = Attachment("image/jpeg", b"\xff\xd8\xff")
        written = await box.network.messenger.write(PERSON, SENDER, media=[picture])
        (form,) = asked(app, "/whatsapp")
        assert (form["NumMedia"], form["MediaContentType0"]) == ("1", "image/jpeg")
        assert form["MediaUrl0"].startswith("https://api.twilio.com/2010-04-01/")
        address = form["MediaUrl0"].replace("https://api.twilio.com", box.url)
        async with httpx2.AsyncClient() as http:
            assert (await http.get(address)).status_code == 401
            answer = await http.get(address, auth=(box.account_sid, box.auth_token))
        assert (answer.content, answer.headers["content-type"]) == (picture.body, "image/jpeg")
        listed = await rest(box, lambda twilio: twilio.messages(written.sid).media.list())
        assert [one.content_type for one in listed] == ["image/jpeg"]

    play(story)


def test_a_message_is_queued_and_its_statuses_follow() -> None:
    async def story(box: Sandbox, app: App) -> None:
        await box.network.messenger.write(PERSON, SENDER, "Hello")
        made = await rest(
            box,
            lambda twilio: twilio.messages.create(
                to=PERSON, from_=SENDER, body="Welcome!", media_url=["https://media.example/menu.pdf"]
            ),
        )
        assert (made.status, made.direction, made.num_media) == ("queued", "outbound-api", "1")
        await box.network.quiet()
        assert statuses(app) == ["sent", "delivered", "read"]
        form = asked(app, "/status")[-1]
        assert (form["ChannelPrefix"], form["EventType"], form["MessageSid"]) == (
            "whatsapp",
            "READ",
            made.sid,
        )

    play(story)


def test_callbacks_come_in_any_order_and_twice_where_that_is_wanted() -> None:
    async def story(box: Sandbox, app: App) -> None:
        await box.network.messenger.write(PERSON, SENDER, "Hello")
        box.network.messenger.inboxes[PERSON] = Inbox(shuffled=True, duplicated=True)
        await rest(box, lambda twilio: twilio.messages.create(to=PERSON, from_=SENDER, body="Welcome!"))
        await box.network.quiet()
        assert statuses(app) != ["sent", "delivered", "read"] * 2
        assert sorted(statuses(app)) == sorted(["sent", "delivered", "read"] * 2)

    play(story)


def test_free_text_fails_24_hours_after_the_persons_last_message_and_a_template_does_not() -> None:
    async def story(box: Sandbox, app: App) -> None:
        now = box.account.clock()
        box.account.clock = lambda: now
        await box.network.messenger.write(PERSON, SENDER, "Hello")
        box.account.clock = lambda: now + timedelta(hours=24)

        def late(**fields: object) -> str:
            sid: str = library(box).messages.create(to=PERSON, from_=SENDER, **fields).sid
            return sid

        text = await asyncio.to_thread(late, body="Are you there?")
        failed = box.account.messages[text]
        assert (failed.status, failed.error_code) == ("failed", 63016)
        template = await asyncio.to_thread(late, content_sid=TEMPLATE, content_variables='{"1": "seven"}')
        assert box.account.messages[template].body == "Your table at seven is ready."
        await box.network.quiet()
        assert asked(app, "/status")[0]["ErrorCode"] == "63016"
        assert [one.sid for one in box.network.messenger.received(PERSON)] == [template]

    play(story)


def test_a_message_may_fail_for_a_reason_of_the_network() -> None:
    async def story(box: Sandbox, app: App) -> None:
        await box.network.messenger.write(PERSON, SENDER, "Hello")
        box.network.messenger.inboxes[PERSON] = Inbox(("sent", "undelivered"), error_code=63024)
        await rest(box, lambda twilio: twilio.messages.create(to=PERSON, from_=SENDER, body="Welcome!"))
        await box.network.quiet()
        assert [one.get("ErrorCode") for one in asked(app, "/status")] == [None, "63024"]

    play(story)


def test_twilios_sandbox_sends_to_those_only_who_joined_it() -> None:
    shared = "whatsapp:+14155238886"

    async def story(box: Sandbox, app: App) -> None:
        messenger = box.network.messenger
        await messenger.write(PERSON, shared, "Hello")

        def send() -> str:
            sid: str = library(box).messages.create(to=PERSON, from_=shared, body="Hi").sid
            return sid

        assert box.account.messages[await asyncio.to_thread(send)].error_code == 63015
        await messenger.write(PERSON, shared, "join tasty-fish")
        assert box.account.messages[await asyncio.to_thread(send)].error_code is None

    play(story, senders=(Sender(shared),))


def test_stop_ends_sms_until_start_and_is_a_word_on_whatsapp() -> None:
    async def story(box: Sandbox, app: App) -> None:
        def send() -> None:
            library(box).messages.create(to=GUEST, from_=BISTRO, body="News!")

        await box.network.messenger.write(GUEST, BISTRO, "Stop")
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(send)
        assert refused.value.code == 21610
        await box.network.messenger.write(GUEST, BISTRO, "START")
        await asyncio.to_thread(send)
        await box.network.messenger.write(PERSON, SENDER, "stop")
        await rest(box, lambda twilio: twilio.messages.create(to=PERSON, from_=SENDER, body="Why?"))
        assert [form["Body"] for form in asked(app, "/sms")] == ["Stop", "START"]

    play(story)


def test_a_services_inbound_url_goes_before_the_senders() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents["/service"] = EMPTY
        sid = stable_sid("MG", "Bistro")
        box.account.edit_service(sid, inbound_request_url=f"{app.base}/service")
        await box.network.messenger.write(PERSON, SENDER, "Hello")
        box.account.edit_service(sid, use_inbound_webhook_on_number=True)
        await box.network.messenger.write(PERSON, SENDER, "Hello again")
        assert asked(app, "/service")[0]["MessagingServiceSid"] == sid
        assert [form["Body"] for form in asked(app, "/whatsapp")] == ["Hello again"]
        made = await rest(
            box, lambda twilio: twilio.messages.create(to=PERSON, messaging_service_sid=sid, body="Hi")
        )
        assert (made.status, made.from_) == ("accepted", SENDER)

    service = MessagingService("Bistro", channel_senders=(stable_sid("XE", SENDER),))
    play(story, messaging_services=(service,))


def test_the_fallback_is_asked_when_the_webhook_fails() -> None:
    async def story(box: Sandbox, app: App) -> None:
        def broken(_: Request) -> Response:
            return Response("no", 500)

        app.documents |= {"/whatsapp": broken, "/fallback": EMPTY}
        box.account.edit_sender(stable_sid("XE", SENDER), fallback_url=f"{app.base}/fallback")
        await box.network.messenger.write(PERSON, SENDER, "Hello")
        assert asked(app, "/fallback")[0]["ErrorCode"] == "11200"

    play(story)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "", "from_": SENDER, "body": "x"}, 21604),
        ({"to": "whatsapp:nobody", "from_": SENDER, "body": "x"}, 21211),
        ({"to": PERSON, "body": "x"}, 21603),
        ({"to": PERSON, "from_": BISTRO, "body": "x"}, 21910),
        ({"to": PERSON, "from_": "whatsapp:+14155550111", "body": "x"}, 63007),
        ({"to": GUEST, "from_": "+14155550111", "body": "x"}, 21606),
        ({"to": PERSON, "from_": SENDER}, 21602),
        ({"to": PERSON, "from_": SENDER, "body": "x" * 1601}, 21617),
        ({"to": PERSON, "from_": SENDER, "content_sid": stable_sid("HX", "none")}, 21655),
        ({"to": PERSON, "from_": SENDER, "content_sid": TEMPLATE}, 21656),
    ],
)
def test_what_cannot_be_sent_is_refused(fields: dict[str, str], code: int) -> None:
    async def story(box: Sandbox, app: App) -> None:
        with pytest.raises(TwilioRestException) as refused:
            await rest(box, lambda twilio: twilio.messages.create(**fields))
        assert refused.value.code == code

    play(story)
