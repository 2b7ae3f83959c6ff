"""Words by which people want no messages, or want them again."""

from __future__ import annotations

import pytest

from runtime.messages.opting import Wish, wish_in


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop!", " Stop. ", "Unsubscribe", "opt-out", "ARRÊT", "Stopp", "baja"),
        *("STOP,", "STOP;", "(stop)", "«stop»", "¡Baja!", "STOP 👍🏽", "❤️ stop all…", "ST\u200bOP\ufeff"),
    ],
)
def test_a_message_that_is_the_word_stops_messages(text: str) -> None:
    assert wish_in(text, on_whatsapp=True, opted_out=False) is Wish.STOP
    assert wish_in(text, on_whatsapp=False, opted_out=False) is Wish.STOP


@pytest.mark.parametrize(
    "text", ["Please stop by at ten", "Where is the bus stop?", "", "👍", "Non-stop", "Stop 7"]
)
def test_a_message_that_has_the_word_in_it_is_a_message(text: str) -> None:
    assert wish_in(text, on_whatsapp=True, opted_out=False) is None


@pytest.mark.parametrize("text", ["Cancel", "END", "quit"])
def test_words_that_only_twilio_obeys_are_words_on_whatsapp(text: str) -> None:
    assert wish_in(text, on_whatsapp=True, opted_out=False) is None
    assert wish_in(text, on_whatsapp=False, opted_out=False) is Wish.STOP


def test_only_who_had_stopped_can_start_again() -> None:
    assert wish_in("Start", on_whatsapp=True, opted_out=False) is None
    assert wish_in("Start", on_whatsapp=True, opted_out=True) is Wish.START
    assert wish_in("yes", on_whatsapp=True, opted_out=True) is None
    assert wish_in("yes", on_whatsapp=False, opted_out=True) is Wish.START
