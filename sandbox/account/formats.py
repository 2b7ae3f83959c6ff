"""Identifiers, dates and value formats of the 2010-04-01 API."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

API_VERSION = "2010-04-01"

_E164 = re.compile(r"\+[1-9]\d{1,14}")
_COUNTRIES = {"+1": "US", "+33": "FR", "+44": "GB", "+49": "DE", "+61": "AU", "+353": "IE"}
_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


def new_sid(prefix: str) -> str:
    """Return a random SID: two letters and 32 hex digits."""
    return prefix + secrets.token_hex(16)


def stable_sid(prefix: str, name: str) -> str:
    """Return the SID that `name` always gets, so that a restarted sandbox keeps its identifiers."""
    return prefix + stable_hex(name)


def stable_hex(name: str) -> str:
    """Return 32 hex digits that depend on `name` alone."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def is_sid(value: str, prefix: str) -> bool:
    """Tell whether `value` is a SID of the kind that `prefix` names."""
    return value.startswith(prefix) and _SID.fullmatch(value) is not None


def is_e164(value: str) -> bool:
    """Tell whether `value` is a phone number in E.164."""
    return _E164.fullmatch(value) is not None


def is_web_url(value: str) -> bool:
    """Tell whether `value` is an absolute http or https URL with a host."""
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and not re.search(r"\s", value)


def rfc2822(moment: datetime) -> str:
    """Return a date as the 2010-04-01 API writes it: `Thu, 30 Jul 2015 23:19:04 +0000`."""
    return format_datetime(moment.astimezone(UTC))


def iso8601(moment: datetime) -> str:
    """Return a date as the v1 and v2 APIs write it: `2015-07-30T20:12:31Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_iso8601(text: str) -> datetime | None:
    """Return the moment that a v1 or v2 API parameter names (UTC where it names no zone), or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def national(number: str) -> str:
    """Return Twilio's default friendly name: `(415) 555-0123` for +1, the number itself elsewhere."""
    if re.fullmatch(r"\+1\d{10}", number):
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number


def country_of(number: str) -> str | None:
    """Return the ISO code of a number's country for the codes that the sandbox knows, else None."""
    return next((country for code, country in _COUNTRIES.items() if number.startswith(code)), None)
