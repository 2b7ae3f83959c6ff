"""A GPT-Live session without I/O: client frames and a clock in, server events out.

It hears and speaks at the same time, at the pace of real time; when the caller begins to speak it falls
silent by itself. `now` is milliseconds on any clock that does not go back.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec

from sandbox.model.closing import Closing
from sandbox.model.config import JsonObject, ServerVad, merge
from sandbox.model.config import Pcmu as Ulaw
from sandbox.model.ids import id_maker
from sandbox.model.listening import Ear, Started, Stopped
from sandbox.model.live import client_events as ask
from sandbox.model.live.config import DelegateToClient, LiveConfig
from sandbox.model.live.delegating import Delegated, calls_in
from sandbox.model.live.events import LiveEvent
from sandbox.model.live.sound import to_ulaw
from sandbox.model.live.voice import CHUNK_MS, Voice
from sandbox.model.refusal import RefusedError, refusal_of
from sandbox.model.script import Heard, Performance, Reply, Say, Script, line_in
from sandbox.model.sound import spaced_words
from sandbox.speech import find_similar, find_spoken
from sandbox.speech.ulaw import BYTES_PER_MS, from_pcm
from sandbox.speech.voice import spoken_words

MAX_SESSION_MS = 3_600_000  # OpenAI's is not known
USAGE_EVERY_MS = 10_000  # nor is this
CONTEXT_MS = 7_200_000  # nor how much sound fills the context
MAX_FIXTURE_BYTES = 30 * 24_000 * 2


class LiveSession:
    """One connection's session. `epoch_s` is the wall clock's time at its begin; it ends after `lasts_ms`."""

    def __init__(
        self, *, script: Script, rng: random.Random, now: float, epoch_s: float, lasts_ms: float | None = None
    ) -> None:
        self.closing: Closing | None = None
        self.config: LiveConfig | None = None
        self.notes: list[str] = []
        self._new_id = id_maker(rng)
        self._id = self._new_id("live")
        lasts_ms = MAX_SESSION_MS if lasts_ms is None else lasts_ms
        self._expires_at = now + lasts_ms
        self._epoch_s = int(epoch_s)
        self._expires_epoch_s = int(epoch_s + lasts_ms / 1000)
        self._script = script
        self._performance = Performance(script)
        self._ear = Ear()
        self._ear.turns = ServerVad()
        self._started_at = now
        self._next_chunk_at: float | None = None
        self._next_usage_at = 0.0
        self._replies: list[tuple[float, Heard]] = []
        self._delegated: Delegated | None = None
        self._heard_anything = False
        self._heard_from_ms: float | None = None  # the session's time when sound first came
        self._muted = False
        self._undecoded = b""
        self._voice = Voice(LiveConfig(model="").audio.format)

    def begin(self) -> list[LiveEvent]:
        """Return what comes first: nothing, before the client has started the session."""
        return []

    def handle(self, frame: str | bytes, now: float) -> list[LiveEvent]:
        """Take one frame of the client; a refused one is answered with `error`, and changes nothing."""
        if self.closing is not None:
            return []
        try:
            event = ask.read(frame)
        except RefusedError as refusal:
            return [_error(refusal, ask.event_id_of(frame))]
        try:
            return list(self._obey(event, now))
        except RefusedError as refusal:
            return [_error(refusal, event.event_id)]

    def wake_at(self) -> float | None:
        """Return when `wake` is to be called next."""
        if self.closing is not None:
            return None
        times = [self._expires_at, *(due for due, _ in self._replies)]
        if self._next_chunk_at is not None:
            times += [self._next_chunk_at, self._next_usage_at]
        return min(times)

    def wake(self, now: float) -> list[LiveEvent]:
        """Return everything that is due by now, in the order of its time."""
        events: list[LiveEvent] = []
        while (due := self.wake_at()) is not None and due <= now:
            events += self._at(due)
        return events

    def _at(self, due: float) -> Iterator[LiveEvent]:
        if due >= self._expires_at:
            yield self._closed("expired", None, due)
            return
        ready = [heard for at, heard in self._replies if at <= due]
        self._replies = [(at, heard) for at, heard in self._replies if at > due]
        for heard in ready:
            yield from self._perform(self._performance.reply(heard))
        if self._next_chunk_at is not None and self._next_chunk_at <= due:
            self._next_chunk_at += CHUNK_MS
            yield from self._voice.chunk()
        if self._next_chunk_at is not None and self._next_usage_at <= due:
            self._next_usage_at += USAGE_EVERY_MS
            yield self._usage(due)

    def _obey(self, event: ask.AnyLiveEvent, now: float) -> Iterator[LiveEvent]:
        if isinstance(event, ask.Start):
            yield self._start(event, now)
            return
        if self.config is None:
            raise RefusedError("session_not_started", "The first event must be session.start.", param="type")
        match event:
            case ask.Append():
                yield from self._listen(ask.decoded(event.audio), self.config, now)
            case ask.Mute() | ask.Unmute():
                self._muted = isinstance(event, ask.Mute)
                what = "muted" if self._muted else "unmuted"
                yield LiveEvent(f"session.input_audio.{what}", _answering(event))
            case ask.FixturePlay():
                yield self._play_fixture(event)
            case ask.Instruct() | ask.Comment() | ask.Think():
                yield from self._take_guidance(event)
            case ask.Update():
                yield self._update(event, self.config)
            case ask.ItemCreate():
                self._delegation().answer(event.item)
            case ask.ResponseCreate():
                events, said = self._delegation().go_on()
                yield from events
                yield from self._perform(said)
                yield self._usage(now)
            case ask.Close():
                yield self._closed("close_requested", event.event_id, now)

    def _start(self, event: ask.Start, now: float) -> LiveEvent:
        if self.config is not None:
            raise RefusedError("session_already_started", "The session has been started.", param="type")
        self.config = event.session
        self._voice = Voice(event.session.audio.format)
        self._started_at = now
        self._next_chunk_at = now + CHUNK_MS
        self._next_usage_at = now + USAGE_EVERY_MS
        return LiveEvent("session.started", {"session": self._resource(), **_answering(event)})

    def _update(self, event: ask.Update, config: LiveConfig) -> LiveEvent:
        """Change the delegation; everything else is fixed."""
        changed = merge(msgspec.to_builtins(config), msgspec.to_builtins(event.session))
        try:
            self.config = msgspec.convert(changed, LiveConfig)
        except msgspec.ValidationError as error:
            raise refusal_of(error, under="session") from error
        return LiveEvent("session.updated", {"session": self._resource(), **_answering(event)})

    def _listen(self, audio: bytes, config: LiveConfig, now: float) -> Iterator[LiveEvent]:
        if self._heard_from_ms is None:
            self._heard_from_ms = now - self._started_at
        ulaw, self._undecoded = to_ulaw(self._undecoded + audio, config.audio.format)
        if self._muted or self._voice.is_playing:
            ulaw = b"\xff" * len(ulaw)
        for noticed in self._ear.feed(ulaw, Ulaw()):
            match noticed:
                case Started():
                    self._heard_anything = True
                    self._voice.hush()
                case Stopped():
                    yield from self._understand(noticed, now)

    def _understand(self, turn: Stopped, now: float) -> Iterator[LiveEvent]:
        """Tell what was said, word by word, and plan an answer."""
        spoken = find_spoken(turn.ulaw)
        similar = None if spoken else find_similar(turn.ulaw)
        clips = (similar,) if similar is not None else spoken
        if not clips:
            self.notes.append(f"{len(turn.ulaw) // BYTES_PER_MS} ms of sound match no clip")
        text = " ".join(clip.text for clip in clips)
        words, length = spaced_words(text), len(turn.ulaw) // BYTES_PER_MS
        began_ms = turn.at_ms - length + int(self._heard_from_ms or 0)
        for number, word in enumerate(words if text else ()):
            start, end = (began_ms + length * n // len(words) for n in (number, number + 1))
            fields = {"delta": word, "start_ms": start, "end_ms": end}
            yield LiveEvent("session.input_transcript.delta", dict(fields))
        heard = Heard(text=text, clips=tuple(clip.name for clip in clips))
        self._replies.append((now + self._script.think_ms, heard))

    def _perform(self, reply: Reply) -> Iterator[LiveEvent]:
        """Say what is to be said, and delegate what is to be done."""
        for output in reply:
            if isinstance(output, Say):
                self._voice.say(output.text, output.ulaw or spoken_words(output.text))
        calls = calls_in(reply)
        delegation = self.config.delegation if self.config is not None else None
        if not calls or delegation is None:
            return
        if isinstance(delegation, DelegateToClient):
            told = {"id": self._new_id("del"), "type": "delegation", "target": "client"}
            fields: JsonObject = {"delegation": told, "offset_ms": self._voice.at_ms}
            yield LiveEvent("session.delegation.created", fields)
            return
        if self._delegated is not None and self._delegated.waits:
            self.notes.append("functions were to be called while others had not answered")
            return
        self._delegated = Delegated(delegation.responses, self._performance, self._new_id, self._epoch_s)
        yield from self._delegated.begin(calls, self._voice.at_ms)

    def _take_guidance(self, event: ask.Instruct | ask.Comment | ask.Think) -> Iterator[LiveEvent]:
        """Heed an instruction, say a commentary, know a thought."""
        kind = {ask.Instruct: "instructions", ask.Comment: "commentary", ask.Think: "thinking"}[type(event)]
        at_ms = self._voice.at_ms
        fields: JsonObject = {"start_ms": at_ms, "end_ms": at_ms, **_answering(event)}
        yield LiveEvent(f"session.{kind}.appended", fields)
        if isinstance(event, ask.Comment):
            yield from self._perform((Say(event.content),))
        elif isinstance(event, ask.Instruct):
            ordered = line_in(event.content)
            if ordered is not None:
                yield from self._perform((ordered,))
            elif not self._heard_anything and not self._voice.speaking:
                yield from self._perform(self._script.greeting)

    def _play_fixture(self, event: ask.FixturePlay) -> LiveEvent:
        pcm = ask.decoded(event.audio)
        if len(pcm) > MAX_FIXTURE_BYTES:
            raise RefusedError("invalid_value", "Invalid 'audio': more than 30 seconds.", param="audio")
        self._voice.play(from_pcm(b"".join(pcm[at : at + 2] for at in range(0, len(pcm) - 5, 6))))
        return LiveEvent("session.output_audio.fixture.playing", _answering(event))

    def _delegation(self) -> Delegated:
        if self._delegated is None or not self._delegated.waits:
            raise RefusedError("invalid_request", "There is no delegated response.", param="type")
        return self._delegated

    def _closed(self, reason: str, client_event_id: str | None, now: float) -> LiveEvent:
        self.closing = Closing(1000, reason)
        fields: JsonObject = {"reason": reason, "session": self._resource(), "usage": self._seconds(now)}
        if client_event_id is not None:
            fields["client_event_id"] = client_event_id
        return LiveEvent("session.closed", fields)

    def _usage(self, now: float) -> LiveEvent:
        usage = self._seconds(now)
        ratio = min(1.0, (now - self._started_at) / CONTEXT_MS)
        fields: JsonObject = {"usage": usage, "context_window": {"usage_ratio": round(ratio, 4)}}
        return LiveEvent("session.usage.updated", fields)

    def _seconds(self, now: float) -> JsonObject:
        """Return what is billed: every second that the session is open, silence included."""
        return {"seconds": round((now - self._started_at) / 1000, 3)}

    def _resource(self) -> JsonObject:
        config: JsonObject = msgspec.to_builtins(self.config) if self.config is not None else {"model": ""}
        return {
            **{name: value for name, value in config.items() if value is not None},
            "id": self._id,
            "status": "active",
            "expires_at": self._expires_epoch_s,
        }


def _answering(event: ask.LiveClientEvent) -> JsonObject:
    """Return the field that says which event of the client is answered."""
    return {} if event.event_id is None else {"client_event_id": event.event_id}


def _error(refusal: RefusedError, event_id: str | None) -> LiveEvent:
    error: JsonObject = {"type": "invalid_request_error", "code": refusal.code, "message": refusal.message}
    if refusal.param is not None:
        error["param"] = refusal.param
    if event_id is not None:
        error["client_event_id"] = event_id
    return LiveEvent("error", {"error": error})
