"""The errors that the REST API answers, with Twilio's codes and body."""

from __future__ import annotations


class ApiError(Exception):
    """A request that is refused: `status` is the HTTP status, `code` Twilio's error code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, str | int]:
        """Return the four keys that every classic error body has."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


# Messages for the statuses that a fault can force; 20429, 20500 and 20503 are Twilio's generic codes.
_GENERIC = {
    401: (20003, "Authenticate"),
    404: (20404, "Not found"),
    429: (20429, "Too Many Requests"),
    500: (20500, "Internal Server Error"),
    503: (20503, "Service Unavailable"),
}


def generic_error(status: int) -> ApiError:
    """Return Twilio's error for a bare HTTP status (400/20001 where it has no generic one)."""
    code, message = _GENERIC.get(status, (20001, "Bad Request"))
    return ApiError(status, code, message)


def unauthenticated() -> ApiError:
    """Return 401/20003: wrong SID or token, another Region's key, or a Standard key on /Accounts."""
    return generic_error(401)


def not_found(path: str) -> ApiError:
    """Return 404/20404 for a path without a record."""
    return ApiError(404, 20404, f"The requested resource {path} was not found")


def method_not_allowed() -> ApiError:
    """Return 405/20004."""
    return ApiError(405, 20004, "Method not allowed")


def invalid_parameter(name: str, wanted: str) -> ApiError:
    """Return 400/20001 for a value outside of the parameter's type."""
    return ApiError(400, 20001, f"Invalid value for {name}: {wanted}")
