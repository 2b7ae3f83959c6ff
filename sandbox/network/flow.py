"""What a call does next, given the documents that control it. No I/O.

`CallFlow` returns one action at a time; whoever carries it out says how it went, which returns the
next one. Twilio: a document that cannot be had sends the call to its fallback URL; when that fails
too, the caller hears of an application error and the call ends.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin

from sandbox.network import verbs
from sandbox.network.twiml import Document
from sandbox.network.verbs import Verb

APPLICATION_ERROR = "We are sorry. An application error has occurred. Goodbye."
MAX_DOCUMENTS = 1000

Extra = tuple[tuple[str, str], ...]
"""Parameters of a request beside those of every request."""

Outcome = Literal["completed", "busy", "no-answer", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call's documents come from: a URL with its fallback, or `twiml` itself; nowhere by default."""

    url: str = ""
    method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    twiml: str | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask for the next document; `extra` are parameters beside those of every request."""

    url: str
    method: str
    extra: Extra = ()


@dataclass(frozen=True, slots=True)
class Read:
    """Read a document that is here already."""

    markup: str


@dataclass(frozen=True, slots=True)
class Speak:
    """Say words, `times` times."""

    text: str
    times: int


@dataclass(frozen=True, slots=True)
class PlayMedia:
    """Play media, `times` times."""

    url: str
    times: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Wait."""

    ms: int


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Let the other side hear keys."""

    digits: str


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Open a media stream and stay in it until it ends."""

    stream: verbs.Stream


@dataclass(frozen=True, slots=True)
class OpenRelay:
    """Open a ConversationRelay session and stay in it until it ends."""

    relay: verbs.Relay


@dataclass(frozen=True, slots=True)
class Collect:
    """Collect keys and speech; relative URLs are resolved against `base`."""

    gather: verbs.Gather
    base: str


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect the call with somebody else; relative URLs are resolved against `base`."""

    dial: verbs.Dial
    base: str


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Record the caller; relative URLs are resolved against `base`."""

    record: verbs.Record
    base: str


@dataclass(frozen=True, slots=True)
class Record:
    """Begin to record the call, beside what comes next."""

    recording: verbs.StartRecording


@dataclass(frozen=True, slots=True)
class Begin:
    """Ask the flow for its first action: who answered may have to be found out before."""


@dataclass(frozen=True, slots=True)
class Meet:
    """Meet the side that dialled this call: a dialled call's last action."""


@dataclass(frozen=True, slots=True)
class End:
    """The call is over from this side."""

    outcome: Outcome
    reason: str


Action = (
    Fetch
    | Read
    | Speak
    | PlayMedia
    | Silence
    | SendDigits
    | OpenStream
    | OpenRelay
    | Collect
    | Connect
    | TakeMessage
    | Record
    | Begin
    | Meet
    | End
)


Long = verbs.Stream | verbs.Relay | verbs.Dial | verbs.Gather | verbs.Record
"""Verbs that last, and may end with a request."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a document could not be had: the debugger's code and the URL concerned."""

    code: int
    url: str
    text: str


class CallFlow:
    """The control flow of one call.

    `answered` is whether the call must be answered by now, `base` the URL of the document in force,
    against which relative URLs are resolved. A call that was `dialled` by another meets it where its own
    documents end.
    """

    def __init__(self, target: Target, *, dialled: bool = False) -> None:
        self.answered = False
        self._target = target
        self.base = target.url
        self._verbs: deque[Verb] = deque()
        self._follow_up: Fetch | None = None
        self._on_fallback = False
        self._paused = False
        self._documents = 0
        self._dialled = dialled

    @property
    def follow_up(self) -> Fetch | None:
        """The request that the verb in hand ends with, for whoever must make it after the call's end."""
        return self._follow_up

    def begin(self, extra: Extra = ()) -> Action:
        """Return the first action; `extra` goes with the request for the first document."""
        if self._target.twiml is not None:
            return Read(self._target.twiml)
        if not self._target.url:
            return self.done()
        return Fetch(self._target.url, self._target.method, extra)

    def redirected(self, target: Target) -> Action:
        """Leave what is being done: another document controls the call now."""
        self._target = target
        self.base = target.url
        self._follow_up = None
        self._on_fallback = False
        self._dialled = False
        return self.begin()

    def document(self, document: Document, url: str) -> Action:
        """Go on with a document that came from `url` (empty for one that was given)."""
        self.base = url
        self._verbs = deque(document.verbs)
        self._documents += 1
        if self._documents > MAX_DOCUMENTS:
            return End("completed", "more than 1000 documents in one call")
        return self.done()

    def audio(self, url: str) -> Action:
        """Go on with an answer that is audio in itself: it is played, and then the call ends."""
        self._verbs = deque([verbs.Play(url)])
        return self.done()

    def failed(self, failure: Failure) -> Action:
        """Go on after a document that could not be had."""
        fallback = self._target.fallback_url
        if fallback and not self._on_fallback:
            self._on_fallback = True
            extra = (("ErrorCode", str(failure.code)), ("ErrorUrl", failure.url))
            return Fetch(fallback, self._target.fallback_method, extra)
        self._verbs = deque([verbs.Hangup()])
        self.answered = True
        return Speak(APPLICATION_ERROR, 1)

    def done(self, extra: Extra | None = ()) -> Action:
        """Go on after a verb whose time is over (for a stream: whose socket has ended).

        `extra` is what its action URL is told; None when there is nothing to tell and the next verb's turn.
        """
        follow_up, self._follow_up = self._follow_up, None
        if follow_up is not None and extra is not None:
            return Fetch(follow_up.url, follow_up.method, extra)
        if self._verbs:
            return self._next(self._verbs.popleft())
        if self._dialled:
            self._dialled = False
            return Meet()
        # A document of nothing but pauses never answers; an empty one answers and hangs up.
        never_answered = self._paused and not self.answered
        self.answered = not never_answered
        return End("no-answer" if never_answered else "completed", "end of the document")

    def _next(self, verb: Verb) -> Action:
        match verb:
            case verbs.Pause(seconds):
                self._paused = True
                return Silence(seconds * 1000)
            case verbs.Redirect(url, method):
                return Fetch(urljoin(self.base, url), method)
            case verbs.Reject(reason) if not self.answered:
                return End("busy" if reason == "busy" else "no-answer", f"rejected: {reason}")
        self.answered = self.answered or not (isinstance(verb, verbs.Dial) and verb.answer_on_bridge)
        match verb:
            case verbs.Say(text, loop):
                return Speak(text, loop)
            case verbs.Play(url, loop):
                return PlayMedia(urljoin(self.base, url), loop)
            case verbs.PlayDigits(digits):
                return SendDigits(digits)
            case verbs.StartRecording():
                return Record(verb)
            case verbs.Stream() | verbs.Relay() | verbs.Dial() | verbs.Gather() | verbs.Record():
                return self._long(verb)
            case _:
                return End("completed", "hung up by the document")

    def _long(self, verb: Long) -> Action:
        """Begin a verb that may end with a request to its action URL.

        Twilio: the action of Gather and Record is the document itself where none is named.
        """
        asks_itself = isinstance(verb, verbs.Gather | verbs.Record)
        if verb.action or asks_itself:
            self._follow_up = Fetch(urljoin(self.base, verb.action or ""), verb.method)
        match verb:
            case verbs.Stream():
                return OpenStream(verb)
            case verbs.Relay():
                return OpenRelay(verb)
            case verbs.Dial():
                return Connect(verb, self.base)
            case verbs.Gather():
                return Collect(verb, self.base)
            case verbs.Record():
                return TakeMessage(verb, self.base)
