"""What a call cost."""

from __future__ import annotations

from datetime import date

import pytest

from runtime.call.usage import Usage
from runtime.figures.prices import LIST_AS_OF, PriceTable, cost, live_cost
from schemas.prices import ModelPrices, Prices

MODEL, TRANSCRIPTION = "gpt-realtime-2.1", "gpt-transcribe"


def priced(usage: Usage, declared: Prices | None = None, seconds: float | None = 61.0) -> dict[str, object]:
    table = PriceTable.of(declared)
    return {**cost(usage, seconds, model=MODEL, transcription=TRANSCRIPTION, table=table)}


def test_cached_audio_costs_what_the_list_says_and_the_list_has_a_date() -> None:
    told = priced(Usage(audio_in=1_000_000, audio_cached=500_000, audio_out=250_000, text_out=1_000_000))
    assert told["amount"] == pytest.approx(16 + 0.2 + 16 + 24)
    assert (told["currency"], told["prices_as_of"], told["unpriced"]) == ("USD", LIST_AS_OF, [])


def test_what_has_no_price_is_named_and_the_sum_is_left_open() -> None:
    told = priced(Usage(audio_in=10, transcription_in=10, transcription_out=5))
    assert told["amount"] is None
    assert told["unpriced"] == [TRANSCRIPTION]


def test_a_price_list_of_the_company_goes_before_ours_model_by_model() -> None:
    declared = Prices(
        as_of=date(2026, 12, 1),
        models={TRANSCRIPTION: ModelPrices(audio_in=6, text_out=10)},
        phone_minute=0.0085,
    )
    told = priced(Usage(audio_out=1_000_000, transcription_in=1_000_000), declared)
    assert told["amount"] == pytest.approx(64 + 6 + 2 * 0.0085)
    assert told["prices_as_of"] == "2026-12-01"


def test_prices_in_another_currency_do_not_mix_with_the_list() -> None:
    declared = Prices(as_of=date(2026, 12, 1), currency="EUR")
    told = priced(Usage(audio_out=1), declared)
    assert (told["amount"], told["currency"], told["unpriced"]) == (None, "EUR", [MODEL])


def test_a_transcription_by_time_is_priced_by_the_minute() -> None:
    declared = Prices(as_of=date(2026, 12, 1), models={TRANSCRIPTION: ModelPrices(per_minute=0.017)})
    assert priced(Usage(transcribed_seconds=120.0), declared)["amount"] == pytest.approx(0.034)


def test_a_call_that_used_nothing_costs_nothing() -> None:
    assert priced(Usage())["amount"] == 0


def live_priced(usage: Usage, **models: ModelPrices) -> dict[str, object]:
    table = PriceTable.of(Prices(as_of=date(2026, 12, 1), models={"gpt-live-1": ModelPrices(), **models}))
    return {**live_cost(usage, 61.0, model="gpt-live-1", delegate="small", table=table)}


def test_a_model_that_is_billed_by_the_second_costs_its_seconds_and_its_delegates_tokens() -> None:
    usage = Usage(session_seconds=90.0, text_in=1_000_000, text_out=500_000)
    prices = {"gpt-live-1": ModelPrices(per_minute=0.2), "small": ModelPrices(text_in=1, text_out=2)}
    told = live_priced(usage, **prices)
    assert told["parts"] == {"gpt-live-1": 0.3, "small": 2.0}
    assert told["amount"] == pytest.approx(2.3)


def test_seconds_without_a_price_leave_the_sum_open() -> None:
    told = live_priced(Usage(session_seconds=90.0))
    assert (told["amount"], told["unpriced"]) == (None, ["gpt-live-1"])
