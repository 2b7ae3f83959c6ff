"""People who write to the account's numbers and WhatsApp senders, and get messages from them.

Twilio: a service's inbound URL goes before the sender's own, unless the service says otherwise; free text
reaches somebody on WhatsApp within 24 hours of his last message only (63016), templates always; STOP and
START are obeyed for SMS, and are words like any others on WhatsApp.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sandbox.account.account import Account
from sandbox.account.message_senders import service_with
from sandbox.account.messages import Attachment, Message, MessageStatus, new_message_sid
from sandbox.account.senders import Sender
from sandbox.network.message_forms import Button, inbound_form, status_form
from sandbox.network.message_twiml import Reply, read_replies
from sandbox.network.postbox import Postbox
from sandbox.network.surroundings import Surroundings
from sandbox.network.twiml import TwimlError
from sandbox.network.verbs import Callback
from sandbox.network.webhooks import DeliveryError, Form

WINDOW = timedelta(hours=24)
OUTSIDE_WINDOW = 63016
NOT_JOINED = 63015
TWILIOS_SANDBOX = "whatsapp:+14155238886"  # Twilio: one must have sent it `join` and its code
STOP_WORDS = frozenset(("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"))
START_WORDS = frozenset(("start", "yes", "unstop"))

_ERRORS = {
    OUTSIDE_WINDOW: "Failed to send freeform message because you are outside the allowed window.",
    NOT_JOINED: "Channel Sandbox can only send messages to phone numbers that have joined the Sandbox",
}


@dataclass(frozen=True, slots=True)
class Inbox:
    """How messages fare with somebody: the statuses that are reported, and how their callbacks come.

    An `error_code` goes with the last status when that is `failed` or `undelivered`. `shuffled` callbacks
    come in any order, `duplicated` ones twice.
    """

    statuses: tuple[MessageStatus, ...] = ("sent", "delivered", "read")
    error_code: int | None = None
    shuffled: bool = False
    duplicated: bool = False


@dataclass(slots=True)
class Messenger:
    """Carries messages both ways. `inboxes` are by address (`whatsapp:+1…`, `+1…`): others read all they get.

    `surroundings` makes what a request needs.
    """

    account: Account
    postbox: Postbox
    surroundings: Callable[[], Surroundings]
    inboxes: dict[str, Inbox] = field(default_factory=dict)

    def received(self, address: str) -> tuple[Message, ...]:
        """Return the messages that have reached somebody."""
        reached = {"sent", "delivered", "read"}
        return tuple(
            one
            for one in self.account.messages.values()
            if one.to == address and one.direction != "inbound" and one.status in reached
        )

    async def write(
        self,
        from_: str,
        to: str,
        body: str = "",
        *,
        media: Sequence[Attachment] = (),
        name: str = "",
        button: Button | None = None,
        replied_to: str = "",
    ) -> Message:
        """Let somebody write to the account, and return the message when the app has answered."""
        service = service_with(self.account, to)
        message = Message(
            self.account.sid,
            from_,
            to,
            button.text if button is not None else body,
            "inbound",
            "received",
            media=tuple(media),
            messaging_service_sid=service.sid if service is not None else None,
            sid=new_message_sid(has_media=bool(media)),
            created=self.account.clock(),
        )
        self.account.messages[message.sid] = message
        self._heed(message)
        form = inbound_form(message, name=name, button=button, replied_to=replied_to)
        for reply in await self._ask(message, form):
            self._reply(message, reply)
        return message

    def send(self, message: Message) -> None:
        """Deliver a message of the account, and report each of its statuses in the background."""
        inbox = self.inboxes.get(message.to, Inbox() if message.is_whatsapp else Inbox(("sent", "delivered")))
        error = self._error(message)
        if error is not None:
            inbox = replace(inbox, statuses=("failed",), error_code=error)
        steps = []
        for number, status in enumerate(inbox.statuses, 1):
            failed = status in {"failed", "undelivered"} and number == len(inbox.statuses)
            code = inbox.error_code if failed else None
            message = replace(message, status=status, error_code=code, error_message=_ERRORS.get(code or 0))
            message = replace(message, sent=message.sent or self.account.clock())
            steps.append(message)
        self.account.messages[message.sid] = message
        self._report(steps * 2 if inbox.duplicated else steps, shuffled=inbox.shuffled)

    def _error(self, message: Message) -> int | None:
        """Return why a message cannot be delivered."""
        if not message.is_whatsapp:
            return None
        written = [
            one
            for one in self.account.messages.values()
            if one.direction == "inbound" and (one.from_, one.to) == (message.to, message.from_)
        ]
        if message.from_ == TWILIOS_SANDBOX and not any(one.body.startswith("join ") for one in written):
            return NOT_JOINED
        open_ = any(self.account.clock() - one.created < WINDOW for one in written)
        return None if open_ or message.content_sid is not None else OUTSIDE_WINDOW

    def _heed(self, message: Message) -> None:
        """Do what Twilio does by itself with words that end or begin a subscription."""
        word = message.body.strip().lower()
        pair = (message.from_, message.to)
        if message.is_whatsapp:
            return
        if word in STOP_WORDS:
            self.account.opted_out.add(pair)
        elif word in START_WORDS:
            self.account.opted_out.discard(pair)

    async def _ask(self, message: Message, form: Form) -> tuple[Reply, ...]:
        """Ask the app for its answer, at the fallback URL where the first fails."""
        around = self.surroundings()
        extra: Form = ()
        for callback in self._inbound_urls(message):
            try:
                async with around.webhooks() as webhooks:
                    reply = await webhooks.send(callback.method, callback.url, (*form, *extra))
                return read_replies(reply)
            except DeliveryError as error:
                failure = error.failure
                around.alert(failure.code, failure.url, failure.text, message.sid)
                extra = (("ErrorCode", str(failure.code)), ("ErrorUrl", failure.url))
            except TwimlError as error:
                around.alert(error.code, callback.url, error.text, message.sid)
                extra = (("ErrorCode", str(error.code)), ("ErrorUrl", callback.url))
        return ()

    def _inbound_urls(self, message: Message) -> list[Callback]:
        """Return where an inbound message goes, and where when that fails."""
        service = service_with(self.account, message.to)
        if service is not None and not service.use_inbound_webhook_on_number:
            urls = (
                (service.inbound_request_url, service.inbound_method),
                (service.fallback_url, service.fallback_method),
            )
        elif message.is_whatsapp:
            sender = self._sender(message.to)
            webhook = sender.webhook if sender is not None else None
            urls = (
                (webhook.callback_url, webhook.callback_method or "POST") if webhook else (None, "POST"),
                (webhook.fallback_url, webhook.fallback_method or "POST") if webhook else (None, "POST"),
            )
        else:
            number = self.account.find(message.to)
            urls = (
                (number.sms_url, number.sms_method) if number else (None, "POST"),
                (number.sms_fallback_url, number.sms_fallback_method) if number else (None, "POST"),
            )
        return [Callback(url, method) for url, method in urls if url]

    def _reply(self, to: Message, reply: Reply) -> None:
        """Send what the app has answered to a message."""
        if (to.from_, to.to) in self.account.opted_out:
            return
        made = Message(
            self.account.sid,
            to.to,
            reply.to or to.from_,
            reply.body,
            "outbound-reply",
            "queued",
            media_urls=reply.media_urls,
            messaging_service_sid=to.messaging_service_sid,
            status_callback=reply.status_callback,
            sid=new_message_sid(has_media=bool(reply.media_urls)),
            created=self.account.clock(),
        )
        self.account.messages[made.sid] = made
        self.send(made)

    def _report(self, steps: list[Message], *, shuffled: bool) -> None:
        if not steps:
            return
        callback = self._status_callback(steps[0])
        if callback is None:
            return
        if shuffled:
            random.Random(len(steps)).shuffle(steps)  # noqa: S311 - repeatable, and no secret
        around, sender = self.surroundings(), self._sender(steps[0].from_)
        for step in steps:
            form = status_form(step, sender.sid if sender is not None else "")
            self.postbox.post(step.sid, callback, form, around)

    def _status_callback(self, message: Message) -> Callback | None:
        """Return where statuses go. Twilio: the message's own URL, else its service's, else its sender's."""
        service = self.account.messaging_services.get(message.messaging_service_sid or "")
        sender = self._sender(message.from_)
        webhook = sender.webhook if sender is not None else None
        url = (
            message.status_callback
            or (service.status_callback if service is not None else None)
            or (webhook.status_callback_url if webhook is not None else None)
        )
        return Callback(url) if url else None

    def _sender(self, address: str) -> Sender | None:
        found = (one for one in self.account.senders.values() if one.sender_id == address)
        return next((one.settled(self.account.clock()) for one in found), None)
