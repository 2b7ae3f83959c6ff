"""What the error codes of OpenAI's Realtime API mean for a call that is going on."""

from __future__ import annotations

from typing import Final

# OpenAI: comes after 60 minutes, before close 1001. A new session can take over.
SESSION_EXPIRED: Final = "session_expired"

# Nothing that is sent again can help, in this session or in another.
FATAL: Final = frozenset(
    {
        "account_deactivated",
        "billing_hard_limit_reached",
        "credit_balance_exhausted",
        "insufficient_quota",
        "invalid_api_key",
        "model_not_found",
    }
)


def is_fatal(code: str | None) -> bool:
    """Tell whether the call has to go on without a model."""
    return code in FATAL
