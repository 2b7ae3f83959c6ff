"""Taking turns with the model: one response at a time.

A model refuses a second response while one is being generated, and it also begins some on its own when the
caller pauses. So requests to speak wait here while the caller speaks and for the response before them, a
refused request is asked again, and a response that failed is asked for once more. When the session is lost,
what it owed the caller is asked of the next one.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from runtime.call.actions import Action, Respond

PATIENCE: Final = 5.0  # s after which a request without any reaction no longer holds up the next one
LONGEST_SILENCE: Final = 8.0  # s without a sign of an answer that is due after which the session is given up
LONGEST_TOOL: Final = 60.0  # s without a sign while a tool of the model's side runs
LONGEST_SPEECH: Final = 20.0  # s after which a caller who never seems to pause no longer holds up a request
TAIL: Final = 1.5  # s in which a new session may find out by itself that the caller is still speaking
LONGEST_QUEUE: Final = 8
MOST_FAILURES: Final = 2


class Turns:
    """Knows which response is active and which requests wait for their turn.

    With `owes_answers` a caller who has paused is answered, or the session is given up; otherwise the model
    may decide to say nothing, and only what it was asked to say is missed.
    """

    __slots__ = (
        "_answering",
        "_asked",
        "_asked_at",
        "_caller_speaks",
        "_caller_waits",
        "_discarded",
        "_due_since",
        "_failures",
        "_held_until",
        "_owes_answers",
        "_patience",
        "_spoke",
        "_unwanted",
        "_waiting",
        "active",
    )

    def __init__(self, *, owes_answers: bool = True) -> None:
        self._owes_answers = owes_answers
        self.active: str | None = None
        self._asked: Respond | None = None  # requested, not begun
        self._answering: Respond | None = None  # what the active response was asked with, as far as we know
        self._asked_at: float | None = None
        self._due_since = math.inf  # since when an answer is due without a sign of it
        self._caller_speaks = False
        self._caller_waits = False  # for an answer to what they said last
        self._spoke = False  # the active response
        self._unwanted = False  # the response that was asked for, not begun
        self._waiting: deque[Respond] = deque()
        self._discarded: dict[str, None] = {}
        self._failures = 0
        self._held_until = -math.inf
        self._patience = LONGEST_SILENCE

    @property
    def hopeless(self) -> bool:
        """True when the model failed to answer as often as it may."""
        return self._failures >= MOST_FAILURES

    @property
    def idle(self) -> bool:
        """True when the model is not generating and was not asked to."""
        return self.active is None and self._asked_at is None

    @property
    def settled(self) -> bool:
        """True when the model is idle, and neither speaks the caller nor waits for an answer."""
        waits = self._caller_waits and self._owes_answers
        return self.idle and not self._waiting and not self._caller_speaks and not waits

    def ask(self, request: Respond, now: float) -> list[Respond]:
        """Return the request if it is its turn; otherwise it waits, at most eight do."""
        self.keep(request)
        return self.next(now)

    def keep(self, request: Respond) -> list[Action]:
        """Let the request wait for the next session."""
        if request not in self._waiting and len(self._waiting) < LONGEST_QUEUE:
            self._waiting.append(request)
        return []

    def next(self, now: float) -> list[Respond]:
        """Return the request whose turn it is, if there is one."""
        if now >= self._due_since + self._patience:
            self._failures = MOST_FAILURES
            return []
        if self._asked_at is not None and now >= self._asked_at + PATIENCE:
            self._asked_at = None
        if not self._waiting or not self.idle or now < self._held_until:
            return []
        self._asked = self._waiting.popleft()
        self._asked_at = now
        self._due_since = min(now, self._due_since)
        return [self._asked]

    def wake_at(self) -> float:
        """Return when (s) a request is to be made, or given up, even if nothing happens until then."""
        given_up_at = self._due_since + self._patience
        if not self._waiting or self.active is not None:
            return given_up_at
        unanswered_until = -math.inf if self._asked_at is None else self._asked_at + PATIENCE
        return min(given_up_at, max(unanswered_until, self._held_until))

    def caller_speaks(self, now: float) -> None:
        """Let requests wait: nobody talks over the caller."""
        self._held_until = now + LONGEST_SPEECH
        self._caller_speaks = self._caller_waits = True
        self._due_since = math.inf if self.idle else now

    def caller_pauses(self, now: float) -> None:
        """Let requests wait for the answer that the model now gives by itself."""
        self._held_until = now + PATIENCE
        self._caller_speaks = False
        if self._owes_answers:
            self._due_since = min(now, self._due_since)

    def expect_answer(self) -> None:
        """Take what begins from here on for the answer to the caller, who has paused."""
        self._unwanted = False

    def reacted(self, now: float) -> None:
        """Note a sign of life: the model speaks, whether or not it said that it begins to."""
        self._spoke = True
        self._due_since = math.inf if self.active is None else now
        self._patience = LONGEST_SILENCE

    def works(self, now: float, *, at_tool: bool = False) -> None:
        """Note that the active response is under way, though nothing is to be heard of it."""
        if self.active is not None:
            self._due_since = now
            self._patience = LONGEST_TOOL if at_tool else LONGEST_SILENCE

    def started(self, response_id: str, now: float) -> bool:
        """Note that the model has begun to answer; False when that was given up before it began."""
        wanted, self._unwanted = not self._unwanted, False
        if not wanted:
            self._discarded[response_id] = None
        else:
            self._held_until = -math.inf
            if self._caller_waits and self._asked is None and Respond() in self._waiting:
                self._waiting.remove(Respond())  # this is the answer that was owed
            self._caller_waits = False
        self.active = response_id
        self._due_since = now
        self._spoke = False
        self._answering, self._asked, self._asked_at = self._asked, None, None
        return wanted

    def ended(self, response_id: str, *, failed: bool, now: float) -> list[Respond]:
        """Note that the model has finished an answer and return the request whose turn it is now."""
        self._discarded.pop(response_id, None)
        self._due_since = math.inf
        self._patience = LONGEST_SILENCE
        if response_id == self.active:
            self.active = None
        answering, self._answering = self._answering, None
        if not failed:
            self._failures = 0
            return self.next(now)
        return self._again(answering or Respond(), now)

    def refused(self, now: float) -> list[Respond]:
        """Note that our last request was refused; it is asked again when the active response has ended.

        The response that began meanwhile was then not an answer to our request, as it seemed.
        """
        request = None if self._unwanted else self._asked or self._answering
        self._unwanted = False
        self._asked, self._answering, self._asked_at = None, None, None
        self._due_since = math.inf if self.active is None else now
        if request is None:
            return []
        if self.active is not None:
            self._waiting.appendleft(request)
            return []
        return self._again(request, now)

    def unheard(self, now: float) -> None:
        """Give up a session that is not aware of the caller; the next one owes them an answer."""
        self.caller_speaks(now)
        self._failures = MOST_FAILURES

    def answer_caller(self, now: float) -> list[Respond]:
        """Ask for the answer that the model does not begin by itself."""
        self._held_until = -math.inf
        return self.ask(Respond(), now)

    def caller_said_nothing(self, now: float) -> list[Respond]:
        """Wait for no answer: what the caller said needs none."""
        self._held_until = -math.inf
        self._caller_waits = False
        if self.idle:
            self._due_since = math.inf
        return self.next(now)

    def discard_active(self, *, unbegun: bool = False) -> str | None:
        """Give up the active response: nothing that it still says is heard. Returns its id.

        With `unbegun` one that was asked for is given up as well, as soon as it begins.
        """
        if self.active is not None:
            self._discarded[self.active] = None
        elif unbegun and self._asked is not None:
            self._unwanted = True
        return self.active

    def discarded(self, response_id: str) -> bool:
        """Tell whether the response was given up."""
        return response_id in self._discarded

    def lose_session(self, *, broken_off: bool, tool_runs: bool = False) -> bool:
        """Forget the session that was lost, and return whether it owed the caller something.

        `broken_off` tells that it was in the middle of an utterance; when `tool_runs`, the answer is asked
        for when the tool's is there.
        """
        owed = None if tool_runs else self._owed(broken_off=broken_off)
        if owed is not None and owed not in self._waiting:
            self._waiting.appendleft(owed)
        self.active = self._asked = self._answering = self._asked_at = None
        self._due_since = math.inf
        self._held_until = -math.inf
        self._failures = 0
        self._patience = LONGEST_SILENCE
        self._spoke = self._unwanted = False
        self._discarded.clear()
        return owed is not None

    def _owed(self, *, broken_off: bool) -> Respond | None:
        """Return what the caller would have heard next, had the session lived."""
        if self._asked is not None and not self._unwanted:
            return self._asked
        if self.active is None or self.active in self._discarded:
            return Respond() if self._caller_waits else None
        if broken_off:
            return Respond()
        return None if self._spoke else self._answering or Respond()

    def resume(self, now: float) -> list[Respond]:
        """Begin with a new session, and return what it is asked for first.

        A caller who was speaking is heard by it, in what was kept of their voice.
        """
        if self._caller_speaks:
            self._held_until = now + TAIL
            self._caller_speaks = False
        return self.next(now)

    def _again(self, request: Respond, now: float) -> list[Respond]:
        self._failures += 1
        self._waiting.appendleft(request)
        return [] if self.hopeless else self.next(now)
