"""User and password in a URL (`https://user:password@host/…`): Twilio signs in with them, nobody else may.

Where URLs are compared, shown or kept, a seal stands for the two: `***` and four hex digits of their
SHA-256. It tells that they changed, and is too short to guess them by. Only what is written to the account
has the true ones.
"""

from __future__ import annotations

import hashlib
import re

from reconciler.resource.settings import Settings

_SEAL = r"\*\*\*[0-9a-f]{4}"
_CREDENTIALS = re.compile(r"(?<=://)([^/?#\s]*)@")
_SEALED = re.compile(rf"(?<=://){_SEAL}@")


def sealed_text(text: str) -> str:
    """Return a URL, or a text with URLs in it, with every user and password sealed; a seal stays as it is."""
    return _CREDENTIALS.sub(_seal, text) if "@" in text else text


def sealed(settings: Settings) -> Settings:
    """Return the settings with the credentials in their URLs sealed."""
    seals = {field: sealed_text(url) for field, url in settings.urls() if "@" in url}
    return settings.with_urls(seals) if seals else settings


def is_sealed(url: str) -> bool:
    """Tell whether a URL lacks the credentials that it had: it must not be written anywhere."""
    return _SEALED.search(url) is not None


def _seal(found: re.Match[str]) -> str:
    if re.fullmatch(_SEAL, found[1]):
        return found[0]
    return f"***{hashlib.sha256(found[1].encode()).hexdigest()[:4]}@"
