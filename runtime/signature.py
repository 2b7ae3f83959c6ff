"""Who is calling: `X-Twilio-Signature`, checked on the URLs that we declared.

Twilio: the signature is an HMAC-SHA1, keyed with the account's auth token, over the URL exactly as Twilio
was given it and the sorted POST parameters. The URL is therefore built from the declared public URL and
never from what proxies say about the host. The check itself is `twilio`'s own `RequestValidator`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from twilio.request_validator import RequestValidator

# Request parameters, duplicates kept: the type of a parsed form body as well as of a parsed query.
Parameters = QueryParams

_NO_PARAMETERS = Parameters()


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """Checks requests made to one of `base_urls` (`https://host[:port][/path]`, without a trailing slash)."""

    base_urls: tuple[str, ...]

    def request_is_genuine(
        self,
        target: str,
        parameters: Parameters,
        signature: str,
        tokens: Iterable[str],
    ) -> bool:
        """Whether one of the auth `tokens` signed the webhook for `target` (raw path and raw query).

        `parameters` are all POST parameters, duplicates included; for GET they are empty, since what
        there is stands in the URL.
        """
        urls = [f"{base}{target}" for base in self.base_urls]
        return _any_matches([(url, parameters) for url in urls], signature, tokens)

    def handshake_is_genuine(self, path: str, query: str, signature: str, tokens: Iterable[str]) -> bool:
        """Whether one of the auth `tokens` signed the WebSocket handshake for this raw path and query.

        Twilio: the URL has the scheme `wss`; a trailing slash may have been appended, and the query may
        be signed as parameters instead of as part of the URL. All four forms are tried.
        """
        as_parameters = Parameters(query)
        candidates: list[tuple[str, Parameters]] = []
        for base in self.base_urls:
            for url in (f"{websocket_url(base)}{path}", f"{websocket_url(base)}{_other_slash(path)}"):
                candidates.append((f"{url}?{query}" if query else url, _NO_PARAMETERS))
                if query:
                    candidates.append((url, as_parameters))
        return _any_matches(candidates, signature, tokens)


def websocket_url(url: str) -> str:
    """Return the URL with its scheme as a WebSocket's: `wss` for `https`, `ws` for `http`."""
    return "ws" + url.removeprefix("http")


def _other_slash(path: str) -> str:
    return path.removesuffix("/") if path.endswith("/") else f"{path}/"


def _any_matches(candidates: Sequence[tuple[str, Parameters]], signature: str, tokens: Iterable[str]) -> bool:
    try:
        return any(
            RequestValidator(token).validate(url, parameters, signature)
            for token in tokens
            for url, parameters in candidates
        )
    except ValueError:  # a path that is no URL
        return False
