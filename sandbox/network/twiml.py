"""Reading a TwiML document: its verbs as values, and what is wrong with it as Twilio's debugger says it.

Element and attribute names are case-sensitive, the root is `<Response>`, comments are ignored. An
unknown verb is a warning (12200) and is skipped; a document that cannot be read is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sandbox.network.attributes import SkippedError, loops_of, method_of, text_of
from sandbox.network.relay_attributes import LANGUAGE_ATTRIBUTES, RELAY_ATTRIBUTES, read_relay
from sandbox.network.twiml_dial import read_dial, read_gather, read_record, read_start
from sandbox.network.verbs import Hangup, Pause, Play, PlayDigits, Redirect, Reject, Relay, Say, Stream, Verb

MAX_PARAMETER = 500
# Twilio: bytes of UTF-8 in a <Say>, tags not counted; voices of Amazon Polly take less.
MAX_TEXT = 4096
MAX_POLLY_TEXT = 3000

# Verbs of Twilio that the sandbox knows by name only. It says so in the debugger instead of guessing.
NOT_SIMULATED = frozenset(("Echo", "Enqueue", "Leave", "Pay", "Prompt", "Queue", "Refer", "Sms", "Stop"))


class TwimlError(Exception):
    """A document that Twilio refuses: `code` is the debugger's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


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
        except SkippedError as skipped:
            warnings.append(Oddity(skipped.code, str(skipped)))
    return Document(tuple(verbs), tuple(warnings))


def _verb(element: Element, warnings: list[Oddity]) -> Verb:
    if element.tag in NOT_SIMULATED:
        raise SkippedError(12200, f"<{element.tag}> is TwiML, but the sandbox does not simulate it")
    read = _VERBS.get(element.tag)
    if read is None:
        raise SkippedError(12200, f"Invalid content: <{element.tag}> is no verb of <Response>")
    for one in element.iter():
        unknown = set(one.attrib) - _ATTRIBUTES.get(one.tag, frozenset(one.attrib))
        if unknown:
            names = ", ".join(sorted(unknown))
            warnings.append(Oddity(12200, f"Attribute not allowed in <{one.tag}>: {names}"))
    return read(element, warnings)


def _say(element: Element, _: list[Oddity]) -> Say:
    text = " ".join("".join(element.itertext()).split())
    if not text:
        raise SkippedError(13520, "<Say> has no text")
    most = MAX_POLLY_TEXT if element.get("voice", "").startswith("Polly.") else MAX_TEXT
    if len(text.encode()) > most:
        raise SkippedError(13521, f"<Say> has more than {most} bytes of text")
    return Say(text, loops_of(element))


def _play(element: Element, _: list[Oddity]) -> Play | PlayDigits:
    if digits := element.get("digits", ""):
        if set(digits) - set("0123456789*#wW"):
            raise SkippedError(13420, f"<Play> has invalid digits: {digits}")
        return PlayDigits(digits.lower())
    url = text_of(element)
    if not url:
        raise SkippedError(13420, "<Play> names no media")
    return Play(url, loops_of(element))


def _pause(element: Element, _: list[Oddity]) -> Pause:
    length = element.get("length", "1")
    if not (length.isascii() and length.isdigit()):
        raise SkippedError(13710, f"<Pause> has an invalid length: {length}")
    return Pause(int(length))


def _gather(element: Element, warnings: list[Oddity]) -> Verb:
    """Read a `<Gather>`. Twilio: it holds Say, Play and Pause."""
    prompts: list[Say | Play | Pause] = []
    for child in element:
        reader = {"Say": _say, "Play": _play, "Pause": _pause}.get(child.tag)
        try:
            prompt = reader(child, warnings) if reader else None
        except SkippedError as skipped:
            warnings.append(Oddity(skipped.code, str(skipped)))
            continue
        if isinstance(prompt, Say | Play | Pause):
            prompts.append(prompt)
        else:
            warnings.append(Oddity(12200, f"<Gather> may hold Say, Play and Pause, not <{child.tag}>"))
    return read_gather(element, tuple(prompts))


def _redirect(element: Element, _: list[Oddity]) -> Redirect:
    return Redirect(text_of(element), method_of(element))


def _reject(element: Element, _: list[Oddity]) -> Reject:
    reason = element.get("reason", "rejected")
    return Reject(reason if reason in {"rejected", "busy"} else "rejected")


