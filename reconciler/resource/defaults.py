"""What Twilio has where nobody said anything: the one table of its defaults.

A record whose field is "" or null has the default. What is as it came is nobody's choice: it may be
replaced, and an import has no need to declare it.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.resource.settings import Value

HOME_REGION = "us1"
"""Where a number's calls are processed that was never routed, and what `api.twilio.com` stands for."""

DEMO_HOST = "demo.twilio.com"
"""A new number answers with this host's greeting until somebody configures it."""

FIELDS: Mapping[str, Value] = {
    "voice_url": "",
    "voice_method": "POST",
    "voice_fallback_url": "",
    "voice_fallback_method": "POST",
    "status_callback": "",
    "status_callback_method": "POST",
    "voice_application_sid": "",
    "trunk_sid": "",
    "friendly_name": "",
    "voice_caller_id_lookup": False,
    "inbound_request_url": "",
    "inbound_method": "POST",
    "callback_url": "",
    "callback_method": "POST",
    "status_callback_url": "",
    "sms_url": "",
    "sms_method": "POST",
    "sms_application_sid": "",
}
"""What a field is that holds nothing; the region is no field of a record."""


def is_default_friendly_name(name: str, number: str) -> bool:
    """Tell whether a number's name is the one that it came with.

    Twilio: numbers of the North American plan are named `(415) 555-0123`, others as they are dialled.
    """
    digits = number.removeprefix("+1")
    national = f"({digits[:3]}) {digits[3:6]}-{digits[6:]}" if len(digits) == 10 else number
    return name in ("", number, national)
