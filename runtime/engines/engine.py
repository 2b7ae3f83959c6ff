"""What every engine of a voice call is: the codec of one session with a model that hears and speaks.

No I/O: the line hands in what came and sends what is returned. An engine tells by its `Capabilities` how it
differs from others; neither the line nor the machine asks which one it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runtime.call.actions import EngineAction
    from runtime.call.events import ModelEvent
    from runtime.call.plan import Capabilities
    from runtime.call.usage import Usage


class Engine(Protocol):
    """The codec of one session."""

    @property
    def capabilities(self) -> Capabilities:
        """How it differs from others."""

    @property
    def instructions(self) -> str:
        """What the model is told before everything else."""

    def instruct(self, instructions: str) -> None:
        """Tell the next session something else."""

    def fresh(self) -> Engine:
        """Return a codec for another session on the same terms."""

    def read(self, message: str | bytes) -> Sequence[ModelEvent]:
        """Return what a message of the model means to a call, in order. Never raises."""

    def write(self, action: EngineAction) -> Sequence[str]:
        """Return the messages for an action, as JSON texts; none where the model needs not be told."""

    def farewell(self) -> str | None:
        """Return what ends the session, None where closing the connection does."""

    @property
    def closed(self) -> bool:
        """Whether the model has said that the session is over."""

    def untold_usage(self) -> Usage | None:
        """Return what the session took beyond what the model has told so far, as far as it is known."""
