"""Finds and reads the files of a declarations folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas import codes
from schemas.errors import TmError
from schemas.places import Diagnostic, Place
from schemas.source import SourceMap
from schemas.suggestions import did_you_mean, listed
from schemas.yaml_source import read_documents

_SUFFIXES = (".yaml", ".yml")
_MAX_FILE_BYTES = 20_000_000

OVERLAYS = "env"
"""The folder within the declarations whose files are read only when their environment is chosen."""

# What a file that is not valid YAML seems to declare: its names are not reported as missing elsewhere.
_LABEL = re.compile(r"^(?:kind|name)[ \t]*:[ \t]*[\"']?([A-Za-z0-9-]+)", re.MULTILINE)


class MissingFolder(TmError):
    """The folder with the declarations does not exist, or is not a folder."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The documents of a folder, in the order of file names, and what was wrong on the way to them."""

    documents: tuple[SourceMap, ...]
    findings: tuple[Diagnostic, ...]
    broken: frozenset[str] = frozenset()
    """Kinds and names that stand in files which could not be read to their end."""


def read_folder(folder: Path) -> Contents:
    """Read every document of every YAML file below `folder`, but for the overlays in `env/`.

    Files that cannot be read are findings; the others are read all the same.

    Raises:
        MissingFolder: there is no such folder.
    """
    _require_folder(folder)
    findings: list[Diagnostic] = []
    return _contents(_yaml_files(folder, findings), findings)


def read_overlay(folder: Path, environment: str) -> Contents:
    """Read the overlay of an environment; there being none is a finding."""
    for suffix in _SUFFIXES:
        path = folder / OVERLAYS / f"{environment}{suffix}"
        if path.exists():
            return _contents([path], [])
    others = sorted({path.stem for path in (folder / OVERLAYS).glob("*.y*ml") if path.suffix in _SUFFIXES})
    told = did_you_mean(environment, others) or (f"; there is {listed(others)}" if others else "")
    message = f'there is no environment "{environment}": no file {folder / OVERLAYS / environment}.yaml{told}'
    return Contents((), (Diagnostic("error", codes.MISSING_OVERLAY, message, None),))


def _contents(paths: Iterable[Path], findings: list[Diagnostic]) -> Contents:
    documents: list[SourceMap] = []
    broken: set[str] = set()
    for path in paths:
        found_before = len(findings)
        content = _read(path, findings)
        text = _decoded(content, path, findings)
        if text is not None:
            documents += read_documents(text, str(path), findings.append)
        if len(findings) > found_before:
            broken.update(_LABEL.findall(content.decode("utf-8", errors="replace")))
    return Contents(tuple(documents), tuple(findings), frozenset(broken))


def declaration_files(folder: Path) -> tuple[list[Path], list[Diagnostic]]:
    """Return every YAML file below `folder`, overlays too, and what was wrong on the way to them.

    Raises:
        MissingFolder: there is no such folder.
    """
    _require_folder(folder)
    findings: list[Diagnostic] = []
    return list(_yaml_files(folder, findings, overlays=True)), findings


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        hint = "tm init writes a first one; --agents-dir or TM_AGENTS_DIR names another"
        raise MissingFolder(f"there is no folder {folder}", hint=hint)


def _yaml_files(folder: Path, findings: list[Diagnostic], *, overlays: bool = False) -> Iterator[Path]:
    """Yield YAML files by name, hidden ones left out; links to folders are followed once each."""

    def unreadable(error: OSError) -> None:
        findings.append(_unreadable(Path(error.filename), error))

    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True, onerror=unreadable):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if Path(parent) == folder and OVERLAYS in folders and not overlays:
            folders.remove(OVERLAYS)
        for name in sorted(files):
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                path = Path(parent) / name
                if str(path).isprintable():
                    yield path
                else:
                    findings.append(_unprintable(path))


def _unprintable(path: Path) -> Diagnostic:
    """Return the finding for a name that output could not carry: not UTF-8, or with control characters."""
    shown = str(path).encode("unicode_escape").decode()
    message = "the file's name has characters that cannot be shown"
    return Diagnostic("error", codes.UNREADABLE_FILE, message, Place(shown, 1, 1))


def _unreadable(path: Path, error: OSError) -> Diagnostic:
    message = f"cannot be read: {error.strerror}"
    return Diagnostic("error", codes.UNREADABLE_FILE, message, Place(str(path), 1, 1))


def _read(path: Path, findings: list[Diagnostic]) -> bytes:
    """Return the file's bytes; none, after reporting why, when it cannot be read."""
    start = Place(str(path), 1, 1)
    try:
        if path.exists() and not path.is_file():
            findings.append(Diagnostic("error", codes.UNREADABLE_FILE, "is not a file", start))
            return b""
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        findings.append(_unreadable(path, error))
        return b""
    if len(content) > _MAX_FILE_BYTES:
        findings.append(Diagnostic("error", codes.UNREADABLE_FILE, "is larger than 20 MB", start))
        return b""
    return content


def _decoded(content: bytes, path: Path, findings: list[Diagnostic]) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        place = Place(str(path), before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"not UTF-8: byte {content[error.start]:#04x}"
        findings.append(Diagnostic("error", codes.NOT_UTF8, message, place))
        return None
