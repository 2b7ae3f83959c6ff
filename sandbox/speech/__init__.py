"""Speech without a speech engine: clips that sandbox callers and the sandbox model say and understand.

`clip("caller-book-table")` is a spoken line as µ-law; `find_spoken(audio)` tells which lines stand
in some audio, byte for byte, and `find_similar(audio)` which one it resembles after a conversion;
`is_speech(frame)` tells sound from silence. `make speech` made the clips.
"""

from __future__ import annotations

from sandbox.speech.hearing import find_similar, find_spoken, is_speech
from sandbox.speech.library import Clip, clip, clips
from sandbox.speech.lines import LINES, Line, Speaker

__all__ = ["LINES", "Clip", "Line", "Speaker", "clip", "clips", "find_similar", "find_spoken", "is_speech"]
