"""Where a model is, and what it is asked with: the address of a session, and the headers of its handshake."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from runtime.settings import Settings
from schemas.live_rules import is_live

OPENAI: Final = "https://api.openai.com/v1"
_WEBSOCKET: Final = {"http": "ws", "https": "wss"}


def session_url(base_url: str | None, model: str) -> str:
    """Return the WebSocket URL of a session with the model, at `base_url` or at OpenAI. Raises ValueError.

    OpenAI: a Realtime session names its model in the address, a Live session when it is started.
    """
    base = urlsplit(base_url or OPENAI)
    path, query = ("/live/sessions", "") if is_live(model) else ("/realtime", urlencode({"model": model}))
    queries = "&".join(part for part in (base.query, query) if part)
    scheme = _WEBSOCKET.get(base.scheme, base.scheme)
    return urlunsplit((scheme, base.netloc, base.path.rstrip("/") + path, queries, ""))


def session_headers(settings: Settings) -> dict[str, str]:
    """Return the headers that say who asks; the key is among them."""
    headers = {"Authorization": f"Bearer {settings.openai_api_key}"}
    if settings.openai_organization is not None:
        headers["OpenAI-Organization"] = settings.openai_organization
    if settings.openai_project is not None:
        headers["OpenAI-Project"] = settings.openai_project
    return headers
