"""Spoken notes: `POST /v1/audio/transcriptions`, a form with a file. No I/O.

What is in the file is known by the same ear as speech on a line: a clip's µ-law bytes, in whatever container.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP

from sandbox.model.config import JsonObject
from sandbox.model.refusal import RefusedError
from sandbox.model.text.composing import estimated_tokens
from sandbox.speech import find_spoken
from sandbox.speech.ulaw import BYTES_PER_MS

MAX_FILE = 25 * 1024 * 1024
MS_PER_TOKEN = 100

# What the file may be called by its ending.
FORMATS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
_FIELDS = frozenset(
    (
        *("file", "model", "language", "prompt", "response_format", "temperature", "stream", "include[]"),
        *("languages[]", "keywords[]", "chunking_strategy", "timestamp_granularities[]"),
    )
)


@dataclass(frozen=True, slots=True)
class Note:
    """A recording that is to be written down."""

    model: str
    name: str
    sound: bytes


def read_note(content_type: str, body: bytes) -> Note:
    """Return the recording in a form. Raises `RefusedError`."""
    fields, names = _form(content_type, body)
    for name in fields.keys() - _FIELDS:
        raise RefusedError("unknown_parameter", f"Unknown parameter: '{name}'.", param=name)
    for name in ("file", "model"):
        if not fields.get(name):
            raise RefusedError(
                "missing_required_parameter", f"Missing required parameter: '{name}'.", param=name
            )
    if fields.get("response_format", b"json") != b"json" or fields.get("stream", b"false") != b"false":
        raise RefusedError("invalid_value", "The sandbox answers JSON, whole.", param="response_format")
    file_name, sound = names.get("file", ""), fields["file"]
    if file_name.rpartition(".")[2].lower() not in FORMATS:
        raise RefusedError(
            "invalid_value", f"Invalid file format. Supported formats: {list(FORMATS)}", param="file"
        )
    if len(sound) > MAX_FILE:
        raise RefusedError("invalid_value", "Maximum content size limit (26214400) exceeded.", param="file")
    return Note(fields["model"].decode(), file_name, sound)


def transcribed(note: Note) -> JsonObject:
    """Return what was said, and what it costs."""
    text = " ".join(clip.text for clip in find_spoken(note.sound))
    given = max(1, len(note.sound) // BYTES_PER_MS // MS_PER_TOKEN)
    written = estimated_tokens(len(text))
    usage: JsonObject = {
        "type": "tokens",
        "input_tokens": given,
        "input_token_details": {"audio_tokens": given, "text_tokens": 0},
        "output_tokens": written,
        "total_tokens": given + written,
    }
    return {"text": text, "usage": usage}


def _form(content_type: str, body: bytes) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """Return the fields of a multipart form, and the names of its files."""
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + body
    )
    if message.get_content_type() != "multipart/form-data" or not message.is_multipart():
        raise RefusedError("invalid_request", "The body must be multipart/form-data.")
    fields: dict[str, bytes] = {}
    names: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content
            names[name] = part.get_filename() or ""
    return fields, names
