"""Which requests may ever be sent to Twilio: read what is configured, and update what exists.

Nothing that is not in this table leaves the machine: buying (a POST to a list), releasing (DELETE),
transferring (an `AccountSid` in an update), and hosts that are not Twilio's, which must never see the
credentials.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult

from reconciler.api.errors import ForbiddenRequestError


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Paths of one product: those that are read, and those of single resources that are updated."""

    product: str
    reads: str
    updates: str | None = None


_NUMBERS = "/2010-04-01/Accounts/AC[^/]+/IncomingPhoneNumbers"

_DOCUMENTS = "/v1/Services/default/Documents"

_TABLE = (
    _Allowed("api", rf"{_NUMBERS}(/PN[^/]+)?\.json", rf"{_NUMBERS}/PN[^/]+\.json"),
    _Allowed("routes", r"/v2/PhoneNumbers/\+?\d+", r"/v2/PhoneNumbers/\+?\d+"),
    _Allowed("messaging", r"/v1/Services(/MG[^/]+)?", r"/v1/Services/MG[^/]+"),
    _Allowed("messaging", r"/v2/Channels/Senders(/XE[^/]+)?", r"/v2/Channels/Senders/XE[^/]+"),
    _Allowed("monitor", r"/v1/Events"),
    _Allowed("sync", rf"{_DOCUMENTS}/tm-apply", rf"{_DOCUMENTS}(/tm-apply)?"),  # the lease of a run
)


def require_allowed(method: str, meant: SplitResult, fields: Collection[str], *, may_write: bool) -> None:
    """Raise ForbiddenRequestError for a request that must not be sent. `fields` are those of its body."""
    host = meant.hostname or ""
    if meant.scheme != "https" or not host.endswith(".twilio.com"):
        raise ForbiddenRequestError(f"{host} is not a host of Twilio")
    product = host.split(".")[0]
    for allowed in _TABLE:
        path = None
        if method == "GET":
            path = allowed.reads
        elif method == "POST" and may_write and "AccountSid" not in fields:
            path = allowed.updates
        if path and allowed.product == product and re.fullmatch(path, meant.path):
            return
    raise ForbiddenRequestError(f"{method} {host}{meant.path} is not a request that this client makes")
