"""Whole calls with a hold sound: what the carrier plays until the agent speaks."""

from __future__ import annotations

from runtime.audio.ulaw import BYTES_PER_MS
from runtime.call import events as ev
from runtime.call.actions import ClearPlayback, EndStream, PlayAudio, PlayMark, TruncateItem
from runtime.call.plan import CallPlan
from runtime.call.playback.hold_sound import FADE, HoldSound
from tests.runtime.call.world import STREAM, Network, World, payload, spoken

MUSIC = bytes(range(0x90, 0xC0)) * 1000
SPEECH = bytes(range(0x10, 0x60)) * 100  # 1 s, no byte of it in the music
QUICK = Network(down=0.0, up=0.0)


def waiting(fallback_message: str | None = None) -> World:
    """Return a call whose stream has started and whose model is still to come."""
    world = World(CallPlan(hold=HoldSound(MUSIC), fallback_message=fallback_message), QUICK)
    world.feed(ev.ModelConnected(), ev.StreamStarted(STREAM, "CA1"))
    return world


def speaks_at(world: World) -> float:
    """Return when the caller hears the agent's first word, in seconds; its bytes are not in the music."""
    for begins, audio in world.carrier.pieces:
        inner = audio[FADE:] or audio
        if inner and inner[0] in SPEECH:
            return begins
    raise AssertionError("the agent was not heard")


def test_music_plays_without_a_gap_until_the_agent_speaks_and_nothing_is_cleared() -> None:
    world = waiting()
    world.run(3.0)
    ready = world.now
    world.feed(ev.ModelConfigured(True))
    world.say("i1", SPEECH)
    world.run(3.0)
    assert speaks_at(world) - ready <= 0.1
    ends = [begins + len(audio) / 8000 for begins, audio in world.carrier.pieces]
    gaps = [begins - end for (begins, _), end in zip(world.carrier.pieces[1:], ends, strict=False)]
    assert max(gaps) < 0.001
    assert not world.actions(ClearPlayback)


def test_the_sound_is_never_further_ahead_than_100_ms_and_needs_few_marks() -> None:
    world = waiting()
    begun = world.now
    world.run(10.0)
    sent = 0
    for at, action in world.done:
        if isinstance(action, PlayAudio):
            sent += len(spoken([action]))
            assert sent / 8000 <= at - begun + 0.1 + 1e-6
    assert len(world.actions(PlayMark)) <= 10


def test_an_agent_that_is_ready_before_the_stream_speaks_at_once_and_no_music_is_heard() -> None:
    world = World(CallPlan(hold=HoldSound(MUSIC, delay=0.2)), QUICK)
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.say("i1", SPEECH)
    world.feed(ev.StreamStarted(STREAM, "CA1"))
    world.run(3.0)
    assert spoken(world.actions(PlayAudio)) == SPEECH


def test_an_agent_that_is_ready_within_the_delay_is_not_preceded_by_a_snippet_of_music() -> None:
    world = World(CallPlan(hold=HoldSound(MUSIC, delay=0.2)), QUICK)
    world.feed(ev.ModelConnected(), ev.StreamStarted(STREAM, "CA1"))
    world.run(0.15)
    world.feed(ev.ModelConfigured(True))
    world.say("i1", SPEECH)
    world.run(3.0)
    assert spoken(world.actions(PlayAudio)) == SPEECH


def test_a_caller_who_speaks_over_the_music_does_not_stop_it() -> None:
    world = waiting()
    world.feed(ev.ModelConfigured(True))
    world.run(1.0)
    world.feed(ev.CallerSpeechStarted("c1", 500))
    world.run(1.0)
    assert not world.actions(ClearPlayback)
    assert len(spoken(world.actions(PlayAudio))) >= 2 * 8000


