"""The verbs of TwiML as values, as far as the network carries them out; URLs as written, maybe relative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MUSIC = "http://twimlets.com/holdmusic?Bucket=com.twilio.music.classical"
"""What Twilio plays in a conference without a `waitUrl`; the sandbox hums it by itself."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Where progress is reported: `url`, `method`, and which events."""

    url: str
    method: str = "POST"
    events: tuple[str, ...] = ("completed",)


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
class PlayDigits:
    """Let the other side hear keys: 0-9, *, #, and `w` for half a second."""

    digits: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, `seconds` long."""

    seconds: int = 1


Prompt = Say | Play | Pause


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


Interruptible = frozenset[str]
"""Which kinds of input: dtmf, speech, both or none."""

_ANY: Interruptible = frozenset(("dtmf", "speech"))


@dataclass(frozen=True, slots=True)
class Relay:
    """`<Connect><ConversationRelay>`: Twilio hears and speaks, the app reads and writes.

    `sensitivity` (low, medium, high) is how soon speech interrupts; `reported_during_speech` the input that
    is told though it did not interrupt; `error` what forbids the session, empty where nothing does.
    """

    url: str
    parameters: tuple[tuple[str, str], ...] = ()
    action: str | None = None
    method: str = "POST"
    welcome_greeting: str = ""
    greeting_interruptible: Interruptible = _ANY
    interruptible: Interruptible = _ANY
    sensitivity: str = "high"
    ignores_backchannel: bool = False
    reported_during_speech: Interruptible = frozenset()
    preemptible: bool = False
    detects_dtmf: bool = False
    partial_prompts: bool = False
    speech_timeout_ms: int = 700
    tts_language: str = "en-US"
    transcription_language: str = "en-US"
    events: frozenset[str] = frozenset()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Gather:
    """Collect keys and speech while `prompts` play and `timeout_s` after them.

    `action` None is the document's own URL. `speech_timeout_s` of quiet end an utterance. Keys of
    `finish_on_key` end the input and are no part of it. Without `barge_in` speech does not stop the prompts.
    """

    prompts: tuple[Prompt, ...] = ()
    takes_digits: bool = True
    takes_speech: bool = False
    action: str | None = None
    method: str = "POST"
    timeout_s: float = 5
    speech_timeout_s: float = 5
    num_digits: int | None = None
    finish_on_key: str = "#"
    action_on_empty_result: bool = False
    partial_callback: Callback | None = None
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class Number:
    """Somebody to dial. The document at `url` is played to the called side before both are connected."""

    number: str
    url: str | None = None
    method: str = "POST"
    send_digits: str = ""
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class Conference:
    """A room to join. `wait_url` is asked for what to hear while waiting; the empty one is silence.

    `callback` has the events start, end, join, leave, mute, hold, modify; the first who joins sets it.
    """

    name: str
    muted: bool = False
    start_on_enter: bool = True
    end_on_exit: bool = False
    label: str = ""
    wait_url: str = MUSIC
    wait_method: str = "POST"
    max_participants: int = 250
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """Connect the call with somebody else: the first of `numbers` to answer, or a conference."""

    numbers: tuple[Number, ...] = ()
    conference: Conference | None = None
    action: str | None = None
    method: str = "POST"
    timeout_s: int = 30
    time_limit_s: int = 14_400
    caller_id: str | None = None
    hangup_on_star: bool = False
    answer_on_bridge: bool = False


@dataclass(frozen=True, slots=True)
class StartRecording:
    """`<Start><Recording>`: record from here on, beside what comes next; Twilio: always two channels."""

    callback: Callback | None = None
    track: Literal["both", "inbound", "outbound"] = "both"


@dataclass(frozen=True, slots=True)
class Record:
    """Record the caller until a key, so much quiet or so long; `action` None is the document's own URL."""

    action: str | None = None
    method: str = "POST"
    timeout_s: int = 5
    finish_on_key: str = "1234567890*#"
    max_length_s: int = 3600
    play_beep: bool = True
    callback: Callback | None = None


Verb = (
    Say
    | Play
    | PlayDigits
    | Pause
    | Redirect
    | Reject
    | Hangup
    | Stream
    | Relay
    | Gather
    | Dial
    | StartRecording
    | Record
)
