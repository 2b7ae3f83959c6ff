"""What the declarations want of each resource: from a Fleet to the settings that Twilio is to store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.resource.defaults import HOME_REGION
from reconciler.resource.kinds import Resource
from reconciler.resource.marker import add_marker, fingerprint
from reconciler.resource.overrides import Overrides, with_overrides
from reconciler.resource.ownership import is_under
from reconciler.resource.settings import Settings
from schemas.agent import Agent
from schemas.fleet import DeclaredNumber, Fleet
from schemas.places import Place

MESSAGING_REGION = HOME_REGION
"""Where Messaging Services and senders are looked for. Twilio: WhatsApp is not available in ie1."""


@dataclass(frozen=True, slots=True)
class DesiredNumber:
    """One number entry of one agent, or the sender or Messaging Service of its messages.

    `number` is E.164; `sid` is known of a Messaging Service only, whose `number` is that of the sender
    declared with it, or else the SID. `settings` are what the declarations say, `kept` the connection
    overrides that somebody put on the live URLs and that stay there; `compared` are both together, and
    `stored` the same with the marker in each URL of ours, which is what is written. `takeover`: somebody
    else's URL, application or trunk may go.
    """

    number: str
    agent: str
    account: str
    region: str
    inbound: bool
    takeover: bool
    settings: Settings
    place: Place
    resource: Resource = Resource.INCOMING_PHONE_NUMBER
    sid: str | None = None
    kept: Overrides = ()

    @property
    def looked_up(self) -> str:
        """What a live record of this resource has as its `number`."""
        return self.sid or self.number

    def moved(self) -> DesiredNumber:
        """Return the same with the region that answers among the settings."""
        return replace(self, settings=replace(self.settings, voice_region=self.region))

    @property
    def compared(self) -> Settings:
        """What the live settings, without markers, are to be."""
        return with_overrides(self.settings, self.kept)

    def stored(self, public_url: str) -> Settings:
        """Return the settings as they are written: a marker in every URL under `public_url`.

        The marker stands for what was declared: overrides that somebody put there may change any time.
        """
        marker, wanted = fingerprint(self.settings), self.compared
        marked = {field: add_marker(url, marker) for field, url in wanted.urls() if is_under(url, public_url)}
        return wanted.with_urls(marked)


def desired_numbers(fleet: Fleet) -> tuple[DesiredNumber, ...]:
    """Return what the fleet wants of every number, sender and Messaging Service that an agent names."""
    service = fleet.service
    numbers = tuple(
        desired_number(
            declared,
            public_url=service.public_url,
            fallback_url=service.fallback_url,
            takeover=fleet.agents[declared.agent].takeover,
            sms=fleet.agents[declared.agent].sms and declared.inbound,
        )
        for declared in fleet.numbers()
    )
    messaging = (wanted for agent in fleet.agents.values() for wanted in _desired_messaging(fleet, agent))
    return (*numbers, *messaging)


def desired_number(
    declared: DeclaredNumber,
    *,
    public_url: str,
    fallback_url: str | None,
    takeover: bool,
    sms: bool = False,
) -> DesiredNumber:
    """Return the settings for one declared number. Application and trunk are always to be blank.

    `sms`: its messages go where those of WhatsApp go.
    """
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
        sms_url=f"{public_url}/whatsapp/{declared.agent}" if sms else None,
        sms_method="POST" if sms else None,
        sms_application_sid="" if sms else None,
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


def _desired_messaging(fleet: Fleet, agent: Agent) -> Iterator[DesiredNumber]:
    """Yield what the agent's Messaging Service and WhatsApp sender are given, where it has them."""
    if agent.whatsapp is None:
        return
    sender, service = agent.whatsapp.sender, agent.whatsapp.messaging_service
    url = f"{fleet.service.public_url}/whatsapp/{agent.name}"
    common = DesiredNumber(
        number=sender or service or "",
        agent=agent.name,
        account=fleet.account_of(agent).name,
        region=MESSAGING_REGION,
        inbound=True,
        takeover=agent.takeover,
        settings=Settings(),
        place=fleet.place("Agent", agent.name, "whatsapp"),
    )
    if service is not None:
        yield replace(
            common,
            resource=Resource.MESSAGING_SERVICE,
            sid=service,
            settings=Settings(
                inbound_request_url=url, inbound_method="POST", status_callback=f"{url}/status"
            ),
            place=fleet.place("Agent", agent.name, "whatsapp", "messaging_service"),
        )
    if sender is not None:
        yield replace(
            common,
            resource=Resource.WHATSAPP_SENDER,
            settings=Settings(callback_url=url, callback_method="POST", status_callback_url=f"{url}/status"),
            place=fleet.place("Agent", agent.name, "whatsapp", "sender"),
        )
