"""An agent's checks against the real runtime, in this process: what they prove, and that nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from reconciler.preflight.agents import AgentChecks
from reconciler.preflight.asking import Answer, Asker
from reconciler.preflight.finding import Finding, Subject, Verdict
from reconciler.preflight.recordings import judge_recording
from schemas import Fleet, require_fleet
from tests.reconciler.preflight.servers import asker, broken
from tests.runtime.office import AGENT, ENVIRONMENT, FRONT_DESK, Office, fleet_of, open_office

WAV = Path(__file__).parents[3] / "agents.d" / "media"


def play(folder: Path, story: Callable[[Office, Asker], Awaitable[None]], declarations: str = AGENT) -> None:
    """Run a story with a node that serves `declarations`, and an asker that reaches it."""

    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            async with Asker(transport=httpx2.ASGITransport(office.app)) as questions:
                await story(office, questions)

    asyncio.run(in_office())


def verdicts(findings: list[Finding]) -> dict[str, Verdict]:
    return {finding.check: finding.verdict for finding in findings}


def found(findings: list[Finding], check: str) -> str:
    return next(finding.found for finding in findings if finding.check == check)


def front_desk(fleet: Fleet, questions: Asker) -> Awaitable[list[Finding]]:
    return AgentChecks(fleet, questions).check(fleet.agents["front-desk"])


def test_a_runtime_with_the_same_declarations_passes_and_nothing_happens(tmp_path: Path) -> None:
    async def story(office: Office, questions: Asker) -> None:
        findings = await front_desk(office.node.fleet, questions)
        assert verdicts(findings) == {
            "signed call": Verdict.OK,
            "signed URL": Verdict.OK,
            "forged call": Verdict.OK,
        }
        assert office.model.opened == 0
        assert (await office.client.get("/api/calls")).json()["calls"] == []

    play(tmp_path, story)


def test_messages_are_not_pointed_to_a_runtime_that_answers_none(tmp_path: Path) -> None:
    async def story(office: Office, questions: Asker) -> None:
        fleet = office.node.fleet
        (finding,) = await AgentChecks(fleet, questions).check_messages(fleet.agents["front-desk"])
        assert finding.verdict is Verdict.FAILED
        assert "answers no messages" in finding.found

    play(tmp_path, story)


MESSAGES = AGENT + "sms: true\nwhatsapp: {sender: +14155238886}\n"


def test_messages_to_an_agent_that_answers_them_pass_and_none_is_stored(tmp_path: Path) -> None:
    async def story(office: Office, questions: Asker) -> None:
        fleet = office.node.fleet
        findings = await AgentChecks(fleet, questions).check_messages(fleet.agents["front-desk"])
        assert verdicts(findings) == {
            "messages": Verdict.OK,
            "forged message": Verdict.OK,
            "whatsapp sandbox": Verdict.WARNING,
        }
        assert (await office.client.get("/api/calls")).json()["calls"] == []

    play(tmp_path, story, MESSAGES)


def test_the_shared_sender_of_whatsapp_is_explained_step_by_step(tmp_path: Path) -> None:
    async def story(office: Office, questions: Asker) -> None:
        fleet = office.node.fleet
        findings = await AgentChecks(fleet, questions).check_messages(fleet.agents["front-desk"])
        advice = findings[-1].advice
        assert "https://agents.example.com/whatsapp/front-desk/status" in advice
        assert "join and a code" in advice

    play(tmp_path, story, MESSAGES)


def test_a_runtime_with_another_token_refuses_the_signature(tmp_path: Path) -> None:
    async def story(office: Office, questions: Asker) -> None:
        environment = {**ENVIRONMENT, "TWILIO_AUTH_TOKEN": "f" * 32}
        fleet = require_fleet(tmp_path / "agents.d", environment)
        findings = await front_desk(fleet, questions)
        assert "refuses the account's signature" in found(findings, "signed call")
        assert "f" * 32 not in repr(findings)

    play(tmp_path, story)


def test_a_runtime_that_does_not_have_the_agent_yet_says_so(tmp_path: Path) -> None:
    async def story(office: Office, questions: Asker) -> None:
        newer = fleet_of(tmp_path, AGENT)
        findings = await front_desk(newer, questions)
        assert "does not know the agent" in found(findings, "signed call")

    play(tmp_path, story, AGENT.replace("name: front-desk", "name: another"))


def test_a_hold_recording_is_compared_byte_for_byte(tmp_path: Path) -> None:
    recording = tmp_path / "agents.d" / "hold one.wav"
    recording.parent.mkdir()
    recording.write_bytes(next(WAV.glob("*.wav")).read_bytes())
    declarations = AGENT + "hold: {strategy: audio, audio: hold one.wav}\n"

    async def story(office: Office, questions: Asker) -> None:
        fleet = office.node.fleet
        assert verdicts(await front_desk(fleet, questions))["hold recording"] is Verdict.OK
        recording.write_bytes(recording.read_bytes() + b"\0")
        findings = await front_desk(fleet, questions)
        assert "does not have this hold one.wav" in found(findings, "hold recording")
        recording.unlink()
        assert "cannot be read" in found(await front_desk(fleet, questions), "hold recording")

    play(tmp_path, story, declarations)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404, {}), "does not have"),
        (Answer(500, {}), "answered 500"),
        (Answer(200, {"content-type": "text/html"}, b"sound"), "text/html instead of audio/mpeg"),
        (Answer(200, {"content-type": "audio/mpeg"}, b"sounD"), "5 bytes instead of 5"),
        (Answer(200, {"content-type": "audio/mpeg"}, b"sound", complete=False), "and more"),
    ],
)
def test_a_recording_that_comes_otherwise_fails(answer: Answer, words: str) -> None:
    finding = judge_recording(Subject("agent a"), Path("hold.mp3"), b"sound", answer)
    assert finding.verdict is Verdict.FAILED
    assert words in finding.found


def test_a_dead_server_is_told_once(tmp_path: Path) -> None:
    async def story() -> list[Finding]:
        async with asker(broken) as questions:
            return await front_desk(fleet_of(tmp_path, AGENT), questions)

    (finding,) = asyncio.run(story())
    assert finding.verdict is Verdict.FAILED
    assert "no connection" in finding.found


def test_without_an_auth_token_the_signed_requests_are_left_out_with_a_warning(tmp_path: Path) -> None:
    account = f"""\
