"""What the declarations want of each number: from a Fleet to the settings that Twilio is to store."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.marker import add_marker, fingerprint
from reconciler.ownership import is_under
from reconciler.settings import Settings
from schemas.fleet import DeclaredNumber, Fleet
from schemas.places import Place


@dataclass(frozen=True, slots=True)
class DesiredNumber:
    """One number entry of one agent.

    `settings` carry no markers and are what is compared; `stored` are the same with the marker in each
    URL of ours, and are what is written. `takeover`: somebody else's URL, application or trunk may go.
    """

    number: str
    agent: str
    account: str
    region: str
    inbound: bool
    takeover: bool
    settings: Settings
    place: Place

    def stored(self, public_url: str) -> Settings:
        """Return the settings as they are written: a marker in every URL under `public_url`."""
        marker = fingerprint(self.settings)
        marked = {
            field: add_marker(url, marker) for field, url in self.settings.urls() if is_under(url, public_url)
        }
        return self.settings.with_urls(marked)


def desired_numbers(fleet: Fleet) -> tuple[DesiredNumber, ...]:
    """Return what the fleet wants of every number that an agent names."""
    service = fleet.service
    return tuple(
        desired_number(
            declared,
            public_url=service.public_url,
            fallback_url=service.fallback_url,
            takeover=fleet.agents[declared.agent].takeover,
        )
        for declared in fleet.numbers()
    )


def desired_number(
    declared: DeclaredNumber, *, public_url: str, fallback_url: str | None, takeover: bool
) -> DesiredNumber:
    """Return the settings for one declared number. Application and trunk are always to be blank."""
    base = f"{public_url}/voice/{declared.agent}"
    fallback = fallback_url or f"{base}/fallback"
    settings = Settings(
        voice_url=base,
        voice_method="POST",
        voice_fallback_url=fallback,
        voice_fallback_method="POST" if is_under(fallback, public_url) else None,
        status_callback=f"{base}/status",
        status_callback_method="POST",
        voice_application_sid="",
        trunk_sid="",
        friendly_name=declared.friendly_name,
        voice_caller_id_lookup=declared.caller_id_lookup,
    )
    return DesiredNumber(
        number=declared.number,
        agent=declared.agent,
        account=declared.account,
        region=declared.region,
        inbound=declared.inbound,
        takeover=takeover,
        settings=settings,
        place=declared.place,
    )
