"""What a caller of a number reaches: Twilio asks the trunk before the application before the URL."""

from __future__ import annotations

from dataclasses import replace

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


def after_write(now: Settings, write: Settings) -> Settings:
    """Return `now` with those fields replaced that decide the route and that `write` manages."""
    return replace(
        now,
        trunk_sid=now.trunk_sid if write.trunk_sid is None else write.trunk_sid,
        voice_application_sid=(
            now.voice_application_sid if write.voice_application_sid is None else write.voice_application_sid
        ),
        voice_url=now.voice_url if write.voice_url is None else write.voice_url,
    )
