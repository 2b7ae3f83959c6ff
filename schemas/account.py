"""`Account`: a Twilio account, its credentials and the region that processes its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.declared import Declared
from schemas.fields import AccountSid, Name, Region, Text, choice
from schemas.secret import Secret

EdgeName = Literal[
    "ashburn", "dublin", "frankfurt", "sao-paulo", "singapore", "sydney", "tokyo", "umatilla", "roaming",
    "ashburn-ix", "san-jose-ix", "sao-paulo-ix", "london-ix", "frankfurt-ix", "singapore-ix", "tokyo-ix",
    "sydney-ix",
]  # fmt: skip
Edge = Annotated[EdgeName, choice(EdgeName)]

# Twilio: without an edge, requests are processed in us1 whatever the region says.
EDGE_OF_REGION: dict[str, EdgeName] = {"us1": "ashburn", "ie1": "dublin", "au1": "sydney"}


def _edge_of_account(values: dict[str, Any]) -> EdgeName:
    return EDGE_OF_REGION[values.get("region", "us1")]


class RegionCredentials(Declared):
    """What differs in one region: Twilio's tokens and keys are valid in the region they were made in."""

    auth_token: Secret | None = None
    """The auth token of this region."""
    api_key: Text | None = None
    """SID of an API key of this region."""
    api_secret: Secret | None = None
    """Secret of that API key."""
    edge: Edge | None = None
    """Where requests enter Twilio; derived from the region when absent."""


class Account(Declared):
    """A Twilio account."""

    name: Name
    """How agents refer to it."""
    account_sid: AccountSid
    """AC and 32 hexadecimal digits."""
    auth_token: Secret | None = None
    """The auth token; also the key that Twilio signs its requests with."""
    api_key: Text | None = None
    """SID of an API key, used for requests instead of the auth token; needs api_secret."""
    api_secret: Secret | None = None
    """Secret of that API key."""
    region: Region = "us1"
    """The region that processes the calls of its numbers."""
    edge: Edge = Field(default_factory=_edge_of_account)
    """Where requests enter Twilio; derived from the region when absent."""
    regions: Mapping[Region, RegionCredentials] = Field(default_factory=dict)
    """Credentials for numbers in other regions."""
