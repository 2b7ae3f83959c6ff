"""Gather mode through a whole node in virtual time: documents, repeated requests, waits, other nodes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx2
import pytest

from runtime.call.hearing.idle import STILL_THERE
from runtime.call.text.gather_call import TAKEN_UP
from runtime.call.text.text_events import Told
from tests.runtime.audio.sounds import pcm16, tone, wav
from tests.runtime.fake_text_model import FAIL, TOOL, USAGE
from tests.runtime.office import AGENT, FRONT_DESK, PUBLIC_URL, Office, open_office
from tests.runtime.tools.test_http_call import Service
from tests.runtime.virtual_time import run

GATHER = AGENT + "voice: {mode: gather, language: en-US}\n"
DIGITS = "tools: [{builtin: [collect_digits, send_digits]}]\n"
PREP = 'prep: {http: [{name: crm, http: {url: "https://crm.example/who", method: GET}}]}\n'
PERSON = "+14155550177"


class Line:
    """One caller: each request follows the document before it, as Twilio's do."""

    def __init__(self, office: Office, *, call_sid: str = "CA1") -> None:
        self.office = office
        self.document = ""
        self._call_sid = call_sid

    async def dial(self) -> str:
        return self._take(await self.office.webhook(CallSid=self._call_sid))

    async def say(self, words: str, **more: str) -> str:
        """Speak into the `<Gather>`, when the agent has been heard."""
        await asyncio.sleep(5)
        return await self.follow(SpeechResult=words, Confidence="0.9", **more)

    async def follow(self, **parameters: str) -> str:
        """Ask for what follows the document."""
        return self._take(await self.request(self.next_path, **parameters))

    async def overhear(self, words: str) -> None:
        """Tell what is understood so far."""
        (path,) = re.findall(rf'partialResultCallback="{PUBLIC_URL}([^"]+)"', self.document)
        answer = await self.request(path, UnstableSpeechResult=words, StableSpeechResult="")
        assert answer.status_code == 204

    async def request(self, path: str, **parameters: str) -> httpx2.Response:
        told = {"CallSid": self._call_sid, "CallStatus": "in-progress", **parameters}
        return await self.office.webhook(path, **told)

    async def hang_up(self) -> None:
        await asyncio.sleep(5)
        await self.request("/voice/front-desk/status", CallStatus="completed")
        await self.office.over()

    @property
    def next_path(self) -> str:
        """Where the document leads."""
        (path,) = re.findall(rf'(?:Gather [^>]*action="|<Redirect>){PUBLIC_URL}([^"<]+)', self.document)
        return unescape(str(path))

    def _take(self, answer: httpx2.Response) -> str:
        assert answer.status_code == 200, answer.text
        ET.fromstring(answer.text)
        self.document = answer.text
        return answer.text


def play(folder: Path, story: Callable[[Office], Awaitable[None]], declarations: str = GATHER) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            await story(office)

    run(in_office())


