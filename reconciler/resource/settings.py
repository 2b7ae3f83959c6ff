"""What the reconciler manages on a resource of the account, as one value for both sides of the comparison.

A declaration wants `Settings` and the account has `Settings`; a plan is what differs between the two.
`None` means "not managed: left as it is". Twilio mixes `""` and `null` for unset values; here unset is
always `""`, so that the two can never differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

Value = str | bool

URL_FIELDS = (
    "voice_url",
    "voice_fallback_url",
    "status_callback",
    "inbound_request_url",
    "callback_url",
    "status_callback_url",
    "sms_url",
)
"""The fields that hold an address, in the order in which they are looked at."""

SMS_FIELDS = ("sms_url", "sms_method", "sms_application_sid")
"""The fields of a number that decide who gets its SMS."""

OPTIONAL_FIELDS = ("friendly_name", "voice_caller_id_lookup", "voice_fallback_method", *SMS_FIELDS)
"""Fields that are managed for some numbers only; their position is their bit in the marker."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The managed fields of a phone number, a Messaging Service or a WhatsApp sender.

    They are named as in Twilio's answers; those of the two other resources stay None. Twilio calls a
    number's status callback what a Messaging Service calls its own, so the two share a field.
    `voice_fallback_method` is managed only where the fallback URL is ours: a fallback on another host
    may be a static file that answers nothing but GET. `voice_region` is no part of the record: it is
    the Region that the number's calls are routed to, None where nobody asked.
    """

    voice_url: str | None = None
    voice_method: str | None = None
    voice_fallback_url: str | None = None
    voice_fallback_method: str | None = None
    status_callback: str | None = None
    status_callback_method: str | None = None
    voice_application_sid: str | None = None
    trunk_sid: str | None = None
    friendly_name: str | None = None
    voice_caller_id_lookup: bool | None = None
    voice_region: str | None = None
    inbound_request_url: str | None = None
    inbound_method: str | None = None
    callback_url: str | None = None
    callback_method: str | None = None
    status_callback_url: str | None = None
    sms_url: str | None = None
    sms_method: str | None = None
    sms_application_sid: str | None = None

    def get(self, field: str) -> Value | None:
        """Return the value of a field by its name."""
        value: Value | None = getattr(self, field)
        return value

    def managed(self) -> Iterator[tuple[str, Value]]:
        """Yield name and value of each managed field."""
        for field in FIELD_NAMES:
            value = self.get(field)
            if value is not None:
                yield field, value

    def urls(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each managed URL that is not blank."""
        for field in URL_FIELDS:
            value = self.get(field)
            if isinstance(value, str) and value:
                yield field, value

    def with_urls(self, urls: Mapping[str, str]) -> Settings:
        """Return these settings with the URLs that `urls` names replaced."""
        return self.with_values(urls)

    def with_values(self, values: Mapping[str, Value]) -> Settings:
        """Return these settings with the named fields replaced. Raises TypeError for an unknown name."""
        known: dict[str, Any] = dict(values)
        return replace(self, **known)

    def only(self, names: frozenset[str]) -> Settings:
        """Return these settings with every field outside of `names` left unmanaged."""
        return replace(self, **dict.fromkeys(set(FIELD_NAMES) - names))

    def masked_by(self, other: Settings) -> Settings:
        """Return these settings for just those fields that `other` manages."""
        return self.only(frozenset(name for name, _ in other.managed()))


FIELD_NAMES = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One visible difference: what a field holds now and what it is to hold. Markers are not part of it."""

    field: str
    before: Value
    after: Value


def differences(desired: Settings, live: Settings) -> tuple[FieldChange, ...]:
    """Return how `live` differs from what `desired` manages; both without markers."""
    changes = []
    for field, after in desired.managed():
        before = live.get(field)
        assert before is not None, f"{field} was not read"
        if before != after:
            changes.append(FieldChange(field, before, after))
    return tuple(changes)
