"""What an agent wrote becomes messages, and messages are sent: each once, as far as anybody can tell.

Twilio takes a message or refuses it in one request, which cannot be repeated: so the database knows that one
is under way before it is made. When nobody knows what became of it, the account's newest messages tell.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import msgspec

from runtime.figures.logs import get_logger
from runtime.messages import statuses
from runtime.messages.contact import Outgoing
from runtime.messages.turn import Template
from runtime.messages.webhook import StatusWebhook
from runtime.messages.wording import for_sms, for_whatsapp, parts_of
from runtime.twilio_api import TwilioApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.messages.contact import Contact, ContactKey
    from runtime.messages.turn import Reply
    from runtime.store.message_store import MessageStore
    from runtime.twilio_api import AccountApi, TwilioApi, Value
    from schemas import Agent

_log = get_logger(__name__)

ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 2.0  # before it is looked for what became of a request without an answer
CLOCKS_APART_MS: Final = 60_000  # by which Twilio's clock and ours may differ
SERVICE: Final = "MG"


def outgoing(reply: Reply, item_id: str | None, agent: Agent, *, on_whatsapp: bool) -> tuple[Outgoing, ...]:
    """Return the messages that an answer is sent as: its parts, its files, its templates."""
    dressed = for_whatsapp(reply.text) if on_whatsapp else for_sms(reply.text)
    media = [each for each in reply.enclosed if isinstance(each, str)]
    messages = [Outgoing(_name(), item_id, part) for part in parts_of(dressed)]
    # WhatsApp: one file to a message, and no words with sound.
    messages += [Outgoing(_name(), item_id, media=(url,)) for url in media]
    declared = {each.name: each for each in agent.whatsapp.templates} if agent.whatsapp is not None else {}
    for wanted in (each for each in reply.enclosed if isinstance(each, Template)):
        content_sid = declared[wanted.name].content_sid
        messages.append(Outgoing(_name(), item_id, content_sid=content_sid, variables=wanted.variables))
    return tuple(messages)


def notice(text: str) -> Outgoing:
    """Return a message about messages, which is part of no conversation."""
    return Outgoing(_name(), None, text, is_notice=True)


def texts(text: str, item_id: str) -> tuple[Outgoing, ...]:
    """Return the messages that a text of a person's is sent as, word for word."""
    return tuple(Outgoing(_name(), item_id, part) for part in parts_of(text))


def template(content_sid: str, variables: Mapping[str, str], item_id: str) -> Outgoing:
    """Return a template as a message."""
    return Outgoing(_name(), item_id, content_sid=content_sid, variables=tuple(variables.items()))


def _name() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends what waits in the outboxes of contacts whom this node holds."""

    store: MessageStore
    twilio: TwilioApi
    public_url: str

    async def send(self, contact: Contact) -> tuple[StatusWebhook, ...]:
        """Send what waits, in order, and return what came of it.

        Raises `StoreUnavailableError`, `LostHoldError`.
        """
        outcomes = []
        for message in contact.outbox:
            outcomes.append(await self._outcome(contact, message))
            await self.store.report(outcomes[-1], message.name)
        return tuple(outcomes)

    async def _outcome(self, contact: Contact, message: Outgoing) -> StatusWebhook:
        free = message.content_sid is not None or contact.takes_free_text(self.store.now())
        if contact.opted_out and not message.is_notice:
            return _failed(statuses.OPTED_OUT)
        if not free:
            return _failed(statuses.OUTSIDE_WINDOW)
        try:
            api = self.twilio.of_messages(contact.key.agent, contact.ours)
            return await self._deliver(api, contact, message)
        except TwilioApiError as error:
            _log.warning("message_not_sent", agent=contact.key.agent, status=error.status, code=error.code)
            return _failed(error.code)

    async def _deliver(self, api: AccountApi, contact: Contact, message: Outgoing) -> StatusWebhook:
        """Send a message, and again where it certainly did not arrive. Raises `TwilioApiError`."""
        key, tried_at = contact.key, message.at
        in_doubt = message.status == statuses.TRYING
        for attempt in range(1, ATTEMPTS + 1):
            if in_doubt and (found := await self._find(api, contact, message, tried_at)) is not None:
                return found
            await self.store.trying(key, message.name)
            tried_at = self.store.now()
            try:
                sent = await api.create_message(key.contact, **self._parameters(contact, message))
            except TwilioApiError as error:
                refused = error.status is not None and error.status < 500
                if refused or attempt == ATTEMPTS:
                    raise
                in_doubt = True
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return StatusWebhook(sent.sid, sent.status or "queued", None)
        raise AssertionError("the last attempt returns or raises")

    async def _find(
        self, api: AccountApi, contact: Contact, message: Outgoing, tried_at: int
    ) -> StatusWebhook | None:
        """Return what became of a message that may have been sent at `tried_at`; None when it was not."""
        from_ = None if contact.ours.startswith(SERVICE) else contact.ours
        newest = await api.newest_messages(contact.key.contact, from_)
        fresh = [sent for sent in newest if _moment(sent.date_created) >= tried_at - CLOCKS_APART_MS]
        known = await self.store.known([sent.sid for sent in fresh])
        for sent in fresh:
            same = message.content_sid is not None or (sent.body or "") == message.text
            if same and sent.sid not in known:
                return StatusWebhook(sent.sid, sent.status, None)
        return None

    def _parameters(self, contact: Contact, message: Outgoing) -> dict[str, Value]:
        callback = status_callback(self.public_url, contact.key, message.name)
        parameters: dict[str, Value] = {"StatusCallback": callback, **sender_of(contact.ours)}
        if message.content_sid is not None:
            variables = msgspec.json.encode(dict(message.variables)).decode()
            return {**parameters, "ContentSid": message.content_sid, "ContentVariables": variables}
        if message.text:
            parameters["Body"] = message.text
        if message.media:
            parameters["MediaUrl"] = list(message.media)
        return parameters


def sender_of(ours: str) -> dict[str, Value]:
    """Return the parameter that names a sender: an address, or a Messaging Service that has one."""
    return {"MessagingServiceSid" if ours.startswith(SERVICE) else "From": ours}


def status_callback(public_url: str, key: ContactKey, name: str) -> str:
    """Return where Twilio reports what becomes of a message, by our name: it may report before it answers."""
    return f"{public_url}/whatsapp/{key.agent}/status?m={name}"


def _failed(code: int | None) -> StatusWebhook:
    return StatusWebhook("", statuses.FAILED, code)


def _moment(date: str) -> int:
    """Return a date of Twilio's (RFC 2822) in epoch ms; 0 for one that is none."""
    try:
        moment = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return 0
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
