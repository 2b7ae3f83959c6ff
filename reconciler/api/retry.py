"""When to try again, decided in one place and without a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with full jitter: failure n waits a random part of `first * 2**(n-1)` seconds.

    `attempts` bounds the tries after a 5xx or no answer, `busy_attempts` those after a 429 (the first
    one included); `longest` bounds a wait, `longest_asked` what a `Retry-After` header may ask for.
    """

    attempts: int = 4
    busy_attempts: int = 8
    first: float = 0.5
    longest: float = 15.0
    longest_asked: float = 60.0

    def may_repeat(self, method: str, status: int | None, failures: int) -> bool:
        """Tell whether a request that failed so often may simply be sent again; no status is no answer.

        Twilio: a 429 was never processed and is always safe to repeat. What else failed is safe for a
        GET; a POST needs a look at what was stored, which only its sender can do.
        """
        if status == TOO_MANY_REQUESTS:
            return failures < self.busy_attempts
        return method == "GET" and (status is None or status >= 500) and failures < self.attempts

    def wait(self, failures: int, jitter: Callable[[], float], retry_after: str | None = None) -> float:
        """Return the seconds to wait after so many failures (1 for the first).

        A `Retry-After` in seconds is kept, and jittered upwards only.
        """
        backoff: float = min(self.longest, self.first * 2.0 ** (failures - 1)) * jitter()
        if retry_after is not None and retry_after.strip().isdigit():
            return min(self.longest_asked, float(retry_after)) + backoff
        return backoff


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header's value, whatever the case of its name (the library hands headers on as a dict)."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)
