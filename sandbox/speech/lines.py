"""What callers and agents say in the sandbox: every line has a name, a text and a speaker.

The lines are spoken once, by `make speech`, and the clips are committed; nothing here needs a
speech engine afterwards. Callers and agents have different voices, so that a recording of a call
can be followed by ear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Speaker = Literal["caller", "agent"]

# flite's voices: a man's for callers, a woman's for agents.
VOICES: dict[Speaker, str] = {"caller": "rms", "agent": "slt"}


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence or two, said in one breath: `name` is also the file name of its clip."""

    name: str
    text: str

    @property
    def speaker(self) -> Speaker:
        """Who says it; the name begins with the speaker."""
        return "caller" if self.name.startswith("caller-") else "agent"

    @property
    def voice(self) -> str:
        """The flite voice that speaks it."""
        return VOICES[self.speaker]


LINES: tuple[Line, ...] = (
    Line("caller-book-table", "Hello, I would like to book a table."),
    Line("caller-menu", "What is on the menu tonight?"),
    Line("caller-friday-two", "Sorry, just a table for two on Friday at seven."),
    Line("caller-thanks-goodbye", "Thank you very much. Goodbye."),
    Line("caller-yes", "Yes, please."),
    Line("caller-no", "No, thank you."),
    Line("caller-hello", "Hello? Is anybody there?"),
    Line("caller-opening-hours", "When are you open?"),
    Line("caller-person", "Can I speak to a person?"),
    Line("agent-greeting-bistro", "Good evening, this is the Harbour Bistro. How can I help you?"),
    Line("agent-hello", "Hello. How can I help you?"),
    Line("agent-ask-day", "With pleasure. For which evening, and for how many people?"),
    Line(
        "agent-menu",
        "Tonight we have grilled sea bass with lemon and capers, a wild mushroom risotto, "
        "slow roasted lamb with rosemary, and for dessert a warm apple tart with vanilla ice cream, "
        "or a dark chocolate mousse with orange.",
    ),
    Line(
        "agent-booked",
        "A table for two on Friday at seven. That is booked, and we look forward to seeing you.",
    ),
    Line("agent-goodbye", "Thank you for calling. Goodbye."),
    Line("agent-hours", "We are open from Tuesday to Sunday, from six in the evening until eleven."),
    Line("agent-repeat", "I am sorry, I did not understand that. Could you say it again?"),
    Line("agent-warning", "I am sorry, we have only half a minute left."),
    Line("agent-still-there", "Are you still there?"),
    Line("agent-staff-line", "Staff line. What do you need?"),
)

# Hold media of the example fleet, spoken by the same command.
HOLD_WELCOME = Line("hold-welcome", "Thank you for calling the Harbour Bistro. One moment please.")
