"""What the demo does, in order: account, plan, serve, apply, a spoken call, its record and recording."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cli.demo.account import seed_for
from cli.demo.conversation import follow, moment
from cli.demo.processes import free_port, run_tm, serving
from sandbox import Sandbox
from sandbox.network import CallEvent, HangUp, Interrupt, Kind, Listen, PhoneCall, Say, Step
from schemas import DeclaredNumber, Fleet, TmError

CALLER = "+14155550190"
CALL_SECONDS = 50.0

# The caller asks, cuts the answer short, books, and says goodbye.
CONVERSATION: tuple[Step, ...] = (
    Listen(),
    Say("caller-menu"),
    Interrupt("caller-friday-two", after_ms=2500),
    Listen(),
    Say("caller-thanks-goodbye"),
    Listen(),
    HangUp(),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo keeps its files, and what the commands find in their environment."""

    agents_dir: Path
    folder: Path
    port: int

    def environment(self, box: Sandbox) -> dict[str, str]:
        """Return the variables that point the unchanged commands at the sandbox."""
        return {
            "TM_AGENTS_DIR": str(self.agents_dir),
            "TM_STATE_DIR": str(self.folder),
            "TM_DATABASE_URL": f"sqlite:///{self.folder / 'calls.sqlite3'}",
            "TM_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "TM_TWILIO_API_URL": box.url,
            "TWILIO_ACCOUNT_SID": box.account_sid,
            "TWILIO_AUTH_TOKEN": box.auth_token,
            "OPENAI_API_KEY": box.openai_key,
            "OPENAI_BASE_URL": box.openai_url,
        }


async def play(fleet: Fleet, folder: Path, console: Console, *, stay: bool) -> None:
    """Run the demo; with `stay` everything is kept up until the user interrupts.

    Raises TmError when a step fails.
    """
    _fresh(folder)
    stage = Stage(fleet.folder, folder, free_port())
    async with Sandbox.start(seed_for(fleet)) as box:
        environment = stage.environment(box)
        _heading(console, "a Twilio account, phones and a model on this machine", box.url)
        await _step(console, environment, "plan")
        _command(console, "serve", "--port", str(stage.port))
        async with serving(stage.port, environment, folder / "serve.log") as base:
            await _step(console, environment, "apply", "--yes")
            called = _number_to_call(fleet, box, base)
            _heading(console, f"{CALLER} dials {called.number}", f"agent {called.agent}")
            call = box.network.dial(from_=CALLER, to=called.number, caller=CONVERSATION)
            call_id = await _watch(call, base, console)
            await _step(console, environment, "calls", call_id)
            _leave_recording(call, folder / "call.wav", console)
            if stay:
                await _stay(box, base, environment, console)


def _fresh(folder: Path) -> None:
    """Make the folder, without the call records of an earlier demo."""
    folder.mkdir(parents=True, exist_ok=True)
    for database in folder.glob("calls.sqlite3*"):
        database.unlink()


def _number_to_call(fleet: Fleet, box: Sandbox, public_url: str) -> DeclaredNumber:
    """Return the first number that leads to the runtime now and that anybody may call."""
    for declared in fleet.numbers():
        live = box.account.find(declared.number)
        ours = live is not None and (live.voice_url or "").startswith(public_url)
        if ours and fleet.allowed_callers(fleet.agents[declared.agent]) is None:
            return declared
    raise TmError("no number that anybody may call", hint="Declare an agent with one, without allow_callers.")


async def _step(console: Console, environment: dict[str, str], *arguments: str) -> None:
    _command(console, *arguments)
    code = await run_tm(arguments, environment)
    if code:
        raise TmError(f"tm {' '.join(arguments)} ended with {code}")


async def _watch(call: PhoneCall, base: str, console: Console) -> str:
    """Print what happens at the phone and what is said, until the call has ended; return its id."""
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_connecting(call, console))
        conversation = group.create_task(follow(base, call.sid, console, ended))
        status = await call.ended(CALL_SECONDS)
        ended.set()
    for event in call.happened(Kind.HUNG_UP):
        _phone_line(call, event, f"{event.detail.split(':')[0] or 'somebody'} hangs up", console)
    call_id = conversation.result()
    if status != "completed" or call_id is None:
        raise TmError(
            f"the call ended as {status}", hint="The runtime's log is serve.log in the demo's folder."
        )
    return call_id


async def _connecting(call: PhoneCall, console: Console) -> None:
    """Print what the caller notices before the agent is on the line."""
    words = {Kind.RINGING: "ringing", Kind.ANSWERED: "answered", Kind.HEARS: "hears the hold text"}
    async for event in call.follow():
        if event.kind is Kind.STREAM_OPENED:
            _phone_line(call, event, "the agent is on the line", console)
            return
        if event.kind in words:
            _phone_line(call, event, words[event.kind], console)


def _phone_line(call: PhoneCall, event: CallEvent, words: str, console: Console) -> None:
    console.print(moment(event.at_ms - (call.answered_at_ms or event.at_ms), "phone", words, "dim"))


def _leave_recording(call: PhoneCall, path: Path, console: Console) -> None:
    path.write_bytes(call.recording_wav())
    seconds = len(call.recording_wav()) / 16_000
    _heading(
        console, f"the recording: {path}", f"{seconds:.0f} s, stereo: caller left, agent right; µ-law as sent"
    )


async def _stay(box: Sandbox, base: str, environment: dict[str, str], console: Console) -> None:
    _heading(console, "everything stays up until Ctrl-C", f"runtime {base}, sandbox {box.url}")
    for name, value in environment.items():
        console.print(f"  export {name}={value}")
    await asyncio.Event().wait()


def _heading(console: Console, title: str, detail: str = "") -> None:
    console.print()
    console.print(Text.assemble(("● ", "bold cyan"), (title, "bold"), ("  " + detail, "dim")))


def _command(console: Console, *arguments: str) -> None:
    console.print()
    console.print(Text.assemble(("$ ", "bold cyan"), (f"tm {' '.join(arguments)}", "bold")))
