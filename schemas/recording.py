"""`Agent.recording`: whether and how calls are recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from schemas.declared import Declared
from schemas.fields import choice

RecorderName = Literal["twilio", "local"]
ChannelsName = Literal["dual", "mono"]


class Recording(Declared):
    """A recording of the call from its answer to its end."""

    by: Annotated[RecorderName, choice(RecorderName)] = "twilio"
    """twilio keeps it in the account; local writes a stereo WAV file where the runtime runs."""
    channels: Annotated[ChannelsName, choice(ChannelsName)] = "dual"
    """dual: caller and agent on a channel each. mono: both on one. Local recordings are dual."""
    announcement: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """Words that Twilio speaks before the recording begins, where the law wants them."""
    download: Path | None = None
    """A folder to which Twilio's recordings are fetched; the path is relative to the YAML file."""
    keep_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """How long fetched recordings are kept; for ever when absent."""
