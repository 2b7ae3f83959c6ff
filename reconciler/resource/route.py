"""What a caller or writer reaches: Twilio asks the trunk before the application before the URL."""

from __future__ import annotations

from reconciler.resource.settings import Settings


def effective_route(settings: Settings) -> str:
    """Say in words where a call or message to a resource with these (complete) settings goes.

    Twilio: `trunk_sid` > `voice_application_sid` > `voice_url`; a number without any fails the call. A
    Messaging Service without an inbound URL drops what comes in.
    """
    if settings.inbound_request_url is not None:
        return settings.inbound_request_url or "nothing: messages are dropped"
    if settings.callback_url is not None:
        return settings.callback_url or "nothing: messages are dropped"
    if settings.trunk_sid:
        return f"trunk {settings.trunk_sid}"
    if settings.voice_application_sid:
        return f"application {settings.voice_application_sid}"
    if settings.voice_url:
        return settings.voice_url
    return "nothing: the call fails"


def after_write(now: Settings, write: Settings) -> Settings:
    """Return `now` with everything replaced that `write` manages."""
    return now.with_values(dict(write.managed()))
