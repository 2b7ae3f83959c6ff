"""Why the server will not do what a client event asks for."""

from __future__ import annotations

import re

import msgspec

_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"contains unknown field `(?P<name>.*)`")
_MISSING = re.compile(r"missing required field `(?P<name>.*)`")


class RefusedError(Exception):
    """A client event that is answered with an `error` event; the session goes on.

    `code` and `param` as in OpenAI's error object; `param` is the dotted path of the field at fault.
    """

    def __init__(self, code: str, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


def refusal_of(error: msgspec.ValidationError, *, under: str = "") -> RefusedError:
    """Translate msgspec's complaint; `under` is the path of the checked value inside the event."""
    where = _WHERE.match(str(error))
    assert where is not None, "the pattern matches any text"
    what, path = where["what"], ".".join(part for part in (under, where["path"]) if part)
    if unknown := _UNKNOWN.search(what):
        param = _join(path, unknown["name"])
        return RefusedError("unknown_parameter", f"Unknown parameter: '{param}'.", param=param)
    if missing := _MISSING.search(what):
        param = _join(path, missing["name"])
        return RefusedError(
            "missing_required_parameter", f"Missing required parameter: '{param}'.", param=param
        )
    code = "invalid_type" if ", got " in what else "invalid_value"
    return RefusedError(code, f"{what} at '{path}'.", param=path or None)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
