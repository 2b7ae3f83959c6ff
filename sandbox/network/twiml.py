"""Reading a TwiML document: its verbs as values, and what is wrong with it as Twilio's debugger says it.

Element and attribute names are case-sensitive, the root is `<Response>`, comments are ignored. An
unknown verb is a warning (12200) and is skipped; a document that cannot be read is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

MAX_PARAMETER = 500
MAX_LOOPS = 1000

# Verbs of Twilio that the sandbox knows by name only. It says so in the debugger instead of guessing.
NOT_SIMULATED = frozenset(
    (
        *("Dial", "Echo", "Enqueue", "Gather", "Leave", "Pay", "Prompt"),
        *("Queue", "Record", "Refer", "Sms", "Start", "Stop"),
    )
)


class TwimlError(Exception):
    """A document that Twilio refuses: `code` is the debugger's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text`, `loop` times."""

    text: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    """Play the media at `url`, `loop` times."""

    url: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, `seconds` long."""

    seconds: int = 1


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with the document at `url`; nothing after it is reached."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the call without answering it: `reason` is rejected or busy."""

    reason: str = "rejected"


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Stream:
    """`<Connect><Stream>`: a bidirectional media stream that lasts until its socket ends.

    `action` is the URL asked afterwards, None when the next verb follows.
    """

    url: str
    parameters: tuple[tuple[str, str], ...] = ()
    action: str | None = None
    method: str = "POST"
    name: str = ""


Verb = Say | Play | Pause | Redirect | Reject | Hangup | Stream


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a document that is skipped: the debugger's code and what it is."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """The verbs of one document in order, and what was skipped."""

    verbs: tuple[Verb, ...]
    warnings: tuple[Oddity, ...] = ()


def parse_twiml(body: bytes | str) -> Document:
    """Read a document. Raises TwimlError: 12100 for broken XML, 12102 for another root."""
    markup = body.encode() if isinstance(body, str) else body
    if b"<!DOCTYPE" in markup:
        raise TwimlError(12100, "a document type declaration is not TwiML")
    try:
        root = ElementTree.fromstring(markup.strip())  # noqa: S314 - no entities without the DOCTYPE refused above
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(12102, f"Response has no <Response> root: <{root.tag}>")
    verbs: list[Verb] = []
    warnings: list[Oddity] = []
    for element in root:
        try:
            verbs.append(_verb(element, warnings))
        except _SkippedError as skipped:
            warnings.append(Oddity(skipped.code, str(skipped)))
    return Document(tuple(verbs), tuple(warnings))


class _SkippedError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def _verb(element: ElementTree.Element, warnings: list[Oddity]) -> Verb:
    if element.tag in NOT_SIMULATED:
        raise _SkippedError(12200, f"<{element.tag}> is TwiML, but the sandbox does not simulate it")
    read = _VERBS.get(element.tag)
    if read is None:
        raise _SkippedError(12200, f"Invalid content: <{element.tag}> is no verb of <Response>")
    unknown = set(element.attrib) - _ATTRIBUTES[element.tag]
    if unknown:
        names = ", ".join(sorted(unknown))
        warnings.append(Oddity(12200, f"Attribute not allowed in <{element.tag}>: {names}"))
    return read(element, warnings)


def _say(element: ElementTree.Element, _: list[Oddity]) -> Verb:
    text = " ".join("".join(element.itertext()).split())
    if not text:
        raise _SkippedError(13520, "<Say> has no text")
    if len(text.encode()) > 4096:
        raise _SkippedError(13521, "<Say> has more than 4096 bytes of text")
    return Say(text, _loops(element))


def _play(element: ElementTree.Element, _: list[Oddity]) -> Verb:
    url = _text(element)
    if not url:
        raise _SkippedError(13420, "<Play> names no media")
    return Play(url, _loops(element))


def _pause(element: ElementTree.Element, _: list[Oddity]) -> Verb:
    length = element.get("length", "1")
    if not (length.isascii() and length.isdigit()):
        raise _SkippedError(13710, f"<Pause> has an invalid length: {length}")
    return Pause(int(length))


def _redirect(element: ElementTree.Element, _: list[Oddity]) -> Verb:
    return Redirect(_text(element), _method(element, "method"))


def _reject(element: ElementTree.Element, _: list[Oddity]) -> Verb:
    reason = element.get("reason", "rejected")
    return Reject(reason if reason in {"rejected", "busy"} else "rejected")


def _hangup(_element: ElementTree.Element, _: list[Oddity]) -> Verb:
    return Hangup()


def _connect(element: ElementTree.Element, warnings: list[Oddity]) -> Verb:
    stream = element.find("Stream")
    if stream is None:
        nouns = ", ".join(f"<{child.tag}>" for child in element) or "nothing"
        raise _SkippedError(12200, f"<Connect> holds {nouns}: the sandbox simulates <Stream> only")
    track = stream.get("track", "inbound_track")
    if track != "inbound_track":
        raise _SkippedError(31941, f"Stream - Invalid Track configuration: {track}")
    if "statusCallback" in stream.attrib:
        warnings.append(Oddity(12200, "the sandbox does not simulate statusCallback of <Stream>"))
    return Stream(
        url=stream.get("url", "").strip(),
        parameters=tuple(_parameters(stream, warnings)),
        action=element.get("action"),
        method=_method(element, "method"),
        name=stream.get("name", ""),
    )


def _parameters(stream: ElementTree.Element, warnings: list[Oddity]) -> list[tuple[str, str]]:
    """Read the custom parameters. Twilio: name and value together stay under 500 characters."""
    read = []
    for child in stream:
        name, value = child.get("name", ""), child.get("value", "")
        if child.tag != "Parameter" or not name:
            warnings.append(Oddity(12200, f"<Stream> may hold <Parameter name value>, not <{child.tag}>"))
        elif len(name) + len(value) >= MAX_PARAMETER:
            warnings.append(Oddity(12200, f"<Parameter> {name} has {MAX_PARAMETER} characters or more"))
        else:
            read.append((name, value))
    return read


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").strip()


def _method(element: ElementTree.Element, attribute: str) -> str:
    method = element.get(attribute, "POST").upper()
    return method if method in {"GET", "POST"} else "POST"


def _loops(element: ElementTree.Element) -> int:
    """Twilio: loop 0 means forever, which is at most 1000 times."""
    value = element.get("loop", "1")
    count = int(value) if value.isascii() and value.isdigit() else 1
    return min(count, MAX_LOOPS) or MAX_LOOPS


_VERBS: dict[str, Callable[[ElementTree.Element, list[Oddity]], Verb]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Redirect": _redirect,
    "Reject": _reject,
    "Hangup": _hangup,
    "Connect": _connect,
}
_ATTRIBUTES: dict[str, frozenset[str]] = {
    "Say": frozenset(("voice", "language", "loop")),
    "Play": frozenset(("loop", "digits")),
    "Pause": frozenset(("length",)),
    "Redirect": frozenset(("method",)),
    "Reject": frozenset(("reason",)),
    "Hangup": frozenset(),
    "Connect": frozenset(("action", "method")),
}
