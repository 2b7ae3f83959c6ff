"""Between a call's µ-law and a session of the model that insists on 24 kHz PCM, in one direction or both."""

from __future__ import annotations

import binascii

from runtime.audio.wideband import Narrower, Widener


class Conversion:
    """The converters of one session; a direction that needs none passes as it is."""

    __slots__ = ("_ear", "_item_id", "_speaks_pcm", "_voice")

    def __init__(self, *, hears_pcm: bool, speaks_pcm: bool) -> None:
        self._ear = Widener() if hears_pcm else None
        self._speaks_pcm = speaks_pcm
        self._voice = Narrower()
        self._item_id = ""

    def to_model(self, payload: str) -> str:
        """Return the caller's audio (base64) as the model wants it."""
        if self._ear is None:
            return payload
        return _text(self._ear.feed(binascii.a2b_base64(payload)))

    def from_model(self, item_id: str, payload: str) -> str:
        """Return the agent's audio (base64) as µ-law; what is no base64 stays as it is, to be counted."""
        if not self._speaks_pcm:
            return payload
        if item_id != self._item_id:  # nothing of one utterance belongs into the next
            self._item_id, self._voice = item_id, Narrower()
        try:
            return _text(self._voice.feed(binascii.a2b_base64(payload, strict_mode=True)))
        except binascii.Error:
            return payload


def _text(audio: bytes) -> str:
    return binascii.b2a_base64(audio, newline=False).decode("ascii")
