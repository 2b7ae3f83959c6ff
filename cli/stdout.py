"""Stdout as a place that may fail: a full disk, a pipe that nobody reads any more, no stdout at all.

Python tells of each as an error in whatever line happens to write, and once more when it exits. Here it
becomes one exception, raised by the write that failed; nothing is written after it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast


class UnwritableStdoutError(Exception):
    """What was written to stdout did not arrive. `is_closed_pipe`: whoever read it has gone, by intention."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause.strerror or str(cause))
        self.is_closed_pipe = cause.errno == errno.EPIPE


class DocumentStream:
    """A text stream like the one it stands for, with its failures as UnwritableStdoutError.

    `used` tells whether anything was written: a command writes one document, or none yet.
    """

    def __init__(self, stream: TextIO, broken: OSError | None = None) -> None:
        self._stream = stream
        self._broken = broken
        self.used = False

    def write(self, text: str) -> int:
        """Write text. Raises UnwritableStdoutError."""
        self.used = self.used or bool(text)
        with self._guarded():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written so far. Raises UnwritableStdoutError."""
        if self.used:
            with self._guarded():
                self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            if self._broken is not None:
                raise self._broken
            yield
        except OSError as error:
            self._broken = error
            _abandon(self._stream)
            raise UnwritableStdoutError(error) from error


class PatientStream:
    """Stderr: what cannot be told there is lost, and nothing else is; a run goes on to its end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, if that is possible."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written so far, if that is possible."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextlib.contextmanager
def guarded_streams() -> Iterator[DocumentStream]:
    """Put `sys.stdout` and `sys.stderr` into safe hands for the time of a command, and hand out stdout."""
    before = sys.stdout, sys.stderr
    document = _document_stream(sys.stdout)
    sys.stdout = cast("TextIO", document)
    if sys.stderr is not None:
        sys.stderr = cast("TextIO", PatientStream(_escaping(sys.stderr)))
    try:
        yield document
    finally:
        sys.stdout, sys.stderr = before


def _document_stream(stdout: TextIO | None) -> DocumentStream:
    """Return stdout, or a stream that takes nothing where the process was started without it."""
    if stdout is not None:
        return DocumentStream(_escaping(stdout))
    closed = OSError(errno.EBADF, os.strerror(errno.EBADF))
    return DocumentStream(Path(os.devnull).open("w", encoding="utf-8"), closed)


def _escaping(stream: TextIO) -> TextIO:
    """Have shown escaped what the terminal's encoding lacks, instead of lost in a traceback."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _abandon(stream: TextIO) -> None:
    """Let what is still buffered go nowhere: Python would try once more, and complain, when it exits."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
