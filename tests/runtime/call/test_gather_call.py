"""A call in gather mode: what the carrier is given, when, and what the record shows of it."""

from __future__ import annotations

import json

import pytest

from runtime.call import events as ev
from runtime.call.text import gather_steps as gs
from runtime.call.text.gather_call import GRACE, PATIENCE
from runtime.call.text.text_answer import MOST_CHARACTERS, NO_WORDS, STALL_SECONDS
from runtime.call.text.text_events import CallerTyped, TextEnded, Told, Used
from runtime.call.usage import Usage
from runtime.call_record import TranscriptEntry
from tests.runtime.call.gather_driver import FALLBACK, GREETING, Carrier

LISTEN = gs.Listen()


def test_the_greeting_is_in_the_first_document_and_nobody_waits_for_the_model() -> None:
    call = Carrier()
    assert call.steps == [gs.Step(1, (GREETING,), LISTEN)]
    assert call.asks == []


def test_without_a_greeting_the_model_opens() -> None:
    call = Carrier(greeting=None)
    assert call.steps == [gs.Step(1, (), gs.GoOn())]
    call.end("Hello there.")
    assert call.ask() == gs.Step(2, ("Hello there.",), LISTEN)


def test_a_turn_is_answered_with_all_that_was_said_before_it() -> None:
    call = Carrier()
    assert call.say("A table, please.") is None
    assert call.asks[-1].context == (Told("agent", GREETING), Told("caller", "A table, please."))
    assert call.end("For which evening?", " And how many?") == gs.Step(
        2, ("For which evening?", "And how many?"), LISTEN
    )
    assert call.said == [
        ("agent", GREETING),
        ("caller", "A table, please."),
        ("agent", "For which evening? And how many?"),
    ]


def test_an_answer_that_is_slow_to_end_leaves_with_its_first_sentence() -> None:
    call = Carrier()
    call.say("What do you have?")
    call.write("We have soup. And")
    assert len(call.steps) == 1
    call.wait(GRACE + 0.01)
    assert call.steps[-1] == gs.Step(2, ("We have soup.",), gs.GoOn())
    assert call.ask(after=1.0) is None
    assert call.end(" fish.") == gs.Step(3, ("And fish.",), LISTEN)


def test_a_caller_who_would_wait_in_silence_hears_something_and_is_fetched_when_the_answer_is_there() -> None:
    call = Carrier()
    call.say("Is there a table?")
    call.wait(PATIENCE)
    assert call.steps[-1] == gs.Step(2, (), gs.Wait())
    call.end("Yes, there is.")
    assert call.fetched == 1
    assert call.ask(after=0.2) == gs.Step(3, ("Yes, there is.",), LISTEN)


def test_a_wait_that_has_been_heard_to_its_end_is_followed_by_another_without_silence() -> None:
    call = Carrier()
    call.say("Is there a table?")
    call.use("look_up")
    call.end()
    call.wait(3)
    call.ask(after=1)
    call.wait(PATIENCE)
    assert call.steps[-1].then == gs.Wait()
    call.ask(after=30)
    call.wait(0)
    assert call.steps[-1] == gs.Step(call.steps[-2].number + 1, (), gs.Wait())


@pytest.mark.parametrize("call_id", ["call_1", ""])
def test_every_request_for_a_tool_is_answered_though_the_server_names_them_all_alike(call_id: str) -> None:
    call = Carrier()
    call.say("Is there a table?")
    for day in (1, 2):
        call.use("look_up", f'{{"day": {day}}}', call_id)
        call.use("look_up", f'{{"day": {day}, "late": true}}', call_id)
        call.end()
        for tool in call.tools[-2:]:
            call.feed(ev.ToolAnswered(tool.call_id, f'"{tool.arguments}"', None, 100))
    used = [item for item in call.asks[-1].context if isinstance(item, Used)]
    assert len({item.call_id for item in used}) == len(used) == 4
    assert [item.output for item in used] == [f'"{tool.arguments}"' for tool in call.tools]
    assert [json.loads(item.arguments) for item in used] == [tool.arguments for tool in call.tools]


