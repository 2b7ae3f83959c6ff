"""Rules for the form parameters of the REST API: what a value may be, and Twilio's code when it is not.

A rule takes a parameter's name and text and returns the value to store; it raises ApiError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from sandbox.account.errors import ApiError, invalid_parameter
from sandbox.account.formats import is_sid, is_web_url

Rule = Callable[[str, str], object]

GENERIC = 20001
MAX_URL = 4000
MAX_FRIENDLY_NAME = 64


def read(form: Mapping[str, str], rules: Mapping[str, Rule]) -> dict[str, object]:
    """Return the values of a form by field name (snake_case). Twilio: unknown parameters are ignored."""
    return {snake(name): rules[name](name, value) for name, value in form.items() if name in rules}


def url(code: int = GENERIC, *, cleared: str | None = None) -> Rule:
    """Allow an absolute http(s) URL of at most 4000 characters; the empty one is stored as `cleared`."""

    def rule(name: str, value: str) -> str | None:
        if value and (not is_web_url(value) or len(value) > MAX_URL):
            raise ApiError(400, code, f"{name} is not valid")
        return value or cleared

    return rule


def method(code: int = GENERIC) -> Rule:
    """Allow GET and POST."""

    def rule(name: str, value: str) -> str:
        if value not in {"GET", "POST"}:
            raise ApiError(400, code, f"{name} is not valid")
        return value

    return rule


def friendly_name(name: str, value: str) -> str:
    """Allow 1 to 64 characters (Twilio: 20002)."""
    if not 1 <= len(value) <= MAX_FRIENDLY_NAME:
        raise ApiError(400, 20002, f"{name} must be between 1 and {MAX_FRIENDLY_NAME} characters")
    return value


def boolean(name: str, value: str) -> bool:
    """Allow `true` and `false` in lower case."""
    if value not in {"true", "false"}:
        raise invalid_parameter(name, "must be true or false")
    return value == "true"


def text(_: str, value: str) -> str:
    """Allow anything."""
    return value


def one_of(*allowed: str) -> Rule:
    """Allow the values named."""

    def rule(name: str, value: str) -> str:
        if value not in allowed:
            raise invalid_parameter(name, f"must be one of {', '.join(allowed)}")
        return value

    return rule


def sid(prefix: str) -> Rule:
    """Allow a SID of one kind, or the empty string, which clears."""

    def rule(name: str, value: str) -> str | None:
        if value and not is_sid(value, prefix):
            raise invalid_parameter(name, f"must be a SID of the form {prefix}…, or empty")
        return value or None

    return rule


def whole_number(least: int, most: int) -> Rule:
    """Allow a whole number within bounds."""

    def rule(name: str, value: str) -> int:
        if not (value.isascii() and value.isdigit()) or not least <= int(value) <= most:
            raise invalid_parameter(name, f"must be between {least} and {most}")
        return int(value)

    return rule


@cache
def snake(name: str) -> str:
    """Return the field name that answers give a parameter: `VoiceUrl` is `voice_url`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
