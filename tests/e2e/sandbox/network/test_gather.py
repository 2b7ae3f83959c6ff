"""Keys and words that a call collects, on the line and by themselves."""

from __future__ import annotations

from sandbox import HangUp, Interrupt, Kind, Listen, Press, Sandbox, Say, Wait, Words
from sandbox.network.caller import Caller, Step
from sandbox.network.gathering import Collected, Collector
from sandbox.network.line import SILENT_FRAME, LineTick
from sandbox.network.media_files import hum
from sandbox.network.verbs import Gather
from sandbox.speech import clip
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App, play
from tests.e2e.sandbox.network.office import EMPTY, asked


def _collected(gather: Gather, *steps: Step, prompt_ms: int = 0) -> tuple[Collected, int]:
    """Return what is collected of a caller, and after how many milliseconds."""
    collector, caller = Collector(gather), Caller([*steps, Wait(120_000)])
    for tick in range(6000):
        if tick * 20 >= prompt_ms:
            collector.prompts_ended()
        did = caller.tick(SILENT_FRAME)
        collector.hear(LineTick(did.frame or SILENT_FRAME, did, agent_begins=False, agent_stops=False))
        if collector.result is not None:
            return collector.result, (tick + 1) * 20
    raise AssertionError("nothing was ever collected")


def test_the_last_of_the_wanted_digits_completes_the_input() -> None:
    result, _ = _collected(Gather(num_digits=3), Press("1234"))
    assert result == Collected("123")


def test_the_finishing_key_is_no_part_of_the_digits() -> None:
    assert _collected(Gather(), Press("12#"))[0] == Collected("12", finished_on="#")
    assert _collected(Gather(), Press("#"))[0] == Collected()
    assert _collected(Gather(finish_on_key="", num_digits=2), Press("1#"))[0] == Collected("1#")


def test_the_time_out_runs_from_the_end_of_the_prompts_and_from_each_key() -> None:
    nothing, after_ms = _collected(Gather(timeout_s=3), prompt_ms=2000)
    assert nothing == Collected()
    assert after_ms == 5000
    digits, after_ms = _collected(Gather(timeout_s=3), Wait(2000), Press("1"), Wait(2000), Press("2"))
    assert digits == Collected("12")
    assert 7000 <= after_ms <= 7500


def test_an_utterance_ends_with_a_pause_and_is_recognised() -> None:
    gather = Gather(takes_digits=False, takes_speech=True, speech_timeout_s=1)
    result, after_ms = _collected(gather, Wait(500), Say("caller-menu"))
    assert result == Collected(speech=clip("caller-menu").text)
    assert after_ms <= 500 + clip("caller-menu").ms + 1100


def test_the_first_kind_of_input_wins() -> None:
    gather = Gather(takes_speech=True, speech_timeout_s=1)
    assert _collected(gather, Say("caller-yes"), Press("1"))[0].speech == clip("caller-yes").text
    assert _collected(gather, Press("1"), Say("caller-yes"))[0].digits == "1"


def test_a_key_stops_the_prompt_and_leads_to_the_action() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {
            "/voice": '<Response><Gather numDigits="1" action="/pressed">'
            "<Say>Hello. How can I help you?</Say></Gather></Response>",
            "/pressed": EMPTY,
            "/status": EMPTY,
        }
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(400), Press("7"), Wait(90_000)])
        assert await call.ended() == "completed"
        (form,) = asked(app, "/pressed")
        assert (form["Digits"], form["CallStatus"]) == ("7", "in-progress")
        assert 0 < len(call.heard) < len(clip("agent-hello").ulaw)
        assert call.happened(Kind.COLLECTED)[0].detail == "7"

    play(story)


