"""Documents that Twilio is given along with a call, for agents with `dial: inline`.

Twilio asks nobody when such a call is answered, and opens the stream at once: its token is the attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.outbound.telling import as_ordered

if TYPE_CHECKING:
    from runtime.outbound.orders import DialOrder
    from runtime.outbound.placing import Document
    from runtime.reception import Reception
    from schemas import Agent


def inline_documents(reception: Reception) -> Document:
    """Return what makes the documents of a node's calls.

    None in gather mode, whose first words are written when the call is answered.
    """

    def document(agent: Agent, order: DialOrder) -> str | None:
        if agent.dial != "inline" or agent.voice.mode == "gather":
            return None
        ordered = as_ordered(agent, order)
        return reception.connection(ordered, order.attempt, reception.relay.desk.prelude(ordered))

    return document
