"""Which product and Region a request was meant for.

The client sends every request to the sandbox and keeps the host that it would have called on
Twilio in `X-Twilio-Host`. Twilio: `{product}.twilio.com` and `{product}.us1.twilio.com` are us1,
`{product}.{edge}.{region}.twilio.com` is that Region; the form without an edge for any other
Region stopped working on 2026-04-28.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_REGION = "us1"
REGIONS = ("us1", "ie1", "au1")
PRODUCTS = ("api", "routes", "messaging", "monitor", "sync")
HEADER = "x-twilio-host"

# Edges of Twilio's public network. Interconnect edges end in -ix.
_EDGES = frozenset(
    ["ashburn", "dublin", "frankfurt", "sao-paulo", "singapore", "sydney", "tokyo", "umatilla", "roaming"]
)


class UnknownHostError(Exception):
    """A host that does not exist at Twilio: a real client would not even have got a connection."""


@dataclass(frozen=True, slots=True)
class MeantHost:
    """The product (`api`, `messaging`, …) and Region of a request."""

    product: str
    region: str


def meant_host(host: str | None) -> MeantHost:
    """Read the `X-Twilio-Host` header; without one the request is meant for api.twilio.com.

    Raises UnknownHostError for hosts that Twilio does not have.
    """
    if host is None:
        return MeantHost("api", DEFAULT_REGION)
    labels = host.lower().split(":")[0].removesuffix(".twilio.com").split(".")
    if not host.lower().split(":")[0].endswith(".twilio.com") or labels[0] not in PRODUCTS:
        raise UnknownHostError(f"{host} is not a host of Twilio that the sandbox has")
    match labels[1:]:
        case [] | ["us1"]:
            return MeantHost(labels[0], DEFAULT_REGION)
        case [region] if region in REGIONS:
            raise UnknownHostError(f"{host} stopped working on 2026-04-28: a Region needs an edge as well")
        case [edge, region] if region in REGIONS and (edge in _EDGES or edge.endswith("-ix")):
            return MeantHost(labels[0], region)
        case _:
            raise UnknownHostError(f"{host} is not a host of Twilio")
