"""What can go wrong between here and Twilio, translated once, at the transport.

TmError
├── ApiError                       no answer, or not the one that was hoped for
│   ├── ApiRefusedError            4xx: repeating the request changes nothing
│   │   └── ApiUnauthorizedError   401: wrong SID or token, or a key of another region
│   └── ApiUnavailableError        5xx, no answer, or not Twilio's: was it done? Nobody knows
├── UnusableProxyError             no request can leave this machine
└── WrongAccountError              the answer is about another account
"""

from __future__ import annotations

from schemas.errors import TmError


class ApiError(TmError):
    """A request to Twilio that failed.

    `status` is the HTTP status (None: no answer), `code` Twilio's error code, `more_info` the page that
    Twilio names for it. The message names the host that was meant, never a credential.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: int | None = None,
        more_info: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.more_info = more_info


class ApiRefusedError(ApiError):
    """Twilio understood the request and refused it."""


class ApiUnauthorizedError(ApiRefusedError):
    """The credentials are wrong for this account or region."""


class ApiUnavailableError(ApiError):
    """No answer, or none of Twilio's: whether a write was stored is not known."""


class UnusableProxyError(TmError):
    """The environment names a proxy that this program cannot go through."""

    def __init__(self) -> None:
        super().__init__(
            "the proxy that the environment names cannot be used",
            hint="HTTPS_PROXY takes a URL such as http://proxy.example:3128; SOCKS is not supported.",
        )


class WrongAccountError(TmError):
    """What was found belongs to another account than the one that is declared: nothing may be written."""


class ForbiddenRequestError(Exception):
    """A defect of ours: a request that this client must never make, such as releasing a number."""
