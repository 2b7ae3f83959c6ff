"""Writes declarations into a temporary folder and loads them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from schemas import Diagnostic, Fleet, Loaded, load_fleet

ENVIRONMENT = {
    "TM_PUBLIC_URL": "https://phones.example.com",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "the-token",
}


@dataclass(frozen=True)
class Folder:
    """A folder of declarations; `load` reads it with an environment that has all that is needed."""

    path: Path

    def write(self, text: str, name: str = "fleet.yaml") -> Folder:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return self

    def load(self, environ: dict[str, str] | None = None, *, offline: bool = False) -> Loaded:
        return load_fleet(self.path, ENVIRONMENT if environ is None else environ, offline=offline)

    def fleet(self, environ: dict[str, str] | None = None, *, offline: bool = False) -> Fleet:
        loaded = self.load(environ, offline=offline)
        assert loaded.fleet is not None, list(map(str, loaded.diagnostics))
        return loaded.fleet

    def findings(self, environ: dict[str, str] | None = None, *, offline: bool = False) -> list[str]:
        """Return each finding as `file:line:column CODE message`, the folder left out."""
        return [self.line(found) for found in self.load(environ, offline=offline).diagnostics]

    def line(self, found: Diagnostic) -> str:
        return str(found).replace(f"{self.path}/", "")


AGENT = """
kind: Agent
name: front-desk
instructions: Be kind.
"""


def agent(fields: str) -> str:
    """Return a valid Agent document with further fields, which begin in line 4."""
    return AGENT.lstrip("\n") + dedent(fields).lstrip("\n")


def wav(*, tag: int = 7, channels: int = 1, bits: int = 8, samples: bytes = b"\xff" * 8000) -> bytes:
    """Return a WAV file at 8000 Hz; format tag 7 is µ-law, 1 is PCM."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, 8000, 8000 * block, block, bits)
    body = (
        b"WAVEfmt "
        + struct.pack("<I", len(form))
        + form
        + b"data"
        + struct.pack("<I", len(samples))
        + samples
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def mp3(*, mono: bool = True, tag: bytes = b"") -> bytes:
    """Return three frames of MPEG 1 layer III at 128 kbit/s and 44.1 kHz, after an optional tag."""
    header = bytes([0xFF, 0xFB, 0x90, 0xC0 if mono else 0x00])
    return tag + (header + bytes(417 - 4)) * 3
