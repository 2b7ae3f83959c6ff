"""The responses of a session: at most one in the conversation, any number out of band."""

from __future__ import annotations

import random
from collections.abc import Callable

from sandbox.model import server_events as tell
from sandbox.model.answering import CancelReason, Response, Setup
from sandbox.model.client_events import ItemReference, ResponseParams
from sandbox.model.config import AudioFormat, Pcm, SessionConfig
from sandbox.model.items import Conversation, Entry, checked
from sandbox.model.refusal import RefusedError
from sandbox.model.response_object import InputTokens
from sandbox.model.script import Performance, Reply
from sandbox.model.turns import last_heard
from sandbox.model.usage import input_tokens


class Responding:
    """Starts, advances and cancels responses; the replies come from the performance of a script.

    `sends_pcm` is a fault: 24 kHz PCM is sent whatever was agreed.
    """

    def __init__(
        self,
        conversation: Conversation,
        performance: Performance,
        *,
        new_id: Callable[[str], str],
        rng: random.Random,
        sends_pcm: bool = False,
    ) -> None:
        self.has_spoken = False
        self._conversation = conversation
        self._conversation_id = new_id("conv")
        self._performance = performance
        self._new_id = new_id
        self._rng = rng
        self._sends_pcm = sends_pcm
        self._running: list[Response] = []
        self._last_input: InputTokens | None = None

    @property
    def active(self) -> Response | None:
        """The conversation's response in progress."""
        return next((response for response in self._running if response.in_conversation), None)

    @property
    def wake_at(self) -> float | None:
        """When the next event is due."""
        return min((response.due for response in self._running if response.due is not None), default=None)

    def create(
        self, config: SessionConfig, asked: ResponseParams, now: float, *, reply: Reply | None = None
    ) -> list[tell.ServerEvent]:
        """Start a response: to the conversation, or to `asked.input`; `reply` overrules the script."""
        in_conversation = asked.conversation == "auto"
        if in_conversation and self.active is not None:
            raise RefusedError(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self.active.id}. "
                "Wait until the response is finished before creating a new one.",
            )
        entries = self._entries(asked)
        if reply is None:
            reply = self._performance.reply(last_heard(entries), asked.instructions or "")
        response = Response(
            reply,
            self._setup(config, asked, entries),
            self._conversation if in_conversation else None,
            new_id=self._new_id,
            rng=self._rng,
            now=now,
        )
        self._running.append(response)
        return response.advance(now)

    def cancel(self, reason: CancelReason, response_id: str | None = None) -> list[tell.ServerEvent]:
        """Cancel the active response, or the named one."""
        found = self.active
        if response_id is not None:
            found = next((response for response in self._running if response.id == response_id), None)
        if found is None:
            raise RefusedError("response_cancel_not_active", "Cancellation failed: no active response found.")
        events = found.cancel(reason)
        self._settle(found)
        return events

    def wake(self, now: float) -> tuple[list[tell.ServerEvent], list[Response]]:
        """Return the events that are due, and the responses that ended with them."""
        events: list[tell.ServerEvent] = []
        ended: list[Response] = []
        for response in tuple(self._running):
            events += response.advance(now)
            self._settle(response)
            if response.done:
                ended.append(response)
        return events, ended

    def _settle(self, response: Response) -> None:
        self.has_spoken = self.has_spoken or response.audio_ms > 0
        if response.done:
            self._running.remove(response)

    def _entries(self, asked: ResponseParams) -> tuple[Entry, ...]:
        if asked.input is None:
            return self._conversation.entries
        return tuple(
            self._conversation.find(item.id, wanted_for="retrieve")
            if isinstance(item, ItemReference)
            else Entry(checked(item))
            for item in asked.input
        )

    def _setup(self, config: SessionConfig, asked: ResponseParams, entries: tuple[Entry, ...]) -> Setup:
        output = config.audio.output
        if asked.audio is not None and asked.audio.output is not None:
            output = asked.audio.output
        sound: AudioFormat = Pcm() if self._sends_pcm else output.format
        given = input_tokens(asked.instructions or config.instructions, entries, self._last_input)
        self._last_input = given
        return Setup(
            format=output.format,
            sound=sound,
            voice=output.voice,
            modality=(asked.output_modalities or config.output_modalities)[0],
            max_output_tokens=asked.max_output_tokens or config.max_output_tokens,
            metadata=asked.metadata,
            conversation_id=self._conversation_id if asked.conversation == "auto" else None,
            input_tokens=given,
            think_ms=self._performance.script.think_ms,
            speed=self._performance.script.speed,
        )
