"""What a caller of a number reaches: Twilio asks the trunk before the application before the URL."""

from __future__ import annotations

from reconciler.settings import Settings


def effective_route(settings: Settings) -> str:
    """Say in words where a call to a number with these (complete) settings goes.

    Twilio: `trunk_sid` > `voice_application_sid` > `voice_url`; a number without any fails the call.
    """
    if settings.trunk_sid:
        return f"trunk {settings.trunk_sid}"
    if settings.voice_application_sid:
        return f"application {settings.voice_application_sid}"
    if settings.voice_url:
        return settings.voice_url
    return "nothing: the call fails"
