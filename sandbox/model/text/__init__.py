"""Models that write: OpenAI's Responses API and Chat Completions, from the same script."""

from __future__ import annotations

from sandbox.model.text.desk import TextExchange
from sandbox.model.text.faults import BreakOff, Deny, EndEarly, ErrorEvent, Garble, Stall, TextFault

__all__ = ["BreakOff", "Deny", "EndEarly", "ErrorEvent", "Garble", "Stall", "TextExchange", "TextFault"]
