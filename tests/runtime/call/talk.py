"""An agent that speaks and a caller who makes sounds: what the tests of barge-in say to a call."""

from __future__ import annotations

from base64 import b64encode

from runtime.call import events as ev
from runtime.call.actions import Action
from runtime.call.hearing.interruption import InterruptTerms
from runtime.call.plan import CallPlan, Capabilities
from tests.runtime.call.world import BYTES_PER_SECOND, Network, World

SECOND = BYTES_PER_SECOND
OBEDIENT = Capabilities(cancels_on_speech=False, answers_on_pause=False)
VOICE = b64encode(b"\x20\xa0" * 80).decode()  # 20 ms of µ-law that nobody could overhear
QUIET = b64encode(b"\xff" * 160).decode()


def plan_for(terms: InterruptTerms) -> CallPlan:
    """Return the plan of an agent that is interrupted on these terms, and whose model acts accordingly."""
    return CallPlan(interrupt=terms, capabilities=Capabilities(terms.at_once, terms.at_once))


def answered(terms: InterruptTerms, network: Network | None = None, seed: int = 0) -> World:
    world = World(plan_for(terms), network, seed)
    world.answer()
    return world


def makes_sound(world: World, seconds: float, payload: str = VOICE) -> list[Action]:
    """Let the caller be heard for a while, frame by frame."""
    actions: list[Action] = []
    for _ in range(round(seconds / 0.02)):
        actions += world.feed(ev.CallerAudio(payload))
        actions += world.run(0.02)
    return actions


def coughs(world: World, item: str = "c1", seconds: float = 0.15) -> list[Action]:
    """Let the caller cough: a sound, and then the pause in which the model takes it for over."""
    actions = world.feed(ev.CallerSpeechStarted(item, 0))
    actions += makes_sound(world, seconds)
    actions += makes_sound(world, 0.5, QUIET)
    return actions + world.feed(ev.CallerSpeechStopped(item, 650))
