"""What the environment declares: the public URL, and the documents that may be left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from schemas import codes
from schemas.entry import Entry
from schemas.fleet import IMPLICIT_ACCOUNT
from schemas.places import Diagnostic, Place
from schemas.reading import Reading
from schemas.references import Resolved, Unresolved
from schemas.source import Reference, Source, SourceMap

PUBLIC_URL = "TM_PUBLIC_URL"
ACCOUNT_SID = "TWILIO_ACCOUNT_SID"
AUTH_TOKEN = "TWILIO_AUTH_TOKEN"
_IMPLICIT_SERVICE = "main"


def override_public_url(entries: Sequence[Entry], environ: Mapping[str, str]) -> list[Entry]:
    """Return the entries with `TM_PUBLIC_URL`, where it is set, in place of the Service's own."""
    url = environ.get(PUBLIC_URL)
    return [_with_public_url(entry, url) if url and entry.kind == "Service" else entry for entry in entries]


def _with_public_url(entry: Entry, url: str) -> Entry:
    source = entry.source.without()
    place = source.place_of(("public_url",))
    source.put("public_url", Resolved.of(url, PUBLIC_URL), place, place)
    return replace(entry, source=source)


def add_implicit(
    entries: Sequence[Entry], folder: Path, reading: Reading, *, broken: Collection[str]
) -> list[Entry]:
    """Return the entries with a Service and an Account from the environment where none is declared.

    What is missing for them is an error, but not offline, not for a fleet without agents, and not
    where a file that could not be read (what it names is in `broken`) seems to declare them.
    """
    needed = not reading.offline and any(entry.kind == "Agent" for entry in entries)
    added: list[Entry] = []
    if not any(entry.kind == "Service" for entry in entries):
        added.append(_service(folder, reading))
        if "Service" not in broken and not reading.environ.get(PUBLIC_URL):
            message = f"no Service is declared; set {PUBLIC_URL}, or declare one"
            reading.findings.append(_missing(codes.MISSING_SERVICE, message, is_error=needed))
    if not any(entry.kind == "Account" for entry in entries):
        absent = [name for name in (ACCOUNT_SID, AUTH_TOKEN) if not reading.environ.get(name)]
        if not absent or any(entry.kind == "Agent" for entry in entries):
            added.append(_account(folder, reading))
        if "Account" not in broken and absent:
            message = f"no Account is declared; set {' and '.join(absent)}, or declare one"
            reading.findings.append(_missing(codes.MISSING_ACCOUNT, message, is_error=needed))
    return [*entries, *added]


def _missing(code: str, message: str, *, is_error: bool) -> Diagnostic:
    return Diagnostic("error" if is_error else "warning", code, message, None)


def _service(folder: Path, reading: Reading) -> Entry:
    fields: dict[str, Source] = {"public_url": _variable(PUBLIC_URL, reading)}
    return _implicit("Service", _IMPLICIT_SERVICE, fields, folder)


def _account(folder: Path, reading: Reading) -> Entry:
    token = Reference(f"${{env:{AUTH_TOKEN}}}", _place(folder), announced=True)
    sid = _variable(ACCOUNT_SID, reading)
    return _implicit("Account", IMPLICIT_ACCOUNT, {"account_sid": sid, "auth_token": token}, folder)


def _variable(name: str, reading: Reading) -> str:
    value = reading.environ.get(name)
    return Resolved.of(value, name) if value else Unresolved(f"${{env:{name}}}")


def _place(folder: Path) -> Place:
    return Place(str(folder), 1, 1)


def _implicit(kind: str, name: str, fields: Mapping[str, Source], folder: Path) -> Entry:
    place = _place(folder)
    source = SourceMap(place)
    source.put("name", name, place, place)
    for key, value in fields.items():
        source.put(key, value, place, place)
    return Entry(kind, name, source, implicit=True)
