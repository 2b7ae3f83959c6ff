"""Reading the verbs that bring others into a call or take something from it: Dial, Gather, Record, Start."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from sandbox.network.attributes import SkippedError, callback_of, flag, method_of, text_of, whole
from sandbox.network.verbs import (
    MUSIC,
    Callback,
    Conference,
    Dial,
    Gather,
    Number,
    Prompt,
    Record,
    StartRecording,
)

# Twilio: `auto` ends an utterance at a natural pause; here that is always so long.
AUTO_SPEECH_TIMEOUT_S = 1.0
CONFERENCE_EVENTS = frozenset(
    ("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement")
)


def read_gather(element: Element, prompts: tuple[Prompt, ...]) -> Gather:
    """Read a `<Gather>` whose nested verbs have been read. Raises SkippedError."""
    inputs = set(element.get("input", "dtmf").split())
    if not inputs or inputs - {"dtmf", "speech"}:
        raise SkippedError(12200, f"<Gather> has an invalid input: {element.get('input')}")
    timeout = whole(element, "timeout", 5)
    partial = element.get("partialResultCallback", "").strip()
    return Gather(
        prompts=prompts,
        takes_digits="dtmf" in inputs,
        takes_speech="speech" in inputs,
        action=element.get("action") or None,
        method=method_of(element),
        timeout_s=timeout,
        speech_timeout_s=_speech_timeout(element, timeout),
        num_digits=whole(element, "numDigits", 0) or None,
        finish_on_key=element.get("finishOnKey", "#"),
        action_on_empty_result=flag(element, "actionOnEmptyResult", default=False),
        barge_in=flag(element, "bargeIn", default=True),
        partial_callback=Callback(partial, method_of(element, "partialResultCallbackMethod"))
        if partial
        else None,
    )


def _speech_timeout(element: Element, timeout: int) -> float:
    """Return the quiet that ends an utterance. Twilio: with a `speechModel`, `auto` is refused (13335)."""
    if element.get("speechTimeout") != "auto":
        return whole(element, "speechTimeout", timeout)
    if "speechModel" in element.attrib:
        raise SkippedError(13335, "<Gather> with a speechModel needs a speechTimeout in seconds")
    return AUTO_SPEECH_TIMEOUT_S


def read_dial(element: Element) -> Dial:
    """Read a `<Dial>`: numbers, or one conference. Raises SkippedError."""
    conference = element.find("Conference")
    numbers = [_number(child) for child in element if child.tag == "Number"]
    if plain := text_of(element):
        numbers.insert(0, Number(plain))
    others = [child.tag for child in element if child.tag not in {"Number", "Conference"}]
    if others:
        raise SkippedError(12200, f"<Dial> holds <{others[0]}>: the sandbox simulates Number and Conference")
    if conference is None and not numbers:
        raise SkippedError(12200, "<Dial> names nobody")
    return Dial(
        numbers=tuple(numbers),
        conference=_conference(conference) if conference is not None else None,
        action=element.get("action") or None,
        method=method_of(element),
        timeout_s=whole(element, "timeout", 30),
        time_limit_s=whole(element, "timeLimit", 14_400),
        caller_id=element.get("callerId") or None,
        hangup_on_star=flag(element, "hangupOnStar", default=False),
        answer_on_bridge=flag(element, "answerOnBridge", default=False),
    )


def _number(element: Element) -> Number:
    return Number(
        number=text_of(element),
        url=element.get("url") or None,
        method=method_of(element),
        send_digits=element.get("sendDigits", ""),
        callback=callback_of(element),
    )


def _conference(element: Element) -> Conference:
    name = text_of(element)
    if not name or len(name) > 128:
        raise SkippedError(12200, "<Conference> needs a name of 1 to 128 characters")
    callback = callback_of(element, events=("start", "end"))
    if callback is not None and (unknown := set(callback.events) - CONFERENCE_EVENTS):
        raise SkippedError(12200, f"<Conference> has an invalid statusCallbackEvent: {sorted(unknown)[0]}")
    return Conference(
        name=name,
        muted=flag(element, "muted", default=False),
        start_on_enter=flag(element, "startConferenceOnEnter", default=True),
        end_on_exit=flag(element, "endConferenceOnExit", default=False),
        label=element.get("participantLabel", ""),
        wait_url=element.get("waitUrl", MUSIC).strip(),
        wait_method=method_of(element, "waitMethod"),
        max_participants=whole(element, "maxParticipants", 250),
        callback=callback,
    )


def read_record(element: Element) -> Record:
    """Read a `<Record>`."""
    return Record(
        action=element.get("action") or None,
        method=method_of(element),
        timeout_s=whole(element, "timeout", 5),
        finish_on_key=element.get("finishOnKey", "1234567890*#"),
        max_length_s=whole(element, "maxLength", 3600),
        play_beep=flag(element, "playBeep", default=True),
        callback=callback_of(element, "recordingStatusCallback"),
    )


def read_start(element: Element) -> StartRecording:
    """Read a `<Start>`. Raises SkippedError for anything but a recording."""
    recording = element.find("Recording")
    if recording is None:
        nouns = ", ".join(f"<{child.tag}>" for child in element) or "nothing"
        raise SkippedError(12200, f"<Start> holds {nouns}: the sandbox simulates <Recording> only")
    callback = callback_of(recording, "recordingStatusCallback")
    if callback is not None and not callback.url.startswith(("http://", "https://")):
        raise SkippedError(12200, "recordingStatusCallback of <Recording> must be absolute")
    track = recording.get("track", "both")
    return StartRecording(
        callback, "inbound" if track == "inbound" else "outbound" if track == "outbound" else "both"
    )
