"""The requests of one call: documents, media and callbacks, with what every request about the call says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.network.events import Kind
from sandbox.network.media_files import media_audio, spoken_words
from sandbox.network.routing import voice_form
from sandbox.network.surroundings import Surroundings
from sandbox.network.verbs import Callback, Pause, Play, Say
from sandbox.network.webhooks import MAX_MEDIA, DeliveryError, Form, Reply, Webhooks
from sandbox.speech.ulaw import silence

if TYPE_CHECKING:
    from sandbox.network.phone_call import PhoneCall


@dataclass(frozen=True, slots=True)
class CallRequests:
    """Asks and tells the app about one call."""

    phone: PhoneCall
    around: Surroundings
    webhooks: Webhooks = field(repr=False)
    application_sid: str | None = None

    def form(self, extra: Form = ()) -> Form:
        """Return the parameters of a request about the call as it stands."""
        return (*voice_form(self.phone.call, self.phone.call.status, self.application_sid), *extra)

    async def ask(self, method: str, url: str, extra: Form = ()) -> Reply:
        """Ask for a document. Raises DeliveryError."""
        reply = await self.webhooks.send(method, url, self.form(extra))
        self.phone.note(Kind.REQUESTED, f"{method} {url}")
        return reply

    async def tell(self, method: str, url: str, form: Form) -> None:
        """Make a request whose answer controls nothing; when it fails, that is an alert only."""
        try:
            await self.webhooks.send(method, url, form)
        except DeliveryError as error:
            self.alert(error.failure.code, url, error.failure.text)

    def post(self, callback: Callback, extra: Form) -> None:
        """Tell a callback of the call in the background."""
        self.around.exchange.post(self.phone.sid, callback, self.form(extra), self.around)

    async def sound(self, prompt: Say | Play | Pause, url: str) -> bytes:
        """Return how a prompt sounds once; the media of a Play are at `url`."""
        match prompt:
            case Say(text):
                return self.speech(text)
            case Play():
                return await self.media(url)
            case Pause(seconds):
                return silence(seconds * 1000)

    def speech(self, text: str) -> bytes:
        """Return how words sound in the voice of Say."""
        return spoken_words(text, self.around.ms_per_character)

    async def media(self, url: str) -> bytes:
        """Return how a file of media sounds; nothing when it cannot be had."""
        try:
            reply = await self.webhooks.send("GET", url, (), limit=MAX_MEDIA)
        except DeliveryError as error:
            self.alert(error.failure.code, url, error.failure.text)
            return b""
        self.phone.note(Kind.REQUESTED, f"GET {url}")
        return media_audio(reply.body)

    def alert(self, code: int, url: str, text: str) -> None:
        """Write to the account's debugger."""
        self.around.alert(code, url, text, self.phone.sid)
