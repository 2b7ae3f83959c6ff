"""The tools of all agents of a node, and the clients that they share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

import httpx2

from runtime.agent_tools import AgentTools
from runtime.call.events import Prepared
from runtime.call.tools.built_in import DO_NOT_CALL
from runtime.errands import Errands, Keep
from runtime.late_answers import KeptRequests
from runtime.model.text_model import TextModel
from runtime.prep import prepare, with_profile
from runtime.tools.http_call import HttpCaller

if TYPE_CHECKING:
    from runtime.call.actions import RunTool
    from runtime.call_record import JsonValue
    from runtime.settings import Settings
    from schemas import Agent


class Instructed(Protocol):
    """An engine, as far as its instructions go."""

    @property
    def instructions(self) -> str:
        """What the model is told before everything else."""

    def instruct(self, instructions: str) -> None:
        """Tell it something else."""


class ToolRoom:
    """Made once for a node; `errands` gives each call its own. `transport` is replaceable for tests.

    `never_call` keeps a number from being called again and returns what the model is told of it.
    Raises `UnresolvedReference` for a tool whose secret is not there.
    """

    def __init__(
        self,
        agents: Iterable[Agent],
        settings: Settings,
        never_call: Callable[[str], Awaitable[str]],
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._tools = {agent.name: AgentTools.of(agent) for agent in agents}
        self._settings = settings
        self._never_call = never_call
        self._transport = transport
        self._kept = KeptRequests()
        self._http: HttpCaller | None = None
        self._text: TextModel | None = None

    def of(self, agent: Agent) -> AgentTools:
        """Return an agent's tools."""
        return self._tools[agent.name]

    def names(self, agent: str) -> Collection[str]:
        """Return the names of the functions that an agent has."""
        tools = self._tools.get(agent)
        return () if tools is None else tools.functions.functions.keys()

    def errands(
        self,
        agent: Agent,
        engine: Instructed,
        variables: Mapping[str, JsonValue],
        *,
        name: str,
        clock: Callable[[], float],
    ) -> Errands:
        """Return the errands of a call; what prep finds is added to the terms of its `engine`.

        `variables` are what prep's templates stand for: caller, country, called, call_sid. Nobody calls the
        `caller` again who does not want it.
        """
        tools = self.of(agent)

        async def run(action: RunTool) -> str:
            if action.name == DO_NOT_CALL:
                return await self._never_call(str(variables["caller"]))
            answer = await self._caller().call(tools.requests[action.name], action.arguments, tools.hosts)
            return answer.text

        async def prepare_call() -> Prepared:
            assert agent.prep is not None
            prepared = await prepare(
                agent.prep, variables, http=self._caller(), hosts=tools.hosts, write=self._writer()
            )
            engine.instruct(with_profile(engine.instructions, prepared.profile))
            return prepared

        def keep(tool: str) -> Keep | None:
            request = tools.requests.get(tool)
            return None if request is not None and request.method == "GET" else self._kept.begin

        return Errands(name, run, clock=clock, prepare=prepare_call if agent.prep else None, keep=keep)

    async def close(self) -> None:
        """Let go of the clients, when what is to be finished is, or has had its time."""
        await self._kept.close()
        if self._http is not None:
            await self._http.close()
        if self._text is not None:
            await self._text.close()

    def _caller(self) -> HttpCaller:
        if self._http is None:
            self._http = HttpCaller(self._transport)
        return self._http

    def _writer(self) -> TextModel:
        if self._text is None:
            self._text = TextModel(self._settings)
        return self._text
