"""X-Twilio-Signature, as Twilio makes it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit


def sign(token: str, url: str, form: Iterable[tuple[str, str]] = ()) -> str:
    """Return the signature of a request.

    Twilio: base64 of HMAC-SHA1, keyed by the auth token, over the URL as requested (query included)
    followed by the names and values of the POST parameters, sorted by name; the values of a repeated
    name are sorted, and equal ones count once.
    """
    text = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def signed_url(url: str) -> str:
    """Return the URL that goes into the signature.

    Twilio: neither fragment nor userinfo; the port is dropped for https and wss, kept for http and ws.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme in {"https", "wss"} and parts.port is not None:
        host = host.rpartition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
