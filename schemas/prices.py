"""`Service.prices`: what models and minutes cost, for the money in call records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from schemas.declared import Declared
from schemas.fields import Text

Price = Annotated[float, Field(ge=0)]


class ModelPrices(Declared):
    """Prices of one model per million tokens; what is absent is not known."""

    audio_in: Price | None = None
    """What the caller says."""
    audio_cached: Price | None = None
    """Audio that the model has been given before; as audio_in when absent."""
    audio_out: Price | None = None
    """What the agent says."""
    text_in: Price | None = None
    """Instructions, tools, results."""
    text_cached: Price | None = None
    """Text that the model has been given before; as text_in when absent."""
    text_out: Price | None = None
    """Transcripts and the arguments of tools."""
    per_minute: Price | None = None
    """For a model that is billed by time: a transcription, or GPT-Live while its session is open."""


class Prices(Declared):
    """The company's price list; it goes before the one that comes with tm."""

    as_of: date
    """The day of the list."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """ISO 4217; one for all."""
    models: Mapping[Text, ModelPrices] = Field(default_factory=dict)
    """By model name."""
    phone_minute: Price | None = None
    """What the carrier takes for each minute begun; left out of the sum when absent."""
