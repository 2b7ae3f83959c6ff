"""Who has the floor: the caller's speech becomes a cut, a pause, an answer or nothing.

`Interruption` judges what the caller wants; here is done what follows from it, to playback, model and
transcript alike. A model that acts by itself has already stopped, and answers by itself; any other is told
when to stop and when to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from runtime.call.actions import Action, CancelResponse, ClearPlayback
from runtime.call.hearing.interruption import Interruption, Verdict

if TYPE_CHECKING:
    from runtime.call.plan import CallPlan
    from runtime.call.playback.ledger import Cut, PlaybackLedger
    from runtime.call.thinking.turns import Turns

# A word that did not interrupt is an answer all the same when the agent was about to end: to its question.
LAST_WORDS_MS: Final = 1000


class Floor:
    """Acts on the caller's speech. After `close` nobody is interrupted or answered, until `reopen`.

    `tell_of` cuts the transcript where the agent was cut, and returns what the model is told about it.
    """

    __slots__ = (
        "_capabilities",
        "_closed",
        "_ledger",
        "_tell_of",
        "_turns",
        "caller_speaks",
        "interruption",
    )

    def __init__(
        self,
        plan: CallPlan,
        ledger: PlaybackLedger,
        turns: Turns,
        *,
        tell_of: Callable[[Sequence[Cut], float], list[Action]],
    ) -> None:
        self.caller_speaks = False
        self._capabilities = plan.capabilities
        self.interruption = Interruption(plan.interrupt)
        """What the caller wants, as far as it is known; `doubt` and `due_at` may be read."""
        self._ledger = ledger
        self._turns = turns
        self._tell_of = tell_of
        self._closed = False

    def agent_speaks(self, now: float) -> bool:
        """Tell whether the agent is to be heard, or is about to be."""
        return self._ledger.left_ms(now) > 0 or not self._turns.idle

    # --- what the caller does

    def caller_starts(self, item_id: str, now: float) -> list[Action]:
        """Note that the caller begins to speak."""
        self.caller_speaks = True
        self._turns.caller_speaks(now)
        if self._closed:
            return []
        if not self.agent_speaks(now) and not self.interruption.doubt:
            self.interruption.forget()
            return []
        return self._act(self.interruption.speech_starts(item_id, now), now)

    def caller_stops(self, now: float) -> list[Action]:
        """Note that the caller has paused: it is the agent's turn, unless that was nothing."""
        self.caller_speaks = False
        self._turns.caller_pauses(now)
        if self._capabilities.answers_on_pause:
            self._turns.expect_answer()
        if self.interruption.doubt:
            return self._act(self.interruption.speech_stops(now), now)
        return self._answer(now)

    def caller_unheard(self, now: float) -> None:
        """Note that the caller speaks, or has spoken, and the model is not aware of it: it is given up."""
        self._turns.unheard(now)

    def caller_sounds(self, audio: bytes, now: float) -> list[Action]:
        """Look at the caller's audio while there is a doubt."""
        return self._act(self.interruption.hear(audio), now)

    def caller_says(self, item_id: str, text: str, now: float, *, whole: bool) -> list[Action]:
        """Note words of the caller's, the next ones or the whole of them."""
        return (
            [] if self._closed else self._act(self.interruption.words(item_id, text, now, whole=whole), now)
        )

    def wake(self, now: float) -> list[Action]:
        """End a doubt that has lasted for long enough."""
        return self._act(self.interruption.wake(now), now)

    # --- beginning and ending

    def let_go(self) -> None:
        """Forget what the caller was about: there is no model any more that would tell."""
        self.caller_speaks = False
        self.interruption.forget()
        self._ledger.resume()

    def reopen(self) -> None:
        """Let the caller have their say again."""
        self._closed = False

    def close(self) -> None:
        """Let the agent speak to its end, whatever the caller does."""
        self._closed = True
        self.interruption.forget()
        self._ledger.resume()

    # --- what is done about it

    def _act(self, verdict: Verdict, now: float) -> list[Action]:
        match verdict:
            case Verdict.PAUSE:
                return [ClearPlayback()] if self._ledger.pause(now) else []
            case Verdict.CUT:
                actions = self._cut(now)
                return actions if self.caller_speaks else [*actions, *self._answer(now)]
            case Verdict.GO_ON:
                return self._go_on(now)
        return []

    def _cut(self, now: float) -> list[Action]:
        """Stop the agent where the caller stopped listening.

        The clear goes first: it is what the caller hears. An engine that cancels its response itself is not
        told to, and a late cancel would hit the next response. It does not cancel one that was asked for and
        begins only now, while the caller speaks: that is given up when it begins.
        """
        active = self._turns.discard_active(unbegun=True)
        was_paused = self._ledger.paused
        cuts = self._ledger.interrupt(now)
        actions: list[Action] = [ClearPlayback()] if cuts and not was_paused else []
        if active is not None and not self._capabilities.cancels_on_speech:
            actions.append(CancelResponse(active))
        return [*actions, *self._tell_of(cuts, now)]

    def _go_on(self, now: float) -> list[Action]:
        """Take it for nothing, or for the answer to what the agent is about to have said."""
        about_to_end = self._turns.idle and self._ledger.left_ms(now) < LAST_WORDS_MS
        self._ledger.resume()
        if about_to_end and not self.interruption.wordless:
            self.interruption.forget()
            return self._answer(now)
        return [*self._turns.caller_said_nothing(now)]

    def _answer(self, now: float) -> list[Action]:
        """Ask for an answer where the model does not begin one by itself."""
        if self._closed or self._capabilities.answers_on_pause:
            return []
        return [*self._turns.answer_caller(now)]
