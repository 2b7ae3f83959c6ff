"""What a call cost: its usage times a dated price list.

The list that comes with tm has OpenAI's list prices of the Realtime models. A fleet's own list
(`Service.prices`) goes before it, model by model. What has no price is named, and the sum is then null rather
than too small.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from runtime.call.usage import Usage
from runtime.call_record import JsonValue
from schemas.prices import ModelPrices, Prices

MILLION: Final = 1_000_000
LIST_AS_OF: Final = "2026-11-20"
# OpenAI: list prices in USD per million tokens.
LIST: Final[Mapping[str, ModelPrices]] = {
    "gpt-realtime-2.1": ModelPrices(audio_in=32, audio_cached=0.40, audio_out=64, text_in=4, text_out=24),
    "gpt-realtime-2.1-mini": ModelPrices(
        audio_in=10, audio_cached=0.30, audio_out=20, text_in=0.60, text_out=2.40
    ),
}


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices that hold for a fleet."""

    as_of: str = LIST_AS_OF
    currency: str = "USD"
    models: Mapping[str, ModelPrices] = field(default_factory=lambda: LIST)
    phone_minute: float | None = None

    @classmethod
    def of(cls, declared: Prices | None) -> PriceTable:
        """Return the fleet's table. Prices in another currency than the list's stand alone."""
        if declared is None:
            return cls()
        base = LIST if declared.currency == "USD" else {}
        return cls(
            declared.as_of.isoformat(), declared.currency, {**base, **declared.models}, declared.phone_minute
        )


def cost(
    usage: Usage, seconds: float | None, *, model: str, transcription: str, table: PriceTable
) -> dict[str, JsonValue]:
    """Return a record's `cost`: tokens, and the money that they are.

    `amount` is null when something that was used has no price; `unpriced` names it. `seconds` is the call's
    duration, for the carrier's minutes, where these have a price.
    """
    parts: dict[str, float | None] = {
        model: _speech(usage, table.models.get(model, ModelPrices())),
        transcription: _transcription(usage, table.models.get(transcription, ModelPrices())),
    }
    tokens: dict[str, JsonValue] = {
        "text_in": usage.text_in,
        "text_cached": usage.text_cached,
        "audio_in": usage.audio_in,
        "audio_cached": usage.audio_cached,
        "text_out": usage.text_out,
        "audio_out": usage.audio_out,
        "transcription_in": usage.transcription_in,
        "transcription_out": usage.transcription_out,
    }
    return _bill(parts, tokens, seconds, table)


def _bill(
    parts: dict[str, float | None],
    tokens: dict[str, JsonValue],
    seconds: float | None,
    table: PriceTable,
) -> dict[str, JsonValue]:
    """Add the carrier's minutes, and everything up."""
    if table.phone_minute is not None:
        parts = {**parts, "phone": math.ceil((seconds or 0) / 60) * table.phone_minute}
    unpriced = [name for name, amount in parts.items() if amount is None]
    return {
        "amount": None if unpriced else round(sum(part or 0.0 for part in parts.values()), 6),
        "currency": table.currency,
        "prices_as_of": table.as_of,
        "parts": {name: None if part is None else round(part, 6) for name, part in parts.items()},
        "unpriced": [*unpriced],
        "tokens": tokens,
    }


def joined_cost(
    before: Mapping[str, JsonValue] | None, after: Mapping[str, JsonValue] | None
) -> Mapping[str, JsonValue] | None:
    """Return the cost of a call whose beginning is known by its record alone: each part at its own prices.

    What had no price in one of them has none in the whole, and nor has anything in two currencies.
    """
    if not before or not after:
        return after or before
    parts = _added(before.get("parts"), after.get("parts"))
    priced = None not in parts.values() and before.get("currency") == after.get("currency")
    return {
        **after,
        "amount": round(math.fsum(part or 0.0 for part in parts.values()), 6) if priced else None,
        "parts": {**parts},
        "unpriced": [name for name, part in parts.items() if part is None],
        "tokens": {**_added(before.get("tokens"), after.get("tokens"))},
    }


def _added(first: JsonValue, then: JsonValue) -> dict[str, float | None]:
    """Add two objects of numbers, name by name; null when one of the two is."""
    whole: dict[str, float | None] = {}
    for counted in (first, then):
        for name, number in (counted if isinstance(counted, dict) else {}).items():
            so_far = whole.get(name, 0)
            if so_far is None or not isinstance(number, int | float):
                whole[name] = None
            else:
                whole[name] = round(so_far + number, 6)
    return whole


def text_cost(usage: Usage, seconds: float | None, *, model: str, table: PriceTable) -> dict[str, JsonValue]:
    """Return a record's `cost` for a text model. What drafts took is paid like the rest, and named apart."""
    whole = replace(
        usage, text_in=usage.text_in + usage.drafts_in, text_out=usage.text_out + usage.drafts_out
    )
    parts: dict[str, float | None] = {model: _speech(whole, table.models.get(model, ModelPrices()))}
    tokens: dict[str, JsonValue] = {
        "text_in": usage.text_in,
        "text_cached": usage.text_cached,
        "text_out": usage.text_out,
        "drafts_in": usage.drafts_in,
        "drafts_out": usage.drafts_out,
    }
    return _bill(parts, tokens, seconds, table)


def live_cost(
    usage: Usage, seconds: float | None, *, model: str, delegate: str, table: PriceTable
) -> dict[str, JsonValue]:
    """Return a record's `cost` for a speech model that is billed for as long as its sessions are open.

    OpenAI: GPT-Live is billed by the second, silence included, and the model that it delegates to by tokens.
    """
    per_minute = table.models.get(model, ModelPrices()).per_minute
    open_minutes = usage.session_seconds / 60
    parts: dict[str, float | None] = {
        model: None if per_minute is None and open_minutes else open_minutes * (per_minute or 0.0),
        delegate: _speech(usage, table.models.get(delegate, ModelPrices())),
    }
    tokens: dict[str, JsonValue] = {
        "text_in": usage.text_in,
        "text_cached": usage.text_cached,
        "text_out": usage.text_out,
        "session_seconds": round(usage.session_seconds, 3),
    }
    return _bill(parts, tokens, seconds, table)


def _speech(usage: Usage, prices: ModelPrices) -> float | None:
    """Return what the speech model took; cached tokens are part of the input and cost less."""
    return _sum(
        (usage.audio_in - usage.audio_cached, prices.audio_in),
        (usage.audio_cached, prices.audio_in if prices.audio_cached is None else prices.audio_cached),
        (usage.text_in - usage.text_cached, prices.text_in),
        (usage.text_cached, prices.text_in if prices.text_cached is None else prices.text_cached),
        (usage.audio_out, prices.audio_out),
        (usage.text_out, prices.text_out),
    )


def _transcription(usage: Usage, prices: ModelPrices) -> float | None:
    """Return what the transcription took, by tokens or by time."""
    if prices.per_minute is not None and usage.transcribed_seconds:
        return usage.transcribed_seconds / 60 * prices.per_minute
    if usage.transcribed_seconds:
        return None
    heard = prices.audio_in if prices.audio_in is not None else prices.text_in
    return _sum((usage.transcription_in, heard), (usage.transcription_out, prices.text_out))


def _sum(*lines: tuple[int, float | None]) -> float | None:
    """Add up tokens times price per million; None when something that was used has none."""
    if any(tokens and price is None for tokens, price in lines):
        return None
    return sum(tokens * (price or 0.0) for tokens, price in lines) / MILLION
