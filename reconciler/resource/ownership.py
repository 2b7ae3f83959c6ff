"""Whose URL is it: nobody's, ours, or somebody's that must not be taken unasked."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from reconciler.resource.defaults import DEMO_HOST
from reconciler.resource.marker import marker_in, marker_of
from reconciler.resource.settings import Settings

_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """Return `host[:port]` in lower case, without a port that goes without saying; "" for no URL at all."""
    parts = _split(url)
    if parts is None or parts.hostname is None:
        return ""
    port = parts.port
    return parts.hostname if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{parts.hostname}:{port}"


def address_in(url: str) -> str:
    """Return what a URL leads to. Twilio: what stands behind the `#` is for itself, and sent to nobody."""
    return url.partition("#")[0]


def is_under(url: str, public_url: str) -> bool:
    """Tell whether `url` lies under `public_url`: same scheme and host, and inside its path."""
    inner, outer = _split(url), _split(public_url)
    if inner is None or outer is None:
        return False
    if inner.scheme != outer.scheme or host_of(url) != host_of(public_url):
        return False
    base = outer.path.rstrip("/")
    return inner.path == base or inner.path.startswith(f"{base}/")


def is_nobodys(url: str) -> bool:
    """Tell whether a URL is free to be replaced: blank, or Twilio's demo."""
    return not url or host_of(url) == DEMO_HOST


def is_url_of_ours(url: str, public_url: str) -> bool:
    """Tell whether a URL is ours: it carries a marker, whatever its host, or lies under `public_url`."""
    return bool(url) and (marker_in(url) is not None or is_under(url, public_url))


def is_ours(stored: Settings, public_url: str) -> bool:
    """Tell whether a number is ours: any of its URLs is."""
    return marker_of(stored) is not None or any(is_under(url, public_url) for _, url in stored.urls())


def agent_named_in(stored: Settings, public_url: str) -> str | None:
    """Return the agent that a resource of ours was applied for, as its URL names it.

    The name is what stands after `/voice/`, or `/whatsapp/` for messages, in a URL of ours.
    """
    for _, url in stored.urls():
        parts = _split(url)
        if parts is None or not is_url_of_ours(url, public_url):
            continue
        for channel in ("/voice/", "/whatsapp/"):
            _, found, rest = parts.path.rpartition(channel)
            if found and rest:
                return rest.split("/")[0]
    return None


def somebodys_url(live: Settings, desired: Settings, public_url: str) -> str | None:
    """Return the first live URL that belongs to somebody else, or None.

    A URL that already leads where the declaration wants (a fallback on another host) is nobody's loss.
    """
    wanted = {field: address_in(url) for field, url in desired.urls()}
    for field, url in live.urls():
        if not is_nobodys(url) and not is_under(url, public_url) and address_in(url) != wanted.get(field):
            return url
    return None


def _split(url: str) -> SplitResult | None:
    """Split a URL, or return None for text that is none: live values are whatever somebody typed."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
