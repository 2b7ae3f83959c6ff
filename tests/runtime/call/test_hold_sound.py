"""The sound of a wait, by itself: what comes next, and how it gives way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.audio.ulaw import BYTES_PER_SECOND, from_linear
from runtime.call.playback.hold_sound import FADE, LEAD, MESSAGE, HoldPlayer, HoldSound
from tests.runtime.audio.sounds import heard

FRAME = 160
# Every byte tells its place; 0x80 to 0xFE are loud to soft, as samples they are all different.
LEAD_IN = bytes(range(1, 120)) * 9
LOOP = bytes(range(130, 250)) * 5
LOUD = from_linear(np.full(BYTES_PER_SECOND, 8000, np.int16).tobytes())


def playing(sound: HoldSound) -> HoldPlayer:
    """Return a player whose first piece, which rises from silence, has been played."""
    player = HoldPlayer(sound)
    player.wait(0.0)
    player.take()
    return player


def test_the_lead_is_heard_once_and_then_the_loop_again_and_again() -> None:
    player = playing(HoldSound(LOOP, LEAD_IN))
    expected = (LEAD_IN + LOOP * 10)[MESSAGE:]
    played = b"".join(player.take() for _ in range(12))
    assert played == expected[: 12 * MESSAGE]


@given(
    st.binary(min_size=1, max_size=700),
    st.binary(max_size=700),
    st.data(),
)
def test_whatever_the_lengths_nothing_is_left_out_or_said_twice(
    loop: bytes, lead: bytes, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(loop) - 1))
    player = playing(HoldSound(loop, lead, start))
    whole = lead + loop[start:] + loop * (20 * MESSAGE // len(loop) + 1)
    assert b"".join(player.take() for _ in range(9)) == whole[MESSAGE : 10 * MESSAGE]


def test_a_wait_begins_after_its_delay_and_pieces_keep_a_short_lead() -> None:
    player = HoldPlayer(HoldSound(LOOP, delay=0.2))
    player.wait(100.0)
    assert player.send_at(-math.inf) == 100.2
    player.take()
    ends_at = 100.24
    sent = [100.2]
    for _ in range(50):
        at = max(player.send_at(ends_at), sent[-1])
        ends_at += len(player.take()) / BYTES_PER_SECOND
        sent.append(at)
        assert at < ends_at <= at + LEAD + 1e-9
    assert sent[-1] == pytest.approx(102.14)


def test_a_wait_that_begins_behind_speech_leaves_a_pause_after_it() -> None:
    player = HoldPlayer(HoldSound(LOOP, delay=1.0))
    player.wait(100.0)
    assert player.send_at(103.0) == 104.0


def test_the_agents_words_have_the_falling_end_of_the_music_under_them_for_60_ms() -> None:
    player = playing(HoldSound(LOUD))
    silence = b"\x7f" * 800  # the zero that a codec's round trip would turn into the other one
    spoken = bytes(player.under(silence))
    assert spoken[FADE:] == silence[FADE:]
    fall = heard(spoken[:FADE])
    assert 0.22 < fall[0] < 0.26
    assert (np.diff(fall) <= 0).all()
    assert fall[-1] < 0.01
    assert player.silent
    assert player.under(silence) is silence


def test_a_short_first_piece_of_speech_gets_a_shorter_fall() -> None:
    player = playing(HoldSound(LOUD))
    spoken = bytes(player.under(b"\xff" * FRAME))
    assert len(spoken) == FRAME
    assert heard(spoken)[-1] < 0.01


def test_loud_words_over_loud_music_are_limited_and_do_not_wrap_around() -> None:
    full = from_linear(np.full(800, 32000, np.int16).tobytes())
    player = playing(HoldSound(full))
    assert heard(bytes(player.under(full))).min() > 0.9


def test_music_rises_when_it_begins_and_falls_when_it_is_stopped() -> None:
    player = HoldPlayer(HoldSound(LOUD))
    player.wait(0.0)
    rise = heard(player.take())
    assert rise[0] == pytest.approx(0, abs=0.001)
    assert (np.diff(rise) >= 0).all()
    player.stop()
    assert player.send_at(5.0) == -math.inf
    fall = heard(player.take())
    assert len(fall) == FADE
    assert fall[-1] < 0.01
    assert player.silent
    assert player.send_at(5.0) == math.inf


def test_what_has_not_begun_begins_no_more_when_the_agent_speaks_or_the_wait_is_stopped() -> None:
    for end in (HoldPlayer.give_way, HoldPlayer.stop):
        player = HoldPlayer(HoldSound(LOOP, delay=1.0))
        player.wait(0.0)
        end(player)
        assert player.silent


def test_words_that_were_queued_before_the_wait_do_not_end_it() -> None:
    player = HoldPlayer(HoldSound(LOOP))
    player.wait(0.0)
    assert player.under(b"\xff" * 800) == b"\xff" * 800
    assert not player.silent


def test_a_second_wait_plays_the_music_on_and_not_the_recording_again() -> None:
    player = playing(HoldSound(LOOP, LEAD_IN))
    player.under(b"\xff" * 800)
    player.wait(50.0)
    player.take()
    assert player.take() == (LOOP * 3)[MESSAGE : 2 * MESSAGE]


def test_a_wait_that_is_renewed_while_the_sound_falls_lets_it_go_on() -> None:
    player = playing(HoldSound(LOOP))
    player.stop()
    player.wait(1.0)
    assert player.take() == (LOOP * 3)[MESSAGE : 2 * MESSAGE]


def test_without_a_sound_there_is_silence() -> None:
    player = HoldPlayer(None)
    player.wait(0.0)
    assert player.silent


def test_a_sound_that_would_end_is_refused() -> None:
    for sound in (b"", LOOP):
        with pytest.raises(ValueError, match="needs a loop"):
            HoldSound(sound, loop_from=len(sound))
