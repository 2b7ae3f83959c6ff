"""Callers, in a loop instead of in time."""

from __future__ import annotations

from sandbox.network.caller import Caller, HangUp, Interrupt, Listen, Press, Say, Step, Tick, Wait
from sandbox.network.line import Line
from sandbox.speech import clip

SILENCE = b"\xff" * 160
SPEECH = clip("agent-menu").ulaw[1600:1760]
TICK_MS = 20


def _live(steps: list[Step], heard: list[tuple[bytes, int]]) -> list[Tick]:
    """Let a caller hear frames for so many ms, and then silence until the end; one tick each."""
    frames = [frame for frame, ms in heard for _ in range(ms // TICK_MS)]
    caller = Caller(steps)
    ticks: list[Tick] = []
    while not ticks or not ticks[-1].hang_up:
        ticks.append(caller.tick(frames[len(ticks)] if len(ticks) < len(frames) else SILENCE))
        assert len(ticks) < 5000
    return ticks


def _first(ticks: list[Tick], *, says: bool = False) -> int:
    """Return when the caller first speaks, in ms."""
    return next(index for index, tick in enumerate(ticks) if tick.says is not None or not says) * TICK_MS


def test_a_caller_says_every_byte_of_a_clip_and_hangs_up() -> None:
    ticks = _live([Say("caller-yes")], [])
    said = b"".join(tick.frame for tick in ticks if tick.frame is not None)
    assert said.rstrip(b"\xff") == clip("caller-yes").ulaw.rstrip(b"\xff")
    assert ticks[0].says == "Yes, please."
    assert [tick.finished for tick in ticks].count(True) == 1


def test_a_listener_waits_until_the_agent_has_spoken_and_is_quiet() -> None:
    ticks = _live([Listen(until_quiet_ms=600), Say("caller-yes")], [(SILENCE, 1000), (SPEECH, 2000)])
    assert 3500 <= _first(ticks, says=True) <= 3700


def test_a_pause_between_words_is_not_the_end_of_listening() -> None:
    heard = [(SPEECH, 1000), (SILENCE, 400), (SPEECH, 1000)]
    ticks = _live([Listen(until_quiet_ms=600), Say("caller-yes")], heard)
    assert 2900 <= _first(ticks, says=True) <= 3100


def test_a_listener_does_not_wait_for_ever() -> None:
    ticks = _live([Listen(at_most_s=2), Say("caller-yes")], [])
    assert _first(ticks, says=True) == 2000


def test_an_interruption_comes_when_the_agent_has_spoken_so_long() -> None:
    ticks = _live([Interrupt("caller-yes", after_ms=1000)], [(SILENCE, 500), (SPEECH, 5000)])
    assert 1450 <= _first(ticks, says=True) <= 1550


def test_keys_are_pressed_one_after_the_other() -> None:
    ticks = _live([Press("1w#"), Wait(100)], [])
    pressed = [(index * TICK_MS, tick.digit) for index, tick in enumerate(ticks) if tick.digit]
    assert pressed == [(0, "1"), (700, "#")]


def test_hanging_up_leaves_the_other_steps_undone() -> None:
    ticks = _live([Wait(100), HangUp(), Say("caller-yes")], [])
    assert len(ticks) == 6


def test_the_recording_has_caller_left_and_agent_right_byte_for_byte() -> None:
    line = Line([Say(b"\x01" * 320)])
    line.playout.media(b"\x02" * 160, 20)
    for _ in range(3):
        line.settle(line.next_tick_ms)
        line.tick()
    wav = line.recording_wav()
    left, right = wav[-640::2], wav[-639::2]
    assert wav[:4] == b"RIFF"
    assert int.from_bytes(wav[20:22], "little") == 7
    assert left == b"\x01" * 320
    assert right == b"\xff" * 160 + b"\x02" * 160
