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

from sandbox.network import twiml
from sandbox.network.twiml import Document, Verb

APPLICATION_ERROR = "We are sorry. An application error has occurred. Goodbye."
MAX_DOCUMENTS = 1000

Outcome = Literal["completed", "busy", "no-answer", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call's documents come from: a URL with its fallback, or `twiml` itself."""

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
    extra: tuple[tuple[str, str], ...] = ()


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
class OpenStream:
    """Open a media stream and stay in it until it ends."""

    stream: twiml.Stream


@dataclass(frozen=True, slots=True)
class End:
    """The call is over from this side."""

    outcome: Outcome
    reason: str


Action = Fetch | Read | Speak | PlayMedia | Silence | OpenStream | End


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a document could not be had: the debugger's code and the URL concerned."""

    code: int
    url: str
    text: str


class CallFlow:
    """The control flow of one call.

    `answered` is whether the call must be answered by now, `base` the URL of the document in force,
    against which relative URLs are resolved.
    """

    def __init__(self, target: Target) -> None:
        self.answered = False
        self._target = target
        self.base = target.url
        self._verbs: deque[Verb] = deque()
        self._stream: twiml.Stream | None = None
        self._on_fallback = False
        self._paused = False
        self._documents = 0

    def begin(self) -> Action:
        """Return the first action."""
        if self._target.twiml is not None:
            return Read(self._target.twiml)
        return Fetch(self._target.url, self._target.method)

    def redirected(self, target: Target) -> Action:
        """Leave what is being done: another document controls the call now."""
        self._target = target
        self.base = target.url
        self._stream = None
        self._on_fallback = False
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
        self._verbs = deque([twiml.Play(url)])
        return self.done()

    def failed(self, failure: Failure) -> Action:
        """Go on after a document that could not be had."""
        fallback = self._target.fallback_url
        if fallback and not self._on_fallback:
            self._on_fallback = True
            extra = (("ErrorCode", str(failure.code)), ("ErrorUrl", failure.url))
            return Fetch(fallback, self._target.fallback_method, extra)
        self._verbs = deque([twiml.Hangup()])
        self.answered = True
        return Speak(APPLICATION_ERROR, 1)

    def done(self) -> Action:
        """Go on after a verb whose time is over (for a stream: whose socket has ended)."""
        stream, self._stream = self._stream, None
        if stream is not None and stream.action:
            return Fetch(urljoin(self.base, stream.action), stream.method)
        if not self._verbs:
            # A document of nothing but pauses never answers; an empty one answers and hangs up.
            never_answered = self._paused and not self.answered
            self.answered = not never_answered
            return End("no-answer" if never_answered else "completed", "end of the document")
        return self._next(self._verbs.popleft())

    def _next(self, verb: Verb) -> Action:
        match verb:
            case twiml.Pause(seconds):
                self._paused = True
                return Silence(seconds * 1000)
            case twiml.Redirect(url, method):
                return Fetch(urljoin(self.base, url), method)
            case twiml.Reject(reason) if not self.answered:
                return End("busy" if reason == "busy" else "no-answer", f"rejected: {reason}")
        self.answered = True
        match verb:
            case twiml.Say(text, loop):
                return Speak(text, loop)
            case twiml.Play(url, loop):
                return PlayMedia(urljoin(self.base, url), loop)
            case twiml.Stream():
                self._stream = verb
                return OpenStream(verb)
            case _:
                return End("completed", "hung up by the document")
