"""Finding the text messages in a WebSocket's bytes, and leaving everything else to `websockets`.

Of the frames of a call nearly all are text messages of one frame (RFC 6455, section 5.2: FIN set, opcode 1).
Read here they cost a fifth of what a general parser takes. Any other frame, and one that is too large or
arrives in pieces, goes to the library as it came: control frames, fragments, all that breaks the rules.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, TypeAlias

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part
    from websockets.utils import apply_mask

_TEXT: Final = 0x81
_FIN: Final = 0x80
_CONTROL: Final = 0x08
_MASKED: Final = 0x80


def text_frame(text: str) -> bytes:
    """Return a text message as a server sends it, in one frame."""
    payload = text.encode()
    return _head(len(payload), 0) + payload


def masked_frame(text: str) -> bytes:
    """Return a text message as a client sends it, in one frame with a mask that nobody can foresee."""
    payload, mask = text.encode(), next(_MASKS)
    return b"".join((_head(len(payload), _MASKED), mask, apply_mask(payload, mask)))


def _masks() -> Iterator[bytes]:
    """Yield masks, of which the kernel is asked for a thousand at a time."""
    while True:
        block = os.urandom(4096)
        yield from (block[at : at + 4] for at in range(0, len(block), 4))


_MASKS: Final = _masks()


def _head(size: int, masked: int) -> bytes:
    """Return a frame's first bytes; `masked` is the bit that says whether a mask follows them."""
    if size < 126:
        return bytes((_TEXT, masked | size))
    if size < 65_536:
        return bytes((_TEXT, masked | 126)) + size.to_bytes(2)
    return bytes((_TEXT, masked | 127)) + size.to_bytes(8)


# A text message, unmasked, and True; or bytes for the library, whole frames or a part of one, and False.
Piece: TypeAlias = tuple[bytes, bool]


class TextFrames:
    """Splits what a peer sends, from a frame's beginning on. `masked`: whether its frames have to be.

    Messages over `largest` bytes are left to the library, which refuses them.
    """

    __slots__ = ("_begun", "_fragmented", "_largest", "_left", "_masked")

    def __init__(self, *, masked: bool, largest: int) -> None:
        self._masked = masked
        self._largest = largest
        self._left = 0  # bytes to come of a frame that the library is reading
        self._begun = b""  # a frame's header, as far as it is there
        self._fragmented = False

    def split(self, data: bytes) -> list[Piece]:
        """Return what is in the next bytes, in order."""
        pieces: list[Piece] = []
        at = min(self._left, len(data))
        if at:
            self._left -= at
            pieces.append((data[:at], False))
        elif self._begun:
            data, self._begun = self._begun + data, b""
        while at < len(data):
            payload_at, size = _measure(data, at)
            end = payload_at + size
            if payload_at > len(data):
                self._begun = data[at:]
                break
            if end <= len(data) and self._is_message(data, at, size):
                payload = data[payload_at:end]
                if self._masked:
                    payload = apply_mask(payload, data[payload_at - 4 : payload_at])
                pieces.append((payload, True))
            else:
                self._note_fragments(data[at])
                self._left = max(0, end - len(data))
                pieces.append((data[at:end], False))
            at = end
        return pieces

    def _is_message(self, data: bytes, at: int, size: int) -> bool:
        is_masked = data[at + 1] >= _MASKED
        return (
            data[at] == _TEXT and is_masked is self._masked and size <= self._largest and not self._fragmented
        )

    def _note_fragments(self, head: int) -> None:
        if not head & _CONTROL:
            self._fragmented = not head & _FIN


def _measure(data: bytes, at: int) -> tuple[int, int]:
    """Return where the payload of the frame at `at` begins, and its size.

    A beginning behind the end of `data` means that the header is not all there.
    """
    if at + 2 > len(data):
        return at + 2, 0
    code = data[at + 1]
    size, payload_at = code & 0x7F, at + 2
    if size == 126:
        payload_at += 2
        size = int.from_bytes(data[at + 2 : payload_at])
    elif size == 127:
        payload_at += 8
        size = int.from_bytes(data[at + 2 : payload_at])
    return payload_at + (4 if code & _MASKED else 0), size
