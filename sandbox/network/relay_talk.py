"""The talk of a ConversationRelay session: what the app has said, what the caller says into it. No I/O.

Tokens are spoken as they come, each as long as its characters take. What cuts the voice off is told with
the words that had been heard, and what was still to come is dropped; tokens that come after that are spoken
again, as an answer of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.network import relay_wire as wire
from sandbox.network.caller import TICK_MS
from sandbox.network.line import Line, LineTick
from sandbox.network.media_files import spoken_words
from sandbox.network.recognising import Recogniser
from sandbox.network.utterances import Utterance
from sandbox.network.verbs import Interruptible, Relay
from sandbox.speech.ulaw import BYTES_PER_MS

# How long the caller must speak to interrupt; Twilio's figures are not known.
SENSITIVITY_MS = {"high": 60, "medium": 300, "low": 600}
BACKCHANNEL = frozenset(("yes", "yeah", "yep", "ok", "okay", "right", "mhm", "mm-hmm", "uh-huh", "i see"))


@dataclass(slots=True)
class Saying:
    """One answer of the app, or media that it plays."""

    interruptible: Interruptible
    preemptible: bool
    utterance: Utterance = field(default_factory=Utterance)
    told: int = 0  # of its tokens, as played


class Talk:
    """Lets the app speak on a line and tells it what the caller does, as messages to send.

    `now_ms` is the line's time. `ms_per_character` is how fast the voice speaks.
    """

    def __init__(self, relay: Relay, line: Line, ms_per_character: float) -> None:
        self.language = relay.transcription_language
        self._relay = relay
        self._line = line
        self._ms_per_character = ms_per_character
        self._sayings: list[Saying] = []
        self._open: Saying | None = None
        self._recogniser = Recogniser(relay.speech_timeout_ms)
        self._overlaps = False  # the caller began to speak while the voice did
        self._cut = False  # and cut it off
        self._told = ""
        self._was_speaking = {"agentSpeaking": False, "clientSpeaking": False}

    def greet(self, now_ms: float) -> None:
        """Speak the welcome greeting."""
        if self._relay.welcome_greeting:
            greeting = wire.Text(self._relay.welcome_greeting, last=True)
            self._speak(greeting, self._relay.greeting_interruptible, now_ms)

    def text(self, message: wire.Text, now_ms: float) -> None:
        """Speak a token."""
        self._speak(message, self._relay.interruptible, now_ms)

    def play(self, message: wire.Play, ulaw: bytes, now_ms: float) -> None:
        """Play media after all that was said."""
        self._open = None
        may = self._relay.interruptible if message.interruptible is not False else frozenset[str]()
        saying = self._begin(may, message.preemptible, now_ms)
        for _ in range(message.loop or 1000):
            if not self._sound(saying, "", ulaw, now_ms):
                return

    def tick(self, tick: LineTick, now_ms: float) -> Iterator[str]:
        """Yield what is to be told after 20 ms of the caller."""
        self._sayings = [one for one in self._sayings if self._goes_on(one, now_ms - TICK_MS)]
        yield from self._played(now_ms)
        if tick.caller.digit is not None:
            yield from self._key(tick.caller.digit, now_ms)
        yield from self._listen(tick, now_ms)
        yield from self._turned("clientSpeaking", self._recogniser.speaking_ms > 0)
        yield from self._turned("agentSpeaking", self._current(now_ms) is not None)

    def _speak(self, message: wire.Text, default: Interruptible, now_ms: float) -> None:
        if self._open is None and message.token:
            self._open = self._begin(default, message.preemptible, now_ms)
            self._line.utterances.append(self._open.utterance)
        saying = self._open
        if saying is not None and message.token:
            saying.interruptible = message.interruptible_by(default)
            sound = spoken_words(message.token, self._ms_per_character)
            self._sound(saying, message.token, sound, now_ms)
        if message.last:
            self._open = None

    def _begin(self, interruptible: Interruptible, preemptible: bool | None, now_ms: float) -> Saying:
        """Begin an answer. Twilio: what is preemptible gives way to it."""
        current = self._current(now_ms)
        if current is not None and current.preemptible:
            self._silence(now_ms)
        preempts = self._relay.preemptible if preemptible is None else preemptible
        saying = Saying(interruptible, preempts)
        self._sayings.append(saying)
        return saying

    def _sound(self, saying: Saying, words: str, ulaw: bytes, now_ms: float) -> bool:
        playout = self._line.playout
        if not playout.media(ulaw, now_ms):
            return False
        ends_ms = playout.ends_at()
        saying.utterance.say(words, ends_ms - len(ulaw) / BYTES_PER_MS, ends_ms)
        return True

    def _goes_on(self, saying: Saying, since_ms: float) -> bool:
        """Tell whether something was said of it since then, or may still come."""
        utterance = saying.utterance
        return saying is self._open or bool(utterance.words and utterance.ends_ms > since_ms)

    def _current(self, now_ms: float) -> Saying | None:
        """Return what is being said, or comes next."""
        return next(
            (one for one in self._sayings if one.utterance.words and one.utterance.ends_ms > now_ms), None
        )

    def _silence(self, now_ms: float) -> None:
        self._line.playout.clear(now_ms)
        for saying in self._sayings:
            saying.utterance.cut(now_ms)
        self._sayings = []
        self._open = None

    def _interrupt(self, saying: Saying, now_ms: float) -> str:
        heard = saying.utterance.heard(now_ms)
        after_ms = max(0, round(now_ms - saying.utterance.began_ms))
        self._silence(now_ms)
        return wire.interrupt(heard.strip(), after_ms)

    def _key(self, digit: str, now_ms: float) -> Iterator[str]:
        current = self._current(now_ms)
        reported = current is None or "dtmf" in self._relay.reported_during_speech
        if current is not None and "dtmf" in current.interruptible:
            yield self._interrupt(current, now_ms)
            reported = True
        if self._relay.detects_dtmf and reported:
            yield wire.dtmf(digit)

    def _listen(self, tick: LineTick, now_ms: float) -> Iterator[str]:
        recogniser = self._recogniser
        was_quiet = not recogniser.speaking_ms
        recogniser.hear(tick)
        if not recogniser.speaking_ms:
            return
        current = self._current(now_ms)
        if was_quiet:
            self._overlaps, self._cut, self._told = current is not None, False, ""
        if current is not None and not self._cut and self._may_interrupt(current):
            self._cut = True
            yield self._interrupt(current, now_ms)
        if not self._overlaps or self._cut or "speech" in self._relay.reported_during_speech:
            yield from self._prompts(recogniser)
        if recogniser.result is not None:
            self._recogniser = Recogniser(self._relay.speech_timeout_ms)

    def _may_interrupt(self, current: Saying) -> bool:
        recogniser = self._recogniser
        if "speech" not in current.interruptible:
            return False
        if recogniser.speaking_ms < SENSITIVITY_MS[self._relay.sensitivity]:
            return False
        words = recogniser.partial.lower().strip(" .,!?")
        return not self._relay.ignores_backchannel or bool(words and words not in BACKCHANNEL)

    def _prompts(self, recogniser: Recogniser) -> Iterator[str]:
        lang = "en-US" if self.language == "multi" else self.language
        if recogniser.result is not None:
            if recogniser.result.text:
                yield wire.prompt(recogniser.result.text, lang, last=True)
        elif self._relay.partial_prompts and recogniser.partial not in {"", self._told}:
            self._told = recogniser.partial
            yield wire.prompt(self._told, lang, last=False)

    def _played(self, now_ms: float) -> Iterator[str]:
        """Yield the tokens that have been spoken, for an app that asked for them."""
        if "tokens-played" not in self._relay.events:
            return
        for saying in self._sayings:
            words = saying.utterance.words
            while saying.told < len(words) and words[saying.told].to_ms <= now_ms:
                if words[saying.told].text:
                    yield wire.info("tokensPlayed", words[saying.told].text)
                saying.told += 1

    def _turned(self, name: str, speaking: bool) -> Iterator[str]:
        """Yield that somebody begins or stops to speak, for an app that asked for it."""
        if speaking is not self._was_speaking[name]:
            self._was_speaking[name] = speaking
            if "speaker-events" in self._relay.events:
                yield wire.info(name, "on" if speaking else "off")
