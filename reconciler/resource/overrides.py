"""Connection overrides: what stands behind the `#` of a URL, such as `#rc=3` for three retries.

Twilio reads them and sends them to nobody, so they are no part of what a URL leads to. Who puts some by
hand on a URL of ours tunes how Twilio connects: that is neither drift nor lost when the URL is written
anew. Where a declared URL has a fragment of its own, that one is wanted.
"""

from __future__ import annotations

from itertools import combinations

from reconciler.resource.live import LiveNumber
from reconciler.resource.marker import fingerprint_as_applied
from reconciler.resource.ownership import address_in, is_under, is_url_of_ours
from reconciler.resource.settings import Settings

Overrides = tuple[tuple[str, str], ...]
"""Names of URL fields, each with the fragment that somebody put on it, without its `#`."""


def override_in(url: str) -> str:
    """Return the fragment of a URL, "" for one without."""
    return url.partition("#")[2]


def overrides_of(settings: Settings) -> Overrides:
    """Return all overrides on the URLs of these settings."""
    return tuple((field, told) for field, url in settings.urls() if (told := override_in(url)))


def added_since(live: LiveNumber, marker: str) -> Overrides | None:
    """Return the overrides without which a number is as `marker` says that it was applied, the fewest.

    None when it differs in something else as well, or when this version cannot tell.
    """
    found = overrides_of(live.bare)
    for count in range(len(found) + 1):
        for some in combinations(found, count):
            if fingerprint_as_applied(without_overrides(live.bare, some), marker) == marker:
                return some
    return None


def put_by_hand(declared: Settings, live: LiveNumber, public_url: str) -> Overrides:
    """Return the overrides that stay on the URLs of ours when `declared` settings are written.

    Those that the last apply put there came from a file, so a file without them takes them away. Where
    nobody can tell any more, all count as put by hand. None follows a URL that goes to another host.
    """
    since = added_since(live, live.marker) if live.marker is not None else None
    candidates = dict(overrides_of(live.stored) if since is None else since)
    return tuple(
        (field, candidates[field])
        for field, url in live.stored.urls()
        if field in candidates
        and (wanted := dict(declared.urls()).get(field))
        and not override_in(wanted)
        and (_both_ours(url, wanted, public_url) or address_in(url) == wanted)
    )


def _both_ours(live: str, wanted: str, public_url: str) -> bool:
    return is_url_of_ours(live, public_url) and is_under(wanted, public_url)


def with_overrides(settings: Settings, overrides: Overrides) -> Settings:
    """Return the settings with these fragments on their URLs; "" takes one away."""
    urls = dict(settings.urls())
    return settings.with_urls(
        {field: f"{address_in(urls[field])}{f'#{told}' if told else ''}" for field, told in overrides}
    )


def without_overrides(settings: Settings, overrides: Overrides) -> Settings:
    """Return the settings without fragments on the URLs that `overrides` names."""
    return with_overrides(settings, tuple((field, "") for field, _ in overrides))
