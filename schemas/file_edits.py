"""Files about to be changed: shown as a unified diff first, then written whole or not at all."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import TmError


@dataclass(frozen=True, slots=True)
class FileEdit:
    """The new text of a file. `before` is the text that the edit rests on; None for a file to be made."""

    path: Path
    before: str | None
    after: str

    def diff(self) -> str:
        """Return the unified diff, ending in a newline; empty when nothing changes."""
        old = [] if self.before is None else self.before.splitlines()
        name = "/dev/null" if self.before is None else str(self.path)
        lines = difflib.unified_diff(old, self.after.splitlines(), name, str(self.path), lineterm="")
        return "".join(f"{line}\n" for line in lines)

    def write(self) -> None:
        """Write the file in one step. Raises TmError when it is no longer as it was, or cannot be written."""
        try:
            if self.before is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("x", encoding="utf-8", newline="") as file:
                    file.write(self.after)
            else:
                if read_text(self.path) != self.before:
                    raise TmError(f"{self.path} was changed in the meantime; it is left as it is")
                _replace(self.path.resolve(), self.after)
        except FileExistsError as error:
            raise TmError(f"{self.path} exists already; it is left as it is") from error
        except OSError as error:
            raise TmError(f"{self.path} cannot be written: {error.strerror}") from error


def read_text(path: Path) -> str:
    """Return a file's text with its line ends and byte order mark. Raises TmError."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise TmError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TmError(f"{path} is not UTF-8 text") from error


def diff_of(edits: Iterable[FileEdit]) -> str:
    """Return the unified diff of several files."""
    return "".join(edit.diff() for edit in edits)


def _replace(path: Path, text: str) -> None:
    """Put a new file in the old one's place, with its permissions: nobody ever sees half of it."""
    mode = path.stat().st_mode & 0o7777
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
