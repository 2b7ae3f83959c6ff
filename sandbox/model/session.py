"""A Realtime session without I/O: client frames and a clock in, server events out.

    session = Session(...)
    send(session.begin())
    send(session.handle(frame, now))        # for each frame of the client
    send(session.wake(now))                 # at session.wake_at()

`now` is milliseconds on any clock that does not go back. Turns are found in the received audio
(`listening`), replies come from a script (`script`), responses are made over time (`answering`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import msgspec

from sandbox.model import client_events as ask
from sandbox.model import server_events as tell
from sandbox.model.answering import Response
from sandbox.model.closing import Closing
from sandbox.model.config import JsonObject, Pcm, ServerVad, SessionConfig, updated
from sandbox.model.editing import edit
from sandbox.model.ids import id_maker
from sandbox.model.items import Conversation, Entry, InputAudio, Message
from sandbox.model.listening import Ear, Started, Stopped
from sandbox.model.refusal import RefusedError
from sandbox.model.responding import Responding
from sandbox.model.script import Performance, Script
from sandbox.model.transcribing import Transcriber
from sandbox.speech import Clip, find_similar, find_spoken, is_speech
from sandbox.speech.ulaw import BYTES_PER_MS

MAX_SESSION_MS = 3_600_000  # OpenAI: 60 minutes, then session_expired and close 1001
MIN_COMMIT_MS = 100


@dataclass(frozen=True, slots=True)
class Quirks:
    """What this server does wrong on purpose.

    `echo_pcm` updates of the session are answered, and meant, with 24 kHz PCM whatever was asked;
    with `send_pcm` the right format is echoed and PCM is sent; `lasts_ms` stands for the 60 minutes.
    """

    echo_pcm: int = 0
    send_pcm: bool = False
    lasts_ms: float | None = None


class Session:
    """One connection's session. `epoch_s` is the wall clock's time at its begin."""

    def __init__(
        self,
        *,
        model: str,
        script: Script,
        rng: random.Random,
        now: float,
        epoch_s: float,
        quirks: Quirks = Quirks(),
    ) -> None:
        self.closing: Closing | None = None
        self.notes: list[str] = []
        self.config = SessionConfig(type="realtime", model=model)
        self.conversation = Conversation()
        self._new_id = id_maker(rng)
        self._id = self._new_id("sess")
        self._echo_pcm_left = quirks.echo_pcm
        lasts_ms = MAX_SESSION_MS if quirks.lasts_ms is None else quirks.lasts_ms
        self._expires_at = now + lasts_ms
        self._expires_epoch_s = int(epoch_s + lasts_ms / 1000)
        self._ear = Ear()
        self._ear.turns = self.config.audio.input.turn_detection
        self._turn_item_id: str | None = None
        self._idle_at: float | None = None
        self._script = script
        self._transcriber = Transcriber(self.conversation, script.transcription_ms, rng)
        self._responding = Responding(
            self.conversation,
            Performance(script),
            new_id=self._new_id,
            rng=rng,
            sends_pcm=quirks.send_pcm,
        )

    def begin(self) -> list[tell.ServerEvent]:
        """Return what comes first: `session.created` with every default."""
        return [tell.SessionCreated(session=self._session_object())]

    def handle(self, frame: str | bytes, now: float) -> list[tell.ServerEvent]:
        """Take one frame of the client; a refused one is answered with `error`, and changes nothing."""
        if self.closing is not None:
            return []
        try:
            event = ask.read(frame)
        except RefusedError as refusal:
            return [_error(refusal, ask.event_id_of(frame))]
        try:
            return self._obey(event, now)
        except RefusedError as refusal:
            return [_error(refusal, event.event_id)]

    def wake_at(self) -> float | None:
        """Return when `wake` is to be called next, None when there is nothing to wait for."""
        if self.closing is not None:
            return None
        times = (self._expires_at, self._idle_at, self._responding.wake_at, self._transcriber.wake_at)
        return min(time for time in times if time is not None)

    def wake(self, now: float) -> list[tell.ServerEvent]:
        """Return everything that is due by now, in the order of its time."""
        events: list[tell.ServerEvent] = []
        while (due := self.wake_at()) is not None and due <= now:
            events += self._at(due)
        return events

    def _at(self, due: float) -> list[tell.ServerEvent]:
        if due >= self._expires_at:
            self.closing = Closing(1001, "session expired")
            return [tell.SESSION_EXPIRED]
        events, ended = self._responding.wake(due)
        for response in ended:
            self._wait_for_caller(response, due)
        events += self._transcriber.wake(due)
        if self._idle_at is not None and self._idle_at <= due:
            events += self._prompt_silent_caller(due)
        return events

    def _obey(self, event: ask.AnyClientEvent, now: float) -> list[tell.ServerEvent]:
        match event:
            case ask.Append():
                return self._listen(event.decoded(), now)
            case ask.SessionUpdate():
                return self._update(event.session)
            case ask.Commit():
                return self._commit_by_hand(now)
            case ask.Clear():
                self._ear.take()
                self._turn_item_id = None
                return [tell.Cleared()]
            case ask.ResponseCreate():
                return self._respond(event.response or ask.ResponseParams(), now)
            case ask.ResponseCancel():
                return self._responding.cancel("client_cancelled", event.response_id)
            case ask.OutputClear():
                raise RefusedError(
                    "invalid_event", "output_audio_buffer.clear is for WebRTC and SIP only.", param="type"
                )
            case _:
                return edit(self.conversation, event, self._new_id)

    def _update(self, update: JsonObject) -> list[tell.ServerEvent]:
        config = updated(self.config, update)
        if self._responding.has_spoken and config.audio.output.voice != self.config.audio.output.voice:
            raise RefusedError(
                "cannot_update_voice",
                "Cannot update a conversation's voice if assistant audio is present.",
                param="session.audio.output.voice",
            )
        if self._echo_pcm_left > 0:
            self._echo_pcm_left -= 1
            config = _with_pcm(config)
        self.config = config
        self._ear.turns = config.audio.input.turn_detection
        return [tell.SessionUpdated(session=self._session_object())]

    def _listen(self, audio: bytes, now: float) -> list[tell.ServerEvent]:
        events: list[tell.ServerEvent] = []
        for heard in self._ear.feed(audio, self.config.audio.input.format):
            match heard:
                case Started():
                    events += self._begin_turn(heard)
                case Stopped():
                    events += self._end_turn(heard, now)
        return events

    def _begin_turn(self, heard: Started) -> list[tell.ServerEvent]:
        self._idle_at = None
        self._turn_item_id = self._new_id("item")
        events: list[tell.ServerEvent] = [
            tell.SpeechStarted(audio_start_ms=heard.at_ms, item_id=self._turn_item_id)
        ]
        turns = self.config.audio.input.turn_detection
        if turns is not None and turns.interrupt_response and self._responding.active is not None:
            events += self._responding.cancel("turn_detected")
        return events

    def _end_turn(self, heard: Stopped, now: float) -> list[tell.ServerEvent]:
        item_id = self._turn_item_id or self._new_id("item")
        self._turn_item_id = None
        events: list[tell.ServerEvent] = [tell.SpeechStopped(audio_end_ms=heard.at_ms, item_id=item_id)]
        events += self._commit(item_id, heard.ulaw, now)
        turns = self.config.audio.input.turn_detection
        if turns is not None and turns.create_response:
            events += self._respond_by_itself(now)
        return events

    def _commit_by_hand(self, now: float) -> list[tell.ServerEvent]:
        if self._ear.buffered_ms < MIN_COMMIT_MS:
            raise RefusedError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has {self._ear.buffered_ms:.2f}ms of audio.",
            )
        item_id = self._turn_item_id or self._new_id("item")
        self._turn_item_id = None
        return self._commit(item_id, self._ear.take(), now)

    def _commit(self, item_id: str, ulaw: bytes, now: float) -> list[tell.ServerEvent]:
        spoken = find_spoken(ulaw) or self._guess(ulaw)
        audio_ms = len(ulaw) // BYTES_PER_MS
        text = " ".join(clip.text for clip in spoken)
        if not spoken and is_speech(ulaw):
            self.notes.append(f"{item_id}: {audio_ms} ms of audio match no clip; was it changed on its way?")
        item = Message(id=item_id, role="user", content=(InputAudio(),))
        entry = Entry(item, audio_ms=audio_ms, clips=tuple(clip.name for clip in spoken), heard=text)
        previous = self.conversation.add(entry)
        if self.config.audio.input.transcription is not None:
            self._transcriber.add(item_id, text, audio_ms, now)
        return [
            tell.Committed(item_id=item_id, previous_item_id=previous),
            tell.ItemAdded(item=item, previous_item_id=previous),
            tell.ItemDone(item=item, previous_item_id=previous),
        ]

    def _guess(self, ulaw: bytes) -> tuple[Clip, ...]:
        # 24 kHz audio was converted by the client, so its bytes cannot be those of a clip.
        if not isinstance(self.config.audio.input.format, Pcm):
            return ()
        similar = find_similar(ulaw)
        return () if similar is None else (similar,)

    def _respond(self, asked: ask.ResponseParams, now: float) -> list[tell.ServerEvent]:
        events = self._responding.create(self.config, asked, now)
        self._idle_at = None
        return events

    def _respond_by_itself(self, now: float) -> list[tell.ServerEvent]:
        try:
            return self._respond(ask.ResponseParams(), now)
        except RefusedError as refusal:  # the caller spoke into a response that may not be interrupted
            return [_error(refusal, None)]

    def _wait_for_caller(self, response: Response, now: float) -> None:
        turns = self.config.audio.input.turn_detection
        if not response.in_conversation or not isinstance(turns, ServerVad) or turns.idle_timeout_ms is None:
            return
        if not self._ear.speaking:
            self._idle_at = now + response.audio_ms + turns.idle_timeout_ms

    def _prompt_silent_caller(self, now: float) -> list[tell.ServerEvent]:
        self._idle_at = None
        item_id = self._new_id("item")
        silence_from = self._ear.heard_ms - int(self._ear.buffered_ms)
        events: list[tell.ServerEvent] = [
            tell.TimeoutTriggered(
                item_id=item_id, audio_start_ms=silence_from, audio_end_ms=self._ear.heard_ms
            )
        ]
        events += self._commit(item_id, self._ear.take(), now)
        return events + self._responding.create(
            self.config, ask.ResponseParams(), now, reply=self._script.idle
        )

    def _session_object(self) -> JsonObject:
        config: JsonObject = msgspec.to_builtins(self.config)
        return {
            **config,
            "object": "realtime.session",
            "id": self._id,
            "expires_at": self._expires_epoch_s,
        }


def _error(refusal: RefusedError, event_id: str | None) -> tell.Error:
    return tell.Error(
        error=tell.ErrorDetails(
            type="invalid_request_error",
            code=refusal.code,
            message=refusal.message,
            param=refusal.param,
            event_id=event_id,
        )
    )


def _with_pcm(config: SessionConfig) -> SessionConfig:
    replace = msgspec.structs.replace
    audio = config.audio
    return replace(
        config,
        audio=replace(
            audio, input=replace(audio.input, format=Pcm()), output=replace(audio.output, format=Pcm())
        ),
    )
