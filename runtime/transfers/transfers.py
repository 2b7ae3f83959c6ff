"""The transfers of a node: each transaction with its timer, its requests to Twilio, and Twilio's callbacks.

`runtime.call.transfer` decides; here its actions are carried out, and what comes of them is handed in. A
transfer outlives its call for as long as something may still have to be undone: a leg that was being dialled
when the caller hung up is cancelled as soon as it is known.

Callbacks go to the node that has the call. When that is gone, the person's leg ends by itself, for nobody
answers what it is to hear; the caller in the conference is found by whichever node serves the next piece of
hold music after the time in which the transfer must have ended, and is brought back to the agent there.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final

from runtime import twiml
from runtime.call import transfer_steps as ts
from runtime.call.transfer import TALKED
from runtime.figures.logs import get_logger
from runtime.transfers import documents, waiting_music
from runtime.transfers.documents import Places
from runtime.transfers.run import TransferRequest, TransferRun
from runtime.twilio_api import TwilioApiError

if TYPE_CHECKING:
    from runtime.hold_media import HoldMedia, Recording
    from runtime.line import CallLine
    from schemas import Agent, Fleet
    from schemas import transfer as declared

_log = get_logger(__name__)

MOST_REMEMBERED: Final = 2_000
MOST_TASKS: Final = 2_000
CLOSING_SECONDS: Final = 3.0


class Transfers:
    """The transfers of one node, those that are over included for as long as callbacks may come.

    `node_url` is where this node is reached, `public_url` where any is; `clock` gives monotonic seconds,
    `epoch` seconds since 1970.
    """

    def __init__(
        self,
        fleet: Fleet,
        media: HoldMedia,
        node_url: str,
        clock: Callable[[], float],
        epoch: Callable[[], float],
    ) -> None:
        self.node_url = node_url
        self.public_url = fleet.service.public_url
        self.clock = clock
        self.epoch = epoch
        self._music: dict[str, tuple[Recording, float]] = {}
        self._runs: OrderedDict[str, TransferRun] = OrderedDict()
        self._of_call: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for agent in fleet.agents.values():
            if any(person.mode == "warm" for person in agent.transfer):
                sound = media.sound(fleet.hold_of(agent))
                recording = waiting_music.as_file(sound)
                media.add(recording)
                self._music[agent.name] = recording, waiting_music.seconds(sound)

    def begin(self, request: TransferRequest) -> float:
        """Begin a transfer, and return how long it may take (s).

        The caller's stream is being closed, and Twilio will ask what follows it.
        """
        person = person_of(request.agent, request.order.destination)
        run = TransferRun(request, person, self)
        self._runs[run.token] = run
        self._of_call[run.line.call_sid] = run.token
        while len(self._runs) > MOST_REMEMBERED:
            token, oldest = self._runs.popitem(last=False)
            oldest.let_go()
            if self._of_call.get(oldest.line.call_sid) == token:
                del self._of_call[oldest.line.call_sid]
        _log.info("transfer_begun", call=run.line.call_sid, agent=request.agent.name, mode=person.mode)
        return run.seconds

    # --- what Twilio tells and asks

    def find(self, token: str) -> TransferRun | None:
        """Return the transfer with this token."""
        return self._runs.get(token)

    def follow(self, call_sid: str, *, dial: str | None, gone: bool) -> str | None:
        """Return what a caller who is being transferred hears next, None when that is the agent's affair.

        `dial` is Twilio's DialCallStatus. A caller of another node, which is gone, needs nobody of ours after
        having talked to a person.
        """
        run = self._latest(call_sid)
        if run is not None:
            document = run.step(ts.CallerAsks(dial, gone))
        else:
            document = twiml.hang_up() if dial in TALKED else None
        return None if gone else document

    def caller_left(self, call_sid: str) -> None:
        """Note that the caller's call is over in Twilio's eyes."""
        run = self._latest(call_sid)
        if run is not None:
            run.step(ts.CallerLeft())

    def call_over(self, call_sid: str) -> None:
        """Note that the call is over for us."""
        run = self._latest(call_sid)
        if run is not None:
            run.step(ts.CallOver())

    def plays_for(self, agent: Agent) -> bool:
        """Tell whether callers of an agent ever wait in a conference."""
        return agent.name in self._music

    def music(self, agent: Agent, line: CallLine, token: str, until: int) -> str:
        """Return a piece of hold music for a caller in a conference; one who was left there is fetched."""
        run = self._runs.get(token)
        if run is None and self.epoch() > until:
            _log.warning("caller_left_waiting", call=line.call_sid)
            self.start(_fetch(line, f"{self.public_url}/voice/{agent.name}/after"), f"fetch {line.call_sid}")
        recording, seconds = self._music[agent.name]
        places = Places(self.node_url, self.public_url, agent.name, token)
        url = f"{self.public_url}{recording.path}"
        return documents.music(url, seconds=seconds, again_url=places.wait(until))

    def _latest(self, call_sid: str) -> TransferRun | None:
        return self._runs.get(self._of_call.get(call_sid, ""))

    # --- the background

    def start(self, work: Coroutine[None, None, None], name: str) -> None:
        """Do something beside everything else; bounded in number, and ended with the node."""
        if len(self._tasks) >= MOST_TASKS:
            work.close()
            _log.error("transfer_work_left_out", work=name)
            return
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is under way, 3 s at most, and let nothing go off any more."""
        for run in self._runs.values():
            run.let_go()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)


def person_of(agent: Agent, destination: str | None) -> declared.Transfer:
    """Return whom the agent means; the only one where there is one, or none has that name."""
    named = [person for person in agent.transfer if person.name == destination]
    return (named or list(agent.transfer))[0]


async def _fetch(line: CallLine, after_url: str) -> None:
    try:
        await line.api().redirect_call(line.call_sid, url=after_url)
    except TwilioApiError as error:
        if not error.call_is_over:
            _log.warning("not_brought_back", call=line.call_sid, detail=str(error))
