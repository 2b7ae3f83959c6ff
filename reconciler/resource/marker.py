"""The marker: what was applied to a resource, kept in its own URLs.

There is no state file. Each URL that `tm` writes carries `?tm=<fingerprint>`, 12 hex digits. The first
two are a bit set of the optional fields that were managed, the other ten are the start of a SHA-256 over
all managed fields as they were applied. From the live record alone the fingerprint can so be computed
again: if it still is the marker's, nobody touched the number since; if the declaration's fingerprint is
the marker's, nobody touched the file since. Where a number's calls are routed is not part of its record,
and so not of the marker.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import replace

from reconciler.resource.credentials import sealed
from reconciler.resource.settings import OPTIONAL_FIELDS, Settings

_PARAMETER = re.compile(r"tm=([0-9a-f]{12})")


def fingerprint(settings: Settings) -> str:
    """Return the 12 hex digits for settings whose URLs carry no marker."""
    settings = sealed(replace(settings, voice_region=None))
    bits = sum(1 << bit for bit, field in enumerate(OPTIONAL_FIELDS) if settings.get(field) is not None)
    canonical = json.dumps(sorted(settings.managed()), ensure_ascii=False, separators=(",", ":"))
    return f"{bits:02x}{hashlib.sha256(canonical.encode()).hexdigest()[:10]}"


def fingerprint_as_applied(live: Settings, marker: str) -> str | None:
    """Return the fingerprint of `live` over the fields that `marker` covers.

    `live` carries no markers. None when the marker covers a field that this version does not know, so
    that nobody can say whether the number was touched.
    """
    bits = int(marker[:2], 16)
    if bits >> len(OPTIONAL_FIELDS):
        return None
    left_out = {field: None for bit, field in enumerate(OPTIONAL_FIELDS) if not bits >> bit & 1}
    return fingerprint(replace(live, **left_out))


def covers(marker: str, field: str) -> bool:
    """Tell whether an optional field was among those that were applied with this marker."""
    return bool(int(marker[:2], 16) >> OPTIONAL_FIELDS.index(field) & 1)


def add_marker(url: str, marker: str) -> str:
    """Return `url` with the marker as the last query parameter, before any `#fragment`."""
    address, hash_sign, fragment = strip_marker(url).partition("#")
    separator = "&" if "?" in address else "?"
    return f"{address}{separator}tm={marker}{hash_sign}{fragment}"


def strip_marker(url: str) -> str:
    """Return `url` without its marker; every other character stays as it is."""
    address, hash_sign, fragment = url.partition("#")
    path, question_mark, query = address.partition("?")
    if not question_mark:
        return url
    kept = [part for part in query.split("&") if not _PARAMETER.fullmatch(part)]
    rest = f"{path}?{'&'.join(kept)}" if kept else path
    return f"{rest}{hash_sign}{fragment}"


def marker_in(url: str) -> str | None:
    """Return the marker that a URL carries, or None."""
    query = url.partition("#")[0].partition("?")[2]
    for part in query.split("&"):
        if match := _PARAMETER.fullmatch(part):
            return match[1]
    return None


def marker_of(stored: Settings) -> str | None:
    """Return a number's marker: the one that most of its URLs carry, the voice URL's first. One is enough."""
    found = Counter(marker for _, url in stored.urls() if (marker := marker_in(url)))
    return found.most_common(1)[0][0] if found else None


def without_markers(stored: Settings) -> Settings:
    """Return the settings with every URL stripped of its marker."""
    return stored.with_urls({field: strip_marker(url) for field, url in stored.urls()})