def test_where_a_caller_cut_in_is_known_to_the_ms_after_music_too() -> None:
    world = waiting()
    world.run(2.0)
    world.feed(ev.ModelConfigured(True))
    world.say("i1", SPEECH * 3)
    world.run(1.5)
    world.feed(ev.CallerSpeechStarted("c1", 3000))
    heard_ms = round((world.now - speaks_at(world)) * 1000)
    (truncated,) = world.actions(TruncateItem)
    assert isinstance(truncated, TruncateItem)
    assert abs(truncated.heard_ms - heard_ms) <= 25
    world.run(1.0)
    assert sum(byte in MUSIC for byte in world.carrier.heard(world.now)[-4000:]) == 0  # no music after it


def test_music_under_a_first_delta_that_is_too_short_to_send_goes_on() -> None:
    world = waiting()
    world.run(1.0)
    world.feed(ev.ModelConfigured(True), ev.ResponseStarted("r1"))
    world.feed(ev.ModelAudio("r1", "i1", payload(SPEECH[:80])))
    before = len(spoken(world.actions(PlayAudio)))
    world.run(0.5)
    assert len(spoken(world.actions(PlayAudio))) - before >= 0.4 * 8000


def test_a_model_that_is_lost_before_its_first_word_leaves_music_that_falls_silent_before_the_fallback() -> (
    None
):
    world = waiting("Please call again later.")
    world.run(1.0)
    lost_at = world.now
    world.feed(ev.ModelUnavailable("refused key"))
    world.run(3.0)
    assert world.actions(EndStream) == [EndStream("Please call again later.")]
    ended_at = next(at for at, action in world.done if isinstance(action, EndStream))
    assert ended_at - lost_at <= 0.2
    assert len(spoken(world.actions(PlayAudio)[-1:])) == FADE
    assert world.ended


def test_the_record_says_nothing_of_the_music_and_counts_the_agents_words_only() -> None:
    world = waiting()
    world.run(2.0)
    world.feed(ev.ModelConfigured(True))
    world.say("i1", SPEECH, "Good evening.")
    world.run(3.0)
    (entry,) = world.machine.transcript
    assert (entry.text, entry.interrupted) == ("Good evening.", False)
    assert world.machine.facts.first_word_ms == 2000
    assert len(SPEECH) == 1000 * BYTES_PER_MS


def talking() -> World:
    """Return a call whose agent has greeted the caller and was heard."""
    world = waiting()
    world.feed(ev.ModelConfigured(True))
    world.say("i1", SPEECH)
    world.run(3.0)
    return world


def connect_again(world: World) -> None:
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))


def played_since(world: World, first: int) -> bytes:
    return spoken([action for _, action in world.done[first:]])


def test_a_lost_model_is_missed_to_music_until_the_next_one_speaks() -> None:
    world = talking()
    world.feed(ev.CallerSpeechStarted("c1", 3000), ev.CallerSpeechStopped("c1", 3500))
    first = len(world.done)
    world.feed(ev.ModelLost("1006"))
    world.run(1.0)
    assert played_since(world, first)[FADE : FADE + 4000].strip(MUSIC) == b""
    connect_again(world)
    world.run(0.2)
    world.say("i2", SPEECH, response="r2")
    world.run(3.0)
    assert played_since(world, first).endswith(SPEECH[FADE:])


def test_words_that_a_lost_model_has_left_are_heard_before_the_music() -> None:
    world = talking()
    world.say("i2", SPEECH * 2, response="r2", end=False)
    first = len(world.done)
    world.feed(ev.ModelLost("1006"))
    world.run(4.0)
    assert (SPEECH * 2).endswith(played_since(world, first)[:8000])
    assert played_since(world, first)[-4000:].strip(MUSIC) == b""


def test_music_stops_when_the_next_model_only_listens() -> None:
    world = talking()
    world.feed(ev.ModelLost("1006"))
    world.run(1.0)
    connect_again(world)
    world.run(0.1)
    first = len(world.done)
    world.run(2.0)
    assert played_since(world, first) == b""
