"""One turn of an agent around its machine: asks, tools, prep and a timer, as in every call in text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from runtime.messages.turn import Keep, MessageTurn, Reply, Words
from runtime.text_session import Surroundings, TextSession

if TYPE_CHECKING:
    from runtime.call.events import Event

ToContact: TypeAlias = "Keep | Reply"


class TurnSession(TextSession[Words, ToContact]):
    """Runs one turn. `keep` stores how far it has come; `reply` is the answer, None while there is none."""

    def __init__(
        self,
        name: str,
        machine: MessageTurn,
        surroundings: Surroundings,
        *,
        keep: Callable[[MessageTurn], Awaitable[None]],
    ) -> None:
        self.machine = machine
        self.reply: Reply | None = None
        self.dropped = False
        self._keep = keep
        super().__init__(name, machine, surroundings)

    def drop(self) -> None:
        """End without an answer."""
        self.dropped = True
        self._carry_out(self.machine.drop())

    def _to_carrier(self, action: ToContact) -> None:
        if isinstance(action, Reply):
            self.reply = action
        elif self._tasks is not None:
            self._tasks.create_task(self._store())

    async def _store(self) -> None:
        await self._keep(self.machine)


def nothing() -> None:
    """Do nothing: a turn has no carrier to be told of."""


def no_transfer(_order: object, _feed: Callable[[Event], None]) -> None:
    """Refuse what nobody in a conversation in writing can ask for."""
    raise AssertionError("there is no such function in writing")
