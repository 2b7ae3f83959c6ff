"""What is settled about a call before it begins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How an engine differs from others; the machine asks these, never which vendor it talks to."""

    cancels_on_speech: bool = True
    """The model itself stops generating when it hears the caller; otherwise it has to be told."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """The agent's terms for one call, filled from its declaration by the shell.

    `greeting` is spoken word for word as the agent's first words; None lets the model open in its own.
    `fallback_message` is spoken by the carrier when the model cannot be had, and at the time limit; None
    hangs up without a word. `answered_at` is the monotonic moment (s) of the answer, from which `at_ms` and
    `max_call_seconds` count; None takes the stream's start for it. `stream_timeout` and `model_timeout`
    (s) count from the webhook; a hold text that is spoken before the stream belongs on top of the first.
    """

    greeting: str | None = None
    fallback_message: str | None = None
    max_call_seconds: float = 600.0
    answered_at: float | None = None
    stream_timeout: float = 20.0
    model_timeout: float = 20.0
    capabilities: Capabilities = Capabilities()
