"""What the error codes of OpenAI's Realtime API mean for a call that is going on."""

from __future__ import annotations

from typing import Final

# The session is over or will never work: nothing that is sent again can help.
FATAL: Final = frozenset(
    {
        "account_deactivated",
        "billing_hard_limit_reached",
        "credit_balance_exhausted",
        "insufficient_quota",
        "invalid_api_key",
        "model_not_found",
        "session_expired",
    }
)

# Races that are part of the protocol: both sides speak at once, and one of them is told so.
BENIGN: Final = frozenset(
    {
        "conversation_already_has_active_response",
        "input_audio_buffer_commit_empty",
        "item_create_duplicate_item_id",
        "response_cancel_not_active",
    }
)


def is_fatal(code: str | None) -> bool:
    """Tell whether the call has to go on without this session."""
    return code in FATAL
