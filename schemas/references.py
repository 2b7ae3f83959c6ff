"""References in values: `${env:NAME}`, `${env:NAME:-default}` and `${file:path}`.

They are resolved late: by the loader for ordinary fields, at the moment of use for secret ones.
Any other `${…}` is text that belongs to somebody else and stays as it is. What a reference yields
is not searched for further references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from schemas import codes
from schemas.errors import TmError
from schemas.places import Diagnostic, Place
from schemas.source import Reference, folder_of

_REFERENCE = re.compile(r"\$\{(?P<how>env|file):(?P<what>[^}]*)(?P<end>\}?)")
_VARIABLE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?P<default>.*))?", re.DOTALL)
_MAX_FILE_BYTES = 1_000_000


class UnresolvedReference(TmError):
    """A reference that points to nothing, or is malformed: `code` says which."""

    def __init__(self, message: str, *, place: Place, hint: str, code: str = codes.MISSING_REFERENCE) -> None:
        super().__init__(message, place=place, hint=hint)
        self.code = code


class Resolved(str):
    """What a reference resolved to; messages show `origin` instead, since the value may be confidential."""

    __slots__ = ("origin",)
    origin: str

    @classmethod
    def of(cls, value: str, origin: str) -> Resolved:
        """Return `value`, marked as having come from `origin`, such as `${env:NAME}`."""
        resolved = cls(value)
        resolved.origin = origin
        return resolved


class Unresolved(str):
    """The text of a reference that could not be resolved, standing in for its value."""

    __slots__ = ()


def has_reference(text: str) -> bool:
    """Tell whether `text` has anything to resolve in it."""
    return _REFERENCE.search(text) is not None


def resolve(reference: Reference, environ: Mapping[str, str]) -> str:
    """Return the text with every reference in it replaced.

    Raises:
        UnresolvedReference: a variable or file is missing and has no default, or the form is wrong.
    """
    return _REFERENCE.sub(lambda found: _value(found, reference.place, environ), reference.text)


def problems(
    reference: Reference, environ: Mapping[str, str], *, missing_is_error: bool
) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each reference in the text that cannot be resolved."""
    for found in _REFERENCE.finditer(reference.text):
        try:
            _value(found, reference.place, environ)
        except UnresolvedReference as error:
            is_error = missing_is_error or error.code != codes.MISSING_REFERENCE
            message = f"{error.message}; {error.hint}"
            yield Diagnostic("error" if is_error else "warning", error.code, message, error.place)


def _value(found: re.Match[str], place: Place, environ: Mapping[str, str]) -> str:
    what = found["what"].strip()
    if not found["end"] or not what:
        raise _malformed(found[0], place)
    return _file(what, place) if found["how"] == "file" else _variable(found, place, environ)


def _malformed(text: str, place: Place) -> UnresolvedReference:
    hint = "write ${env:NAME}, ${env:NAME:-default} or ${file:path}"
    shown = text if len(text) <= 40 else f"{text[:39]}…"
    return UnresolvedReference(
        f'malformed reference "{shown}"', place=place, hint=hint, code=codes.BAD_REFERENCE
    )


def _variable(found: re.Match[str], place: Place, environ: Mapping[str, str]) -> str:
    variable = _VARIABLE.fullmatch(found["what"])
    if variable is None:
        raise _malformed(found[0], place)
    # An empty variable is a missing one: continuous integration passes absent secrets as empty texts.
    value = environ.get(variable["name"]) or variable["default"]
    if value is None:
        message = f"the environment variable {variable['name']} is not set"
        raise UnresolvedReference(message, place=place, hint=f"set it: export {variable['name']}=…")
    return value


def _file(name: str, place: Place) -> str:
    path = folder_of(place) / name
    hint = "the path is relative to the YAML file"
    try:
        if not path.is_file():
            raise UnresolvedReference(f'there is no file "{name}"', place=place, hint=hint)
        text = _read(path)
    except (OSError, ValueError) as error:
        reason = "is not UTF-8 text" if isinstance(error, ValueError) else f"cannot be read: {error.strerror}"
        raise UnresolvedReference(f'the file "{name}" {reason}', place=place, hint=hint) from None
    if text is None:
        limit = f'the file "{name}" is larger than {_MAX_FILE_BYTES // 1_000_000} MB'
        raise UnresolvedReference(
            limit, place=place, hint="refer to a smaller file", code=codes.BAD_REFERENCE
        )
    return text


def _read(path: Path) -> str | None:
    """Return the file's text without one trailing newline, or None when it is too large."""
    with path.open("rb") as file:
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        return None
    text = content.decode("utf-8")
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