def test_a_model_that_is_done_without_a_word_is_asked_once_more_and_told_why() -> None:
    call = Carrier()
    call.say("Is there a table?")
    call.end(" ")
    assert call.asks[-1].guidance == NO_WORDS
    assert call.asks[-1].context == call.asks[-2].context
    assert call.end("Yes, at seven.") == gs.Step(2, ("Yes, at seven.",), LISTEN)


def test_a_model_that_never_has_a_word_leads_to_the_fallback_instead_of_silence() -> None:
    call = Carrier()
    call.say("Is there a table?")
    call.use("look_up")
    call.end()
    call.feed(ev.ToolAnswered(call.tools[-1].call_id, "{}", None, 900))
    call.end()
    assert call.end() == gs.Step(2, (FALLBACK,), gs.HangUp())


def test_a_model_that_has_said_all_before_it_used_a_tool_need_not_add_to_it() -> None:
    call = Carrier()
    call.say("A table, please.")
    call.write("I have noted it. ")
    call.use("look_up")
    call.end()
    call.feed(ev.ToolAnswered(call.tools[-1].call_id, "{}", None, 1))
    assert call.end() == gs.Step(2, ("I have noted it.",), LISTEN)


def test_a_model_that_finds_no_end_is_stopped_and_what_it_wrote_is_spoken() -> None:
    call = Carrier()
    call.say("What do you have?")
    call.write(*["We have soup. "] * (MOST_CHARACTERS // 10))
    assert call.cancelled == [call.asks[-1].ask_id]
    said = " ".join(call.steps[-1].say)
    assert call.steps[-1].then == LISTEN
    assert len(said) <= MOST_CHARACTERS + len("We have soup. ")


# --- drafts


def test_an_answer_that_was_begun_early_is_there_with_the_callers_last_words() -> None:
    call = Carrier()
    call.overhear("What are your", after=6)
    call.overhear("what are your hours")
    call.wait(0.5)
    call.end("From five to eleven.", usage=Usage(text_in=10, text_out=5))
    step = call.say("What are your hours?", after=0.5)
    assert step == gs.Step(2, ("From five to eleven.",), LISTEN)
    assert len(call.asks) == 1
    assert call.machine.facts.usage == Usage(text_in=10, text_out=5)
    assert call.machine.facts.turns[0].frame_ms == 0


def test_an_early_answer_to_other_words_is_thrown_away_and_its_tokens_are_counted_apart() -> None:
    call = Carrier()
    call.overhear("a table for two", after=6)
    call.wait(0.5)
    call.end("Gladly.", usage=Usage(text_in=10, text_out=5))
    assert call.say("A table for twelve.", after=0.5) is None
    assert call.end("For twelve, I see.", usage=Usage(text_in=11, text_out=6)) == gs.Step(
        2, ("For twelve, I see.",), LISTEN
    )
    assert call.machine.facts.usage == Usage(text_in=11, text_out=6, drafts_in=10, drafts_out=5)
    assert ("agent", "Gladly.") not in call.said


def test_an_early_answer_is_given_up_when_the_caller_goes_on() -> None:
    call = Carrier()
    call.overhear("a table", after=6)
    call.wait(0.5)
    call.overhear("a table for two", after=0.1)
    assert call.cancelled == [call.asks[0].ask_id]
    call.wait(0.5)
    assert call.asks[-1].context[-1] == Told("caller", "a table for two")


def test_an_early_answer_does_nothing_before_the_caller_has_finished() -> None:
    call = Carrier()
    call.overhear("goodbye", after=6)
    call.wait(0.5)
    call.use("look_up")
    call.end()
    before = len(call.tools)
    call.say("Goodbye.", after=0.5)
    assert (before, [tool.name for tool in call.tools]) == (0, ["look_up"])


def test_answers_are_begun_early_only_a_few_times_in_a_turn() -> None:
    call = Carrier()
    for count in range(1, 9):
        call.overhear(" ".join(["word"] * count), after=0.6)
    assert len(call.asks) == 3


# --- tools


def test_a_tool_runs_while_the_caller_hears_the_words_before_it_and_its_answer_leads_on() -> None:
    call = Carrier()
    call.say("Is there a table?")
    call.write("Let me look. ")
    call.use("look_up")
    call.end()
    call.wait(GRACE + 0.01)
    assert call.steps[-1] == gs.Step(2, ("Let me look.",), gs.GoOn())
    call.ask(after=1)
    call.feed(ev.ToolAnswered(call.tools[-1].call_id, '{"free": true}', None, 900))
    assert call.asks[-1].context[-1] == Told("agent", "Let me look.")
    assert Used(call.tools[-1].call_id, "look_up", "{}", '{"free": true}') in call.asks[-1].context
    assert call.end("Yes.") == gs.Step(3, ("Yes.",), LISTEN)
    (use,) = call.machine.facts.tools
    assert (use.name, use.result, use.ms) == ("look_up", {"free": True}, 900)


def test_a_slow_tool_is_bridged_by_its_words_and_then_by_a_wait() -> None:
    call = Carrier()
    call.say("Is there a table?")
    call.use("look_up")
    call.end()
    call.wait(2)
    assert call.steps[-1] == gs.Step(2, ("One moment.",), gs.GoOn())
    call.ask(after=1)
    call.wait(PATIENCE)
    assert call.steps[-1].then == gs.Wait()
    call.feed(ev.ToolAnswered(call.tools[-1].call_id, "{}", None, 7000))
    call.end("Yes.")
    assert call.fetched == 1


def test_the_agent_hangs_up_when_its_last_words_are_said() -> None:
    call = Carrier()
    call.say("That is all.")
    call.use("hang_up")
    assert call.end("Goodbye.") == gs.Step(2, ("Goodbye.",), gs.HangUp())
    assert not call.is_over()
    call.wait(1)
    call.feed(ev.StatusReported("completed"))
    assert call.is_over()
    assert call.ending == ("completed", "agent_completed")


def test_keys_are_pressed_behind_the_words_and_then_the_agent_goes_on() -> None:
    call = Carrier()
    call.say("Dial two for me.")
    call.use("send_digits", '{"digits": "2"}')
    assert call.end("Here you are.") == gs.Step(2, ("Here you are.",), gs.PressKeys("2"))
    call.ask(after=2)
    assert call.asks[-1].context[-1] == Told("agent", "Here you are.")
    assert call.end("Done.") == gs.Step(3, ("Done.",), LISTEN)


def test_digits_are_collected_by_the_carrier_and_told_to_the_model() -> None:
    call = Carrier()
    call.say("My number is complicated.")
    call.use("collect_digits", '{"prompt": "Type it, please.", "max_digits": 4, "timeout_s": 5}')
    assert call.end() == gs.Step(2, ("Type it, please.",), gs.TakeDigits(4, "#", 5.0))
    call.ask(CallerTyped("1234"), after=6)
    assert call.machine.facts.tools[0].result == {"digits": "1234", "ended_by": "max_digits"}
    assert ("caller", "[keys: 1234]") not in call.said
    assert call.end("Thank you.") == gs.Step(3, ("Thank you.",), LISTEN)


def test_a_caller_who_types_nothing_is_no_reason_to_wait() -> None:
    call = Carrier()
    call.say("My number is complicated.")
    call.use("collect_digits")
    call.end("Type it.")
    call.ask(after=12)
    assert call.machine.facts.tools[0].result == {"digits": "", "ended_by": "timeout"}


def test_keys_that_nobody_asked_for_are_a_message_of_the_caller() -> None:
    call = Carrier()
    call.ask(CallerTyped("12"), after=5)
    assert call.said[-1] == ("caller", "[keys: 12]")
    assert call.asks[-1].context[-1] == Told("caller", "[keys: 12]")


# --- transfers


def test_a_caller_is_handed_on_after_the_agents_words() -> None:
    call = Carrier()
    call.say("A person, please.")
    call.use("transfer", '{"summary": "Wants a table."}')
    assert call.end("I put you through.") == gs.Step(2, ("I put you through.",), gs.GoOn())
    assert call.transfers == []
    assert call.ask(after=2) == gs.Step(3, (), gs.HandOn())
    assert [order.summary for order in call.transfers] == ["Wants a table."]
    call.feed(ev.TransferEnded(None))
    assert call.ending == ("completed", "transferred")


def test_a_caller_who_was_not_taken_is_told_why() -> None:
    call = Carrier()
    call.say("A person, please.")
    call.use("transfer", '{"summary": "Wants a table."}')
    call.end()
    call.wait(20)
    call.feed(ev.TransferEnded("busy"))
    call.feed(gs.CameBack())
    (used,) = [item for item in call.asks[-1].context if isinstance(item, Used)]
    assert "the line is busy" in used.output
    assert call.end("The line is busy.") == gs.Step(3, ("The line is busy.",), LISTEN)


# --- what the caller heard


def test_a_caller_who_interrupts_has_heard_only_the_beginning() -> None:
    call = Carrier()
    call.overhear("stop", after=1.5)
    call.say("Stop.", after=1.0)
    greeting = call.machine.transcript[0]
    assert (greeting.text, greeting.heard_ms, greeting.interrupted) == ("Good evening, this", 1200, True)
    assert call.asks[-1].context[0] == Told("agent", "Good evening, this")


def test_a_caller_who_lets_the_agent_finish_interrupts_nothing() -> None:
    call = Carrier()
    call.say("A table.", after=5)
    assert call.machine.transcript[0].interrupted is False


# --- silence and noise


def test_a_silent_caller_is_asked_twice_and_then_told_goodbye() -> None:
    call = Carrier()
    for _ in range(2):
        call.ask(after=9)
        assert call.asks[-1].guidance is not None
        assert call.end("Are you there?") == gs.Step(len(call.steps), ("Are you there?",), LISTEN)
    call.ask(after=9)
    assert call.end("Goodbye.") == gs.Step(4, ("Goodbye.",), gs.HangUp())
    call.feed(ev.StatusReported("completed"))
    assert call.ending == ("completed", "idle")


def test_words_that_were_hardly_understood_are_asked_for_again_twice_at_most() -> None:
    call = Carrier()
    guided = []
    for _ in range(3):
        call.say("mumble", confidence=0.1)
        guided.append(call.asks[-1].guidance is not None)
        call.end("Pardon?")
    assert guided == [True, True, False]


@pytest.mark.parametrize("confidence", [None, 0.0, 0.5])
def test_words_without_a_known_doubt_are_taken_as_they_are(confidence: float | None) -> None:
    call = Carrier()
    call.say("A table.", confidence)
    assert call.asks[-1].guidance is None


# --- when the model fails


def test_a_model_that_drops_is_asked_once_more_and_nobody_notices() -> None:
    call = Carrier()
    call.say("A table.")
    call.write("For wh")
    call.fail()
    assert len(call.asks) == 2
    assert call.end("For whom?") == gs.Step(2, ("For whom?",), LISTEN)


def test_an_answer_that_breaks_off_after_its_first_sentence_is_gone_on_from() -> None:
    call = Carrier()
    call.say("What do you have?")
    call.write("We have soup. And")
    call.wait(GRACE + 0.01)
    call.ask(after=1)
    call.fail()
    assert call.asks[-1].context[-1] == Told("agent", "We have soup.")
    assert "broke off" in (call.asks[-1].guidance or "")


@pytest.mark.parametrize("may_pass", [True, False])
def test_without_a_model_the_fallback_message_is_the_last_word(may_pass: bool) -> None:
    call = Carrier()
    call.say("A table.")
    call.fail(may_pass=may_pass)
    if may_pass:
        call.fail()
    assert call.steps[-1] == gs.Step(2, (FALLBACK,), gs.HangUp())
    call.feed(ev.StatusReported("completed"))
    assert call.ending == ("completed", "model_error")
    assert len(call.asks) == (2 if may_pass else 1)


def test_without_a_model_a_caller_who_has_heard_nothing_was_rejected() -> None:
    call = Carrier(greeting=None)
    call.ask()
    call.fail(may_pass=False)
    call.feed(ev.StatusReported("completed"))
    assert call.ending == ("rejected", "model_unavailable")


def test_a_model_that_falls_silent_is_given_up_and_asked_again() -> None:
    call = Carrier()
    call.say("A table.")
    call.wait(STALL_SECONDS + 0.1)
    assert call.cancelled == [call.asks[0].ask_id]
    assert len(call.asks) == 2


# --- endings


def test_a_caller_who_hangs_up_ends_the_call_and_what_was_asked_for() -> None:
    call = Carrier()
    call.say("A table.")
    call.feed(ev.StatusReported("completed"))
    assert call.is_over()
    assert call.cancelled == [call.asks[0].ask_id]
    assert call.ending == ("completed", "caller_hangup")


def test_the_time_limit_ends_a_call_in_the_middle_of_a_document() -> None:
    call = Carrier(max_call_seconds=60.0)
    call.say("A table.", after=5)
    call.end("For whom?")
    call.wait(60)
    assert call.is_over()
    assert call.ending == ("completed", "max_duration")
    assert not call.machine.facts.dismissed  # the carrier has to be told


def test_the_time_limit_is_announced_with_the_next_words() -> None:
    call = Carrier(max_call_seconds=90.0)
    for _ in range(6):
        call.say("Go on.", after=9)
        call.end("Yes.")
    assert call.now < 60
    call.say("Go on.", after=9)
    call.end("Yes.")
    assert "half a minute" in (call.asks[-1].guidance or "")
    assert call.end("We have half a minute.") == gs.Step(
        len(call.steps), ("Yes.", "We have half a minute."), LISTEN
    )


def test_an_operator_ends_the_call_at_once() -> None:
    call = Carrier()
    call.say("A table.")
    call.feed(ev.HangUpRequested())
    assert call.steps[-1].then == gs.HangUp()
    call.feed(ev.StatusReported("completed"))
    assert call.ending == ("completed", "cancelled")


def test_a_node_that_stops_says_the_fallback_message_where_it_is_asked() -> None:
    call = Carrier()
    call.say("A table.")
    call.feed(ev.DrainExpired())
    assert call.is_over()
    assert call.steps[-1] == gs.Step(2, (FALLBACK,), gs.HangUp())
    assert call.ending == ("completed", "drained")


def test_a_carrier_that_asks_no_more_does_not_keep_a_call_alive() -> None:
    call = Carrier()
    call.wait(600)
    assert call.is_over()
    assert call.ending == ("completed", "media_error")


# --- going on elsewhere


HISTORY = (
    TranscriptEntry("agent", "Good evening.", 0, 800, False, "agent-1"),
    TranscriptEntry("caller", "A table.", 2000, item_id="caller-2"),
)


def test_a_call_goes_on_elsewhere_with_its_history_and_nobody_notices() -> None:
    call = Carrier(history=HISTORY, returns=1, number=7)
    assert call.steps == []
    call.say("For two.", after=0)
    assert [item.text for item in call.asks[0].context if isinstance(item, Told)] == [
        "Good evening.",
        "A table.",
        "For two.",
    ]
    assert call.end("Gladly.") == gs.Step(8, ("Gladly.",), LISTEN)
    assert {entry.item_id for entry in call.machine.transcript} == {"caller-3", "agent-4"}


def test_a_caller_who_comes_back_after_a_failure_is_told_that_the_line_was_interrupted() -> None:
    call = Carrier(history=HISTORY, returns=1)
    call.feed(gs.CameBack())
    assert "interrupted" in (call.asks[0].guidance or "")


# --- prep


def test_the_greeting_does_not_wait_for_prep_but_the_model_does() -> None:
    call = Carrier(prep="wanted")
    assert call.steps == [gs.Step(1, (GREETING,), LISTEN)]
    call.say("A table.")
    assert call.asks == []
    call.feed(ev.Prepared({"name": "Ada"}, complete=True))
    assert len(call.asks) == 1


def test_an_agent_that_needs_its_prep_does_not_speak_without_it() -> None:
    call = Carrier(prep="required")
    assert call.steps == [gs.Step(1, (), gs.GoOn())]
    call.ask()
    call.feed(ev.Prepared(None, complete=False))
    assert call.steps[-1] == gs.Step(2, (FALLBACK,), gs.HangUp())
    call.feed(ev.StatusReported("completed"))
    assert call.ending == ("rejected", "prep_timeout")


def test_a_model_that_used_its_limit_up_without_a_word_is_asked_again() -> None:
    call = Carrier()
    call.say("A table.")
    call.feed(TextEnded(call.asks[-1].ask_id, complete=False))
    assert len(call.asks) == 2
