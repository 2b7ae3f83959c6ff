"""Hold recordings: does Twilio get from the runtime, byte for byte, what the file is?"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from reconciler.output.printable import printable
from reconciler.preflight.asking import Answer, Asker, NoAnswerError
from reconciler.preflight.finding import Finding, Subject
from schemas.hold import MEDIA_TYPES
from schemas.media import MAX_MEDIA_BYTES


class RecordingChecks:
    """Checks recordings below `public_url`; each is fetched once, however many agents play it."""

    def __init__(self, public_url: str, asker: Asker) -> None:
        self._public_url = public_url
        self._asker = asker
        self._locks: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._findings: dict[Path, Finding] = {}

    async def check(self, subject: Subject, file: Path) -> Finding:
        """Fetch a recording as Twilio would and compare it with the file."""
        async with self._locks[file]:
            if file not in self._findings:
                self._findings[file] = await self._fetched(subject, file)
        return replace(self._findings[file], group=subject.name)

    async def _fetched(self, subject: Subject, file: Path) -> Finding:
        check = "hold recording"
        try:
            content = await asyncio.to_thread(file.read_bytes)
        except OSError as error:
            return subject.failed(check, f"{file.name} cannot be read: {error.strerror}", "Restore it.")
        sha256 = hashlib.sha256(content).hexdigest()
        url = f"{self._public_url}/media/{sha256}/{quote(file.name)}"
        try:
            answer = await self._asker.ask("GET", url, most_bytes=MAX_MEDIA_BYTES)
        except NoAnswerError as error:
            return subject.failed(check, str(error), "Is tm serve overloaded, or its way too narrow?")
        return judge_recording(subject, file, content, answer)


def judge_recording(subject: Subject, file: Path, content: bytes, answer: Answer) -> Finding:
    """Judge what the recording's address answered, against the file's content."""
    check, name = "hold recording", file.name
    if answer.status == HTTPStatus.NOT_FOUND:
        advice = "It runs with another version of the declarations: restart tm serve with these first."
        return subject.failed(check, f"the runtime does not have this {name} (404)", advice)
    if answer.status != HTTPStatus.OK:
        return subject.failed(check, f"{name} is answered {answer.status}", "Callers would hear an error.")
    wanted = MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream")
    if answer.media_type != wanted:
        shown = printable(answer.media_type)[:60] or "no Content-Type"
        found = f"{name} comes as {shown} instead of {wanted} (error 12300)"
        return subject.failed(check, found, "Something in front of the runtime changes it.")
    if answer.body != content or not answer.complete:
        size = f"{len(answer.body)} bytes{'' if answer.complete else ' and more'}"
        found = f"{name} comes changed: {size} instead of {len(content)}"
        return subject.failed(check, found, "Something in front of the runtime changes it.")
    return subject.ok(check, f"{name}, {len(content) / 1000:.0f} kB of {wanted}")
