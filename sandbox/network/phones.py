"""Phones that the account can call: what they do when they ring, and who is on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.network.caller import Listen, Say, Spoken, Step, Wait, words_of
from sandbox.speech.ulaw import BYTES_PER_MS, from_pcm

LISTENER: tuple[Step, ...] = (Listen(),)

BEEP_HZ = 1000
BEEP_MS = 300
MESSAGE_MS = 30_000


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone: it rings for `ring_ms`, then `outcome` happens; who answers carries out the steps of `caller`.

    `who` is what answering machine detection finds, `detected_ms` after the answer (by default after a time
    that is usual for it); a machine's greeting ends with its beep at `greeting_ms`. `rejects` is a person who
    declines, `failed` a number that cannot be reached.
    """

    outcome: Literal["answer", "busy", "no-answer", "rejects", "failed"] = "answer"
    ring_ms: int = 200
    caller: Sequence[Step] = LISTENER
    name: str = ""
    who: Literal["human", "machine", "fax", "unknown"] = "human"
    detected_ms: int | None = None
    greeting_ms: int | None = None


def voicemail(
    greeting: Spoken = "caller-hello", *, ring_ms: int = 200, message_ms: int = MESSAGE_MS
) -> Phone:
    """Return a phone whose answering machine speaks, beeps, and takes a message of at most so long."""
    _, sound = words_of(greeting)
    tone = beep()
    return Phone(
        ring_ms=ring_ms,
        caller=(Say(greeting), Say(tone), Wait(message_ms)),
        who="machine",
        greeting_ms=(len(sound) + len(tone)) // BYTES_PER_MS,
    )


def beep() -> bytes:
    """Return the tone after which a machine records: µ-law."""
    samples = range(BEEP_MS * BYTES_PER_MS)
    waves = (int(12_000 * math.sin(2 * math.pi * BEEP_HZ * i / 8000)) for i in samples)
    return from_pcm(b"".join(sample.to_bytes(2, "little", signed=True) for sample in waves))