def test_a_call_is_greeted_heard_answered_and_recorded(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        greeting = await line.dial()
        assert '<Gather input="speech dtmf"' in greeting
        assert '<Say voice="Polly.Salli" language="en-US">Good evening.</Say>' in greeting
        assert 'speechModel="googlev2_telephony"' in greeting
        assert "Very well." in await line.say("A table for two.")
        assert (await office.record())["status"] == "active"
        await line.hang_up()
        record = await office.record()
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert [(entry["role"], entry["text"]) for entry in record["transcript"]] == [
            ("agent", "Good evening."),
            ("caller", "A table for two."),
            ("agent", "Very well."),
        ]
        (turn,) = record["latency"]["turns"]
        assert (turn["pause_ms"], turn["model_ms"], turn["frame_ms"]) == (1000, 500, 500)
        assert record["cost"]["tokens"]["text_in"] == USAGE.text_in
        assert record["model"] == "gpt-5.6-luna"

    play(tmp_path, story)


def test_what_the_agent_writes_cannot_become_a_verb(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = ['</Say><Dial>+1900</Dial> & <break time="1s"/>']
        line = Line(office)
        await line.dial()
        document = ET.fromstring(await line.say("Hello."))
        assert [element.tag for element in document.iter()] == ["Response", "Gather", "Say"]
        await line.hang_up()

    play(tmp_path, story)


def test_where_it_is_declared_the_agent_may_use_ssml(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = ['One moment <break time="1s"/> please.']
        line = Line(office)
        await line.dial()
        assert '<break time="1s"/>' in await line.say("Hello.")
        await line.hang_up()

    play(tmp_path, story, AGENT + "voice: {mode: gather, ssml: true}\n")


def test_an_agent_that_must_not_be_interrupted_speaks_before_it_listens(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        document = ET.fromstring(await line.dial())
        assert [element.tag for element in document] == ["Say", "Gather"]
        await line.hang_up()

    play(tmp_path, story, AGENT + "voice: {mode: gather, interrupt: never}\n")


def test_a_request_that_is_repeated_gets_the_same_answer_and_asks_nothing_twice(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        first = await line.dial()
        assert (await office.webhook()).text == first
        path = line.next_path
        answers = await asyncio.gather(*(line.request(path, SpeechResult="Hello.") for _ in range(2)))
        answers.append(await line.request(path, SpeechResult="Hello."))
        assert len({answer.text for answer in answers}) == 1
        assert len(office.text.asks) == 1
        await line.hang_up()

    play(tmp_path, story)


def test_the_answer_is_ready_when_the_caller_was_understood_early(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        await line.dial()
        await asyncio.sleep(5)
        await line.overhear("a table for two")
        await asyncio.sleep(1.2)
        begun = asyncio.get_running_loop().time()
        assert "Very well." in await line.follow(SpeechResult="A table for two.")
        assert asyncio.get_running_loop().time() == begun
        await line.hang_up()
        record = await office.record()
        assert record["latency"]["turns"][0]["frame_ms"] == 0
        assert record["cost"]["tokens"]["drafts_in"] == 0

    play(tmp_path, story)


def test_an_answer_to_something_else_is_paid_and_named_apart(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        await line.dial()
        await asyncio.sleep(5)
        await line.overhear("a table for two")
        await asyncio.sleep(1.2)
        await line.follow(SpeechResult="A table for twelve.")
        await line.hang_up()
        tokens = (await office.record())["cost"]["tokens"]
        assert (tokens["text_in"], tokens["drafts_in"]) == (USAGE.text_in, USAGE.text_in)

    play(tmp_path, story)


def test_a_caller_waits_with_a_sound_and_is_fetched_when_the_answer_is_there(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 6
        line = Line(office)
        await line.dial()
        waiting = await line.say("A table.")
        (file,) = re.findall(rf"<Play loop=\"\d+\">{PUBLIC_URL}(/media/[^<]+)", waiting)
        assert (await office.client.get(file)).headers["content-type"] == "audio/wav"
        await asyncio.sleep(3)
        (fetched,) = [asked.form for asked in office.twilio.asked if "Url" in asked.form]
        assert fetched["Url"] == f"{PUBLIC_URL}{line.next_path}"
        assert "Very well." in await line.follow()
        await line.hang_up()

    play(tmp_path, story)


def test_nobody_is_left_waiting_for_longer_than_twilio_waits(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 1000
        line = Line(office)
        await line.dial()
        for _ in range(3):
            begun = asyncio.get_running_loop().time()
            await line.follow(SpeechResult="A table.")
            assert asyncio.get_running_loop().time() - begun < 10
        await line.hang_up()

    play(tmp_path, story)


def test_a_model_that_fails_twice_leads_to_the_fallback_message(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = [FAIL]
        line = Line(office)
        await line.dial()
        document = await line.say("A table.")
        assert "Please call again later." in document
        assert "<Hangup/>" in document
        await line.hang_up()
        assert len(office.text.asks) == 2
        assert (await office.record())["end_reason"] == "model_error"
        assert [asked for asked in office.twilio.asked if asked.form.get("Status")] == []

    play(tmp_path, story)


def test_the_agent_hangs_up_by_its_document_and_not_over_its_own_goodbye(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = ["tool:hang_up"]
        line = Line(office)
        await line.dial()
        assert "<Hangup/>" in await line.say("That is all.")
        await line.hang_up()
        assert (await office.record())["end_reason"] == "agent_completed"
        assert [asked for asked in office.twilio.asked if asked.form.get("Status")] == []

    play(tmp_path, story)


def test_digits_are_typed_into_a_document_of_their_own(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = [
            'tool:collect_digits {"prompt": "Your number?", "max_digits": 4}',
            "Thank you.",
        ]
        line = Line(office)
        await line.dial()
        document = await line.say("I have a number.")
        assert '<Gather input="dtmf"' in document
        assert 'numDigits="4" finishOnKey="#"' in document
        assert "Your number?" in document
        assert "Thank you." in await line.follow(Digits="1234")
        await line.hang_up()
        (use,) = (await office.record())["tools"]
        assert use["result"] == {"digits": "1234", "ended_by": "max_digits"}

    play(tmp_path, story, GATHER + "tools: [{builtin: [collect_digits]}]\n")


def test_keys_are_played_to_the_other_side(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = ['tool:send_digits {"digits": "1 W2"}', "Done."]
        line = Line(office)
        await line.dial()
        assert '<Play digits="1w2"/>' in await line.say("Press one.")
        assert "Done." in await line.follow()
        await line.hang_up()

    play(tmp_path, story, GATHER + "tools: [{builtin: [send_digits]}]\n")


def test_a_caller_is_put_through_and_comes_back_to_an_agent_who_knows_why(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = ['tool:transfer {"summary": "Wants a table."}', "The line is busy."]
        line = Line(office)
        await line.dial()
        assert f">{PERSON}</Number>" in await line.say("A person, please.")
        back = await line.request("/voice/front-desk/after", DialCallStatus="busy")
        assert "The line is busy." in back.text
        await line.hang_up()
        (use,) = (await office.record())["tools"]
        assert "busy" in use["result"]["error"]

    play(tmp_path, story, GATHER + f"transfer: {{number: '{PERSON}', mode: cold}}\n")


def test_the_time_limit_ends_the_call_through_twilios_api(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        await line.dial()
        await line.say("A table.")
        await office.over()
        assert (await office.record())["end_reason"] == "max_duration"
        await asyncio.sleep(6)
        assert any("Please call again later." in twiml for twiml in office.twilio.of("Twiml"))
        assert office.twilio.of("TimeLimit") == ["90"]

    play(tmp_path, story, GATHER + "max_call_seconds: 60\n")


def test_a_recording_is_begun_by_the_document_after_its_announcement(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        document = ET.fromstring(await line.dial())
        assert [element.tag for element in document] == ["Say", "Start", "Gather"]
        (recording,) = document.iter("Recording")
        assert recording.get("channels") == "dual"
        assert recording.get("recordingStatusCallback") == f"{PUBLIC_URL}/voice/front-desk/recording"
        assert "Recording" not in await line.say("Hello.")
        await line.hang_up()

    play(tmp_path, story, GATHER + "recording: {announcement: This call is recorded.}\n")


def test_a_call_goes_on_at_another_node_and_back_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            open_office(tmp_path, GATHER, name="a") as one,
            open_office(tmp_path, GATHER, name="b") as two,
        ):
            line = Line(one)
            await line.dial()
            await line.say("A table.")
            line.office = two
            assert "Very well." in await line.say("For two.")
            assert [getattr(item, "text", "") for item in two.text.asks[0].context] == [
                "Good evening.", "A table.", "Very well.", "For two.",
            ]  # fmt: skip
            line.office = one
            assert "Very well." in await line.say("Tonight.")
            await line.hang_up()
            record = await one.record()
            assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
            said = [entry["text"] for entry in record["transcript"] if entry["role"] == "caller"]
            assert said == ["A table.", "For two.", "Tonight."]
            assert len({entry["item_id"] for entry in record["transcript"]}) == 7
            await two.over()
            assert [asked.form for asked in two.twilio.asked if "Status" in asked.form] == []

    run(story())


def test_a_caller_whose_node_is_gone_is_taken_back_by_the_fallback_url(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, GATHER, name="b") as two:
            async with open_office(tmp_path, GATHER, name="a") as one:
                line = Line(one)
                await line.dial()
                await line.say("A table.")
                line.office = two
                two.text.replies = ["The line was interrupted."]
                document = await line.request("/voice/front-desk/fallback")
            assert "The line was interrupted." in document.text
            line.document = document.text
            assert "The line" in await line.say("For two.")
            await line.hang_up()

    run(story())


@pytest.mark.parametrize("query", ["", "?n=", "?n=x", "?n=-1", "?n=1234567890"])
def test_a_request_without_the_number_of_its_step_is_refused(tmp_path: Path, query: str) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        await line.dial()
        answer = await office.webhook(f"/voice/front-desk/turn{query}", SpeechResult="Hello.")
        assert answer.status_code == 400
        await line.hang_up()

    play(tmp_path, story)


def test_a_request_about_a_call_that_nobody_knows_is_answered_with_the_fallback_message(
    tmp_path: Path,
) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook("/voice/front-desk/turn?n=3", SpeechResult="Hello.")
        assert "Please call again later." in answer.text

    play(tmp_path, story)


def test_nobody_but_twilio_speaks_for_a_caller(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        await line.dial()
        for path in ("turn", "partial"):
            answer = await office.webhook(f"/voice/front-desk/{path}?n=1", token="0" * 32)
            assert answer.status_code == 403
        await line.hang_up()

    play(tmp_path, story)


def test_a_caller_who_may_not_call_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert "<Reject" in (await office.webhook()).text
        assert office.text.asks == []

    play(tmp_path, story, GATHER + f'allow_callers: "{FRONT_DESK}"\n')


HOLD = """\
hold: {strategy: audio_then_music, audio: greeting.wav, music: music.wav}
"""


def test_a_caller_hears_the_hold_from_the_beginning_and_is_fetched_out_of_it(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 2
        line = Line(office)
        document = ET.fromstring(await line.dial())
        assert [element.tag for element in document] == ["Play", "Play", "Redirect"]
        assert [play_verb.get("loop") is None for play_verb in document.iter("Play")] == [True, False]
        for play_verb in document.iter("Play"):
            path = str(play_verb.text).removeprefix(PUBLIC_URL)
            assert (await office.client.get(path)).headers["content-type"] == "audio/wav"
        await asyncio.sleep(3)
        (url,) = office.twilio.of("Url")
        assert url == f"{PUBLIC_URL}{line.next_path}"
        assert "Very well." in await line.follow()
        await line.hang_up()

    with_files(tmp_path)
    play(tmp_path, story, GATHER.replace("greeting: Good evening.\n", "") + HOLD)


def test_a_caller_is_not_fetched_out_of_the_announcement_of_a_recording(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        await line.dial()
        await asyncio.sleep(2)
        assert office.twilio.of("Url") == []
        await asyncio.sleep(3)
        assert len(office.twilio.of("Url")) == 1
        await line.hang_up()

    with_files(tmp_path)
    recording = "recording: {announcement: This call is being recorded by us.}\n"
    play(tmp_path, story, GATHER.replace("greeting: Good evening.\n", "") + HOLD + recording)


def test_the_recogniser_is_told_which_words_to_expect(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        line = Line(office)
        assert 'hints="Harbour Bistro,terrace"' in await line.dial()
        await line.hang_up()

    play(tmp_path, story, AGENT + "voice: {mode: gather, hints: [Harbour Bistro, terrace]}\n")


async def at_another_node(folder: Path, reply: str, **turn: str) -> tuple[Office, str]:
    """Have an answer begun at one node, and its rest asked for at another."""
    async with open_office(folder, GATHER + DIGITS, name="a") as one:
        line = Line(one)
        one.text.replies = [reply]
        await line.dial()
        await line.say("My number.")
        async with open_office(folder, GATHER + DIGITS, name="b") as two:
            line.office = two
            document = await line.follow(**turn)
            await line.hang_up()
        return two, document


def test_digits_that_another_node_asked_for_reach_the_agent(tmp_path: Path) -> None:
    async def story() -> None:
        wanted = f'{TOOL}collect_digits {{"prompt": "Type it."}}'
        two, document = await at_another_node(tmp_path, wanted, Digits="4711")
        assert two.text.asks[0].context[-1] == Told("caller", "[keys: 4711]")
        assert "Very well." in document

    run(story())


def test_a_caller_who_types_nothing_for_another_node_is_asked_about_it(tmp_path: Path) -> None:
    async def story() -> None:
        two, _ = await at_another_node(tmp_path, f'{TOOL}collect_digits {{"prompt": "Type it."}}')
        assert two.text.asks[0].guidance == STILL_THERE.guidance

    run(story())


def test_an_agent_that_was_in_the_middle_of_something_goes_on_at_another_node(tmp_path: Path) -> None:
    async def story() -> None:
        two, document = await at_another_node(tmp_path, f'{TOOL}send_digits {{"digits": "12"}}')
        assert two.text.asks[0].guidance == TAKEN_UP.guidance
        assert "Very well." in document

    run(story())


def test_what_is_known_about_a_caller_goes_with_the_call(tmp_path: Path) -> None:
    async def story() -> None:
        crm = httpx2.MockTransport(Service(httpx2.Response(200, json={"name": "Ada"})))
        async with open_office(tmp_path, GATHER + PREP, name="a", tool_transport=crm) as one:
            line = Line(one)
            await line.dial()
            await line.say("A table.")
            async with open_office(tmp_path, GATHER + PREP, name="b", tool_transport=crm) as two:
                line.office = two
                await line.say("For two.")
                assert "Ada" in two.text.instructions
                await line.hang_up()

    run(story())


def with_files(folder: Path) -> None:
    """Put the recordings of `HOLD` beside the declarations."""
    (folder / "agents.d").mkdir()
    for name in ("greeting.wav", "music.wav"):
        (folder / "agents.d" / name).write_bytes(wav(pcm16(tone(500, 1.0))))
