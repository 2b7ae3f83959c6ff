"""Names for the agents that an import finds: from where callers of their numbers go."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from reconciler.output.printable import printable
from reconciler.resource.ownership import host_of
from reconciler.resource.settings import Settings

NOBODYS = "unassigned"
"""The agent of numbers that reach nothing."""

_LONGEST_NAME = 48


def route_in_words(settings: Settings) -> str:
    """Say where callers go, without what a URL may hold in confidence: user, password, query."""
    if settings.trunk_sid:
        return f"trunk {printable(settings.trunk_sid)}"
    if settings.voice_application_sid:
        return f"application {printable(settings.voice_application_sid)}"
    url = settings.voice_url or ""
    host = host_of(url)
    if not host:
        return "a voice URL without a host" if url else "nothing"
    return printable(f"{host}{urlsplit(url).path.rstrip('/')}")


def name_for_route(route: str) -> str:
    """Return an agent's name for where callers go, as `route_in_words` says it."""
    if route == "nothing":
        return NOBODYS
    slug = re.sub(r"[^a-z0-9]+", "-", route.lower())[:_LONGEST_NAME].strip("-")
    return slug or NOBODYS
