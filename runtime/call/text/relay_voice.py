"""What the carrier's voice is given to speak, and until when it speaks, as far as can be told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from runtime.call.text.relay_steps import SpeakText
from runtime.call.text.text_script import spoken_ms

if TYPE_CHECKING:
    from runtime.call.text.text_talk import TextTalk

SETTLING: Final = 0.3  # s for the last word to get through
SLOWEST: Final = 2.0  # times the reckoning, after which a voice is not waited for
LATEST: Final = 2.0  # s on top of that


class RelayVoice:
    """The voice of one call. Moments are seconds of the call's clock."""

    __slots__ = ("_begun_at", "_sounds", "until")

    def __init__(self) -> None:
        self._begun_at = -math.inf
        self._sounds = False
        self.until = -math.inf
        """When (s) all is said that was sent, by reckoning."""

    def add(self, text: str, now: float) -> None:
        """Note that a text was sent to be spoken."""
        if now >= self.until:
            self._begun_at = now
        self.until = max(self.until, now) + spoken_ms(text) / 1000

    def stop(self, now: float) -> None:
        """Note that the voice was cut off."""
        self.until = min(self.until, now)
        self._sounds = False

    def report(self, now: float, *, speaking: bool) -> None:
        """Take what the carrier tells of the voice; a silence in the first half is one between two words."""
        self._sounds = speaking
        if not speaking and now >= (self._begun_at + self.until) / 2:
            self.until = min(self.until, now)

    @property
    def ends_at(self) -> float:
        """When (s) the caller has heard everything, as far as can be told."""
        if self._sounds:
            return self._begun_at + SLOWEST * (self.until - self._begun_at) + LATEST
        return self.until + SETTLING


class RelaySpeech:
    """Hands the agent's words on as they are written: what belongs to one answer is one piece of speech."""

    __slots__ = ("_ask_id", "_is_open", "_talk", "voice")

    def __init__(self, talk: TextTalk) -> None:
        self.voice = RelayVoice()
        self._talk = talk
        self._is_open = False
        self._ask_id: str | None = None

    def hand_on(self, now: float) -> list[SpeakText]:
        """Return what there is to be spoken, and the end of what has ended."""
        ask_id = self._talk.ask_id
        was_open = self._is_open
        text = "".join(self._talk.take(now, goes_on=was_open))
        if text:
            self.voice.add(text, now)
        elif not was_open:
            return []
        if not was_open:
            self._ask_id = ask_id
        last = ask_id is None or ask_id != self._ask_id
        self._is_open = not last
        return [SpeakText(text, last=last)] if text or last else []

    def fall_silent(self, now: float) -> list[SpeakText]:
        """Note that the voice was cut off; a piece of speech that is open is ended, as Twilio asks."""
        was_open, self._is_open = self._is_open, False
        self.voice.stop(now)
        return [SpeakText("", last=True)] if was_open else []