def test_words_lead_to_the_action_and_what_is_made_out_is_told_meanwhile() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {
            "/voice": '<Response><Gather input="speech" speechTimeout="1" action="/heard" '
            'partialResultCallback="/partial"><Say>Hello. How can I help you?</Say></Gather></Response>',
            "/heard": EMPTY,
            "/partial": EMPTY,
            "/status": EMPTY,
        }
        caller: list[Step] = [Listen(), Say("caller-book-table"), Wait(90_000)]
        await box.network.dial(from_=GUEST, to=BISTRO, caller=caller).ended()
        await box.network.quiet()
        (form,) = asked(app, "/heard")
        assert form["SpeechResult"] == clip("caller-book-table").text
        assert 0 <= float(form["Confidence"]) <= 1
        partials = asked(app, "/partial")
        assert [one["SequenceNumber"] for one in partials] == [str(n) for n in range(len(partials))]
        unstable = [one["UnstableSpeechResult"] for one in partials]
        assert unstable[0] in unstable[1] in clip("caller-book-table").text
        assert [one["StableSpeechResult"] for one in partials] == ["", *unstable[:-1]]
        assert partials[-1]["StableSpeechResult"] == form["SpeechResult"]

    play(story)


def test_a_caller_may_say_any_words_and_be_misunderstood() -> None:
    gather = Gather(takes_digits=False, takes_speech=True, speech_timeout_s=1)
    words = Words("Do you have a terrace?")
    assert _collected(gather, Say(words, confidence=0.4))[0] == Collected(speech=words.text, confidence=0.4)
    misunderstood, _ = _collected(gather, Say(words, heard_as="Do you have a terrorist?", confidence=None))
    assert misunderstood.form() == (("SpeechResult", "Do you have a terrorist?"),)


def test_sounds_without_words_are_no_input() -> None:
    gather = Gather(takes_digits=False, takes_speech=True, speech_timeout_s=1)
    assert _collected(gather, Say(hum(600)))[0].speech == ""


def test_speech_stops_the_prompt_unless_barge_in_is_off() -> None:
    greeting = "Welcome to the Harbour Bistro, where every evening there is fresh fish."

    async def story(box: Sandbox, app: App) -> None:
        gather = '<Response><Gather input="speech" speechTimeout="1" bargeIn="{}" action="/heard">'
        app.documents = {"/heard": EMPTY, "/status": EMPTY}
        caller: list[Step] = [Interrupt("caller-yes", after_ms=1000), Wait(90_000)]
        for barge_in, heard_whole in (("true", False), ("false", True)):
            document = f"{gather.format(barge_in)}<Say>{greeting}</Say></Gather></Response>"
            app.documents["/voice"] = document
            call = box.network.dial(from_=GUEST, to=BISTRO, caller=caller)
            await call.ended()
            (heard,) = call.heard_words
            assert greeting.startswith(heard)
            assert (heard == greeting) is heard_whole
            assert asked(app, "/heard")[-1]["SpeechResult"] == clip("caller-yes").text

    play(story)


def test_a_slower_voice_takes_longer() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": "<Response><Say>One two three.</Say></Response>", "/status": EMPTY}
        lengths = []
        for ms in (60, 120):
            box.network.ms_per_character = ms
            call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
            await call.ended()
            assert call.heard_words == ("One two three.",)
            lengths.append(len(call.heard))
        assert lengths[1] == 2 * lengths[0]

    play(story)


def test_without_input_the_next_verb_follows_unless_empty_results_are_wanted() -> None:
    async def story(box: Sandbox, app: App) -> None:
        gather = '<Gather timeout="1" action="/pressed"{}/>'
        bye = "<Say>Thank you for calling. Goodbye.</Say>"
        app.documents = {"/status": EMPTY, "/pressed": EMPTY}
        app.documents["/voice"] = f"<Response>{gather.format('')}{bye}</Response>"
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        await call.ended()
        assert call.heard == clip("agent-goodbye").ulaw
        assert "/pressed" not in app.paths()
        empty = gather.format(' actionOnEmptyResult="true"')
        app.documents["/voice"] = f"<Response>{empty}{bye}</Response>"
        await box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)]).ended()
        assert asked(app, "/pressed")[0]["Digits"] == ""

    play(story)


def test_a_caller_who_hangs_up_during_a_gather_ends_the_call_and_nothing_is_asked() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": '<Response><Gather action="/pressed"/></Response>', "/status": EMPTY}
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(300), HangUp()])
        assert await call.ended() == "completed"
        assert app.paths() == ["/voice", "/status"]

    play(story)