def _hangup(_element: Element, _: list[Oddity]) -> Hangup:
    return Hangup()


def _connect(element: Element, warnings: list[Oddity]) -> Stream | Relay:
    noun = next((child for child in element if child.tag in {"Stream", "ConversationRelay"}), None)
    action, method = element.get("action"), method_of(element)
    if noun is None:
        nouns = ", ".join(f"<{child.tag}>" for child in element) or "nothing"
        raise SkippedError(
            12200, f"<Connect> holds {nouns}: the sandbox simulates <Stream> and <ConversationRelay>"
        )
    if noun.tag == "ConversationRelay":
        parameters = _parameters(noun, warnings, "Language")
        return read_relay(noun, tuple(parameters), action, method)
    track = noun.get("track", "inbound_track")
    if track != "inbound_track":
        raise SkippedError(31941, f"Stream - Invalid Track configuration: {track}")
    if "statusCallback" in noun.attrib:
        warnings.append(Oddity(12200, "the sandbox does not simulate statusCallback of <Stream>"))
    return Stream(
        url=noun.get("url", "").strip(),
        parameters=tuple(_parameters(noun, warnings)),
        action=action,
        method=method,
        name=noun.get("name", ""),
    )


def _parameters(noun: Element, warnings: list[Oddity], *others: str) -> list[tuple[str, str]]:
    """Read the custom parameters. Twilio: name and value together stay under 500 characters."""
    read = []
    for child in noun:
        if child.tag in others:
            continue
        name, value = child.get("name", ""), child.get("value", "")
        if child.tag != "Parameter" or not name:
            warnings.append(Oddity(12200, f"<{noun.tag}> may hold <Parameter name value>, not <{child.tag}>"))
        elif len(name) + len(value) >= MAX_PARAMETER:
            warnings.append(Oddity(12200, f"<Parameter> {name} has {MAX_PARAMETER} characters or more"))
        else:
            read.append((name, value))
    return read


_VERBS: dict[str, Callable[[Element, list[Oddity]], Verb]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Redirect": _redirect,
    "Reject": _reject,
    "Hangup": _hangup,
    "Connect": _connect,
    "Gather": _gather,
    "Dial": lambda element, _: read_dial(element),
    "Record": lambda element, _: read_record(element),
    "Start": lambda element, _: read_start(element),
}


def _named(names: str) -> frozenset[str]:
    return frozenset(names.split())


_RECORDING = "trim recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent"
_STATUS = "statusCallback statusCallbackMethod statusCallbackEvent"

# Elements that are not listed may have any attribute.
_ATTRIBUTES: dict[str, frozenset[str]] = {
    "Say": _named("voice language loop"),
    "Play": _named("loop digits"),
    "Pause": _named("length"),
    "Redirect": _named("method"),
    "Reject": _named("reason"),
    "Hangup": frozenset(),
    "Connect": _named("action method"),
    "ConversationRelay": RELAY_ATTRIBUTES,
    "Language": LANGUAGE_ATTRIBUTES,
    "Gather": _named(
        "input action method timeout numDigits finishOnKey actionOnEmptyResult speechTimeout speechModel "
        "language hints profanityFilter partialResultCallback partialResultCallbackMethod enhanced bargeIn "
        "maxSpeechTime debug"
    ),
    "Dial": _named(
        "action method timeout timeLimit callerId hangupOnStar answerOnBridge ringTone record recordingTrack "
        f"referUrl referMethod sequential events passports recordingConfigurationId {_RECORDING}"
    ),
    "Number": _named(
        "sendDigits url method byoc machineDetection machineDetectionTimeout machineDetectionSpeechThreshold "
        "machineDetectionSpeechEndThreshold machineDetectionSilenceTimeout amdStatusCallback "
        f"amdStatusCallbackMethod {_STATUS}"
    ),
    "Conference": _named(
        "muted beep startConferenceOnEnter endConferenceOnExit participantLabel jitterBufferSize waitUrl "
        "waitMethod maxParticipants record region coach recordingTrack eventCallbackUrl "
        f"{_STATUS} {_RECORDING}"
    ),
    "Record": _named(
        "action method timeout finishOnKey maxLength playBeep transcribe transcribeCallback recordingTrack "
        f"{_RECORDING}"
    ),
    "Recording": _named(f"channels track {_RECORDING}"),
}
