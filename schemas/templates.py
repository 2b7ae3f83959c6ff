"""`{{ name }}` in the addresses and bodies of requests: places for the arguments of a tool."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

from pydantic import JsonValue

Arguments: TypeAlias = Mapping[str, JsonValue]

PLACE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")


class TemplateError(ValueError):
    """Arguments that a template cannot take; the message is for the model to read."""


def names_in(template: JsonValue) -> set[str]:
    """Return the arguments that a URL or a body has places for."""
    return {name for text in _texts(template) for name in PLACE.findall(text)}


def has_place_in_host(url: str) -> bool:
    """Tell whether something before the path would be filled in: then an argument chose the host."""
    scheme, _, rest = url.partition("://")
    return PLACE.search(scheme + re.split(r"[/?#\\]", rest, maxsplit=1)[0]) is not None


def fill_url(url: str, arguments: Arguments) -> str:
    """Return the address with each argument percent-encoded.

    Raises `TemplateError` for one that is missing in the path, or would change which path it is.
    """
    address, question, query = url.partition("?")
    filled = PLACE.sub(lambda place: _in_path(place[1], arguments), address)
    if question:
        filled += "?" + PLACE.sub(lambda place: quote(_text(place[1], arguments), safe=""), query)
    if any(part in (".", "..") for part in urlsplit(filled).path.split("/")):
        raise TemplateError("an argument must not be a step to another address")
    return filled


def fill_body(body: JsonValue, arguments: Arguments) -> JsonValue:
    """Return the body; a text that is one place as a whole becomes the argument, with its type.

    An argument that is not given is null there, and nothing within a longer text.
    """
    if isinstance(body, str):
        whole = PLACE.fullmatch(body)
        if whole is not None:
            return arguments.get(whole[1])
        return PLACE.sub(lambda place: _text(place[1], arguments), body)
    if isinstance(body, dict):
        return {key: fill_body(value, arguments) for key, value in body.items()}
    if isinstance(body, list):
        return [fill_body(value, arguments) for value in body]
    return body


def _in_path(name: str, arguments: Arguments) -> str:
    text = _text(name, arguments)
    if not text:
        raise TemplateError(f"{name} is needed")
    return quote(text, safe="")


def _text(name: str, arguments: Arguments) -> str:
    value = arguments.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise TemplateError(f"{name} must be a text or a number")
    return "" if value is None else str(value)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
