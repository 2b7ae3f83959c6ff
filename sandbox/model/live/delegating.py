"""The model that a GPT-Live session delegates tools to: Responses events, wrapped. No I/O.

OpenAI: calls of functions come as `response.output_item.done`; their outputs, all of them, come back as
items, and one `response.create` lets the model go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandbox.model.live.config import Responses
from sandbox.model.live.events import LiveEvent
from sandbox.model.refusal import RefusedError
from sandbox.model.script import Call, Heard, Performance, Reply, Say
from sandbox.model.text.composing import Composition, Invocation, compose
from sandbox.model.text.responses_answer import ResponseStory
from sandbox.model.text.responses_request import ResponsesRequest
from sandbox.model.text.thread import Answered, Called, Thread


class Delegated:
    """One delegation: `begin` with a reply that calls functions, `answer` each, then `go_on`."""

    def __init__(
        self, config: Responses, performance: Performance, new_id: Callable[[str], str], epoch_s: int
    ) -> None:
        self.id = new_id("del")
        self._config = config
        self._performance = performance
        self._new_id = new_id
        self._epoch_s = epoch_s
        self._thread: Thread = ()
        self._open: dict[str, str] = {}  # names of the functions that have not answered, by call id
        self._last: Heard | None = None

    @property
    def waits(self) -> bool:
        """Whether functions have been called and the model has not gone on."""
        return bool(self._open) or self._last is not None

    def begin(self, reply: Reply, offset_ms: int) -> Iterator[LiveEvent]:
        """Call the functions of a reply."""
        story = self._story(reply)
        delegation = {"id": self.id, "type": "delegation", "target": "responses", "response_id": story.id}
        fields = {"delegation": delegation, "offset_ms": offset_ms}
        yield LiveEvent("session.delegation.created", dict(fields))
        yield from self._tell(story)

    def answer(self, item: dict[str, object]) -> None:
        """Take what a function has answered. Raises `RefusedError`."""
        call_id, output = item.get("call_id"), item.get("output")
        if item.get("type") != "function_call_output" or not isinstance(output, str):
            raise RefusedError(
                "invalid_value", "The item must be a function_call_output with a text.", param="item"
            )
        if not isinstance(call_id, str) or call_id not in self._open:
            raise RefusedError(
                "invalid_value",
                f"No tool call found for function call output with call_id {call_id}.",
                param="item.call_id",
            )
        self._last = Heard(text=output, tool=self._open.pop(call_id))
        self._thread = (*self._thread, Answered(call_id, output))

    def go_on(self) -> tuple[list[LiveEvent], Reply]:
        """Return the next response, and what of it is to be said. Raises `RefusedError`."""
        if self._open:
            missing = ", ".join(self._open)
            raise RefusedError("invalid_request", f"No tool output found for function call {missing}.")
        if self._last is None:
            raise RefusedError("invalid_request", "There is no delegated response to continue.")
        reply = self._performance.reply(self._last)
        self._last = None
        return list(self._tell(self._story(reply))), tuple(one for one in reply if isinstance(one, Say))

    def _story(self, reply: Reply) -> ResponseStory:
        config = self._config
        request = ResponsesRequest(
            model=config.model,
            instructions=config.instructions,
            tools=config.tools or (),
            parallel_tool_calls=config.parallel_tool_calls,
            max_output_tokens=config.max_output_tokens,
            reasoning=config.reasoning,
        )
        composition = compose(reply, request.limits, self._new_id)
        self._await(composition)
        return ResponseStory(request, self._thread, composition, self._new_id, self._epoch_s)

    def _await(self, composition: Composition) -> None:
        called = [part for part in composition.parts if isinstance(part, Invocation) and part.whole]
        self._open = {part.call_id: part.name for part in called}
        self._thread = (
            *self._thread,
            *(Called(part.call_id, part.name, part.arguments) for part in called),
        )

    def _tell(self, story: ResponseStory) -> Iterator[LiveEvent]:
        for event in story.events():
            yield LiveEvent("response.event", {"delegation_id": self.id, "event": event.body})


def calls_in(reply: Reply) -> Reply:
    """Return the calls of a reply, without what is said beside them."""
    return tuple(output for output in reply if isinstance(output, Call))