kind: Account
name: main
account_sid: {ENVIRONMENT["TWILIO_ACCOUNT_SID"]}
api_key: {"SK" + "0" * 32}
api_secret: hidden
---
"""

    async def story() -> list[Finding]:
        async with asker(broken) as questions:
            return await front_desk(fleet_of(tmp_path, account + AGENT), questions)

    (finding,) = asyncio.run(story())
    assert finding.verdict is Verdict.WARNING
    assert "not checked" in finding.found


def test_a_recording_that_many_agents_play_is_fetched_once(tmp_path: Path) -> None:
    recording = tmp_path / "agents.d" / "hold.wav"
    recording.parent.mkdir()
    recording.write_bytes(next(WAV.glob("*.wav")).read_bytes())
    hold = "hold: {strategy: audio, audio: hold.wav}\n"
    second = AGENT.replace("front-desk", "sales").replace(FRONT_DESK, "'+14155550124'")
    fleet = fleet_of(tmp_path, f"{AGENT}{hold}---\n{second}{hold}")
    fetched: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            fetched.append(request.url.path)
        return httpx2.Response(404)

    async def story() -> list[list[Finding]]:
        async with asker(answer) as questions:
            checks = AgentChecks(fleet, questions)
            return await asyncio.gather(*map(checks.check, fleet.agents.values()))

    one, other = asyncio.run(story())
    assert (one[-1].group, other[-1].group) == ("agent front-desk", "agent sales")
    assert one[-1].check == other[-1].check == "hold recording"
    assert len(fetched) == 1


def test_the_token_of_each_region_that_answers_a_number_is_tried(tmp_path: Path) -> None:
    account = f"""\
kind: Account
name: main
account_sid: {ENVIRONMENT["TWILIO_ACCOUNT_SID"]}
auth_token: home
regions: {{ie1: {{auth_token: irish}}, au1: {{auth_token: unused}}}}
---
"""
    abroad = AGENT.replace(f"numbers: {FRONT_DESK}", "numbers: {number: +353208801234, region: ie1}")

    async def story(office: Office, questions: Asker) -> None:
        findings = await front_desk(office.node.fleet, questions)
        assert set(verdicts(findings).values()) == {Verdict.OK}
        checks = {finding.check for finding in findings}
        assert {"signed call", "signed call (ie1)", "signed URL (ie1)"} <= checks
        assert not any("au1" in check for check in checks)

    play(tmp_path, story, account + abroad)
