"""A request to `POST /v1/responses`: what it may hold, and the thread that it continues. No I/O.

OpenAI: `input` is a text or a list of items; what an assistant said is `output_text`, what anybody else
said is `input_text`; each function call has its output in the same input, each output its call; unknown
fields are errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

from sandbox.model.config import FunctionChoice, JsonObject, McpChoice, McpTool, Part
from sandbox.model.refusal import RefusedError, refusal_of
from sandbox.model.text.composing import Limits
from sandbox.model.text.strictness import check_strict
from sandbox.model.text.thread import Answered, Called, Role, Thread, Told, unanswered, uncalled

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class FunctionTool(Part, tag_field="type", tag="function"):
    """A function of the client; flat, as the Responses API has it."""

    name: Name
    parameters: JsonObject | None = None
    strict: bool | None = None
    description: str | None = None


class Reasoning(Part):
    """How long the model thinks before it speaks."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class StreamOptions(Part):
    """How deltas are dressed: `include_obfuscation` pads them against eavesdroppers."""

    include_obfuscation: bool = True


class TextConfig(Part):
    """The form of the text; nothing but plain text is made here."""

    format: JsonObject | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


Tool: TypeAlias = FunctionTool | McpTool
ToolChoice: TypeAlias = Literal["auto", "none", "required"] | FunctionChoice | McpChoice


class ResponsesRequest(Part):
    """What is asked for: these fields and no others."""

    model: str
    input: str | list[JsonObject] = ""
    instructions: str | None = None
    previous_response_id: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=16)] | None = None
    max_tool_calls: int | None = None
    reasoning: Reasoning | None = None
    text: TextConfig | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: float | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: dict[str, str] | None = None
    include: tuple[str, ...] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    user: str | None = None

    @property
    def effort(self) -> Effort:
        """How long is thought about it; not at all unless it is asked for."""
        return (self.reasoning and self.reasoning.effort) or "none"

    @property
    def limits(self) -> Limits:
        """What the request allows the answer to be."""
        return Limits(
            max_tokens=self.max_output_tokens,
            may_call=self.tool_choice != "none",
            parallel=self.parallel_tool_calls is not False,
            effort=self.effort,
        )


class InputText(Part, tag_field="type", tag="input_text"):
    """Words of anybody but the model."""

    text: str


class InputImage(Part, tag_field="type", tag="input_image"):
    """A picture, by an address or as a data URL."""

    image_url: str | None = None
    file_id: str | None = None
    detail: Literal["low", "high", "auto", "original"] | None = None


class InputFile(Part, tag_field="type", tag="input_file"):
    """A document, by an address or as a data URL."""

    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    detail: str | None = None


class OutputText(Part, tag_field="type", tag="output_text"):
    """Words of the model, as an earlier answer had them."""

    text: str
    annotations: tuple[JsonObject, ...] = ()
    logprobs: tuple[JsonObject, ...] | None = None


class Refusal(Part, tag_field="type", tag="refusal"):
    """What the model would not say."""

    refusal: str


Content: TypeAlias = InputText | InputImage | InputFile | OutputText | Refusal


class MessageItem(Part):
    """Words of one side."""

    role: Role
    content: str | list[Content]
    type: Literal["message"] = "message"
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class CallItem(Part):
    """A call of a function by the model."""

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None


class OutputItem(Part):
    """What the function answered."""

    type: Literal["function_call_output"]
    call_id: str
    output: str | list[Content]
    id: str | None = None
    status: str | None = None


def read_request(body: bytes) -> ResponsesRequest:
    """Return the request. Raises `RefusedError` for one that OpenAI would not take."""
    try:
        request = msgspec.json.decode(body, type=ResponsesRequest)
    except msgspec.ValidationError as error:
        raise refusal_of(error, under="") from error
    except msgspec.DecodeError:
        raise RefusedError("invalid_json", "We could not parse the JSON body of your request.") from None
    for number, tool in enumerate(request.tools):
        if isinstance(tool, FunctionTool) and tool.strict and tool.parameters is not None:
            check_strict(tool.name, tool.parameters, f"tools[{number}].parameters")
    return request


def read_thread(request: ResponsesRequest, stored: Mapping[str, Thread]) -> Thread:
    """Return all that was said: what the previous response knew, and the input. Raises `RefusedError`."""
    before: Thread = ()
    previous = request.previous_response_id
    if previous is not None:
        if previous not in stored:
            raise RefusedError(
                "previous_response_not_found",
                f"Previous response with id '{previous}' not found.",
                param="previous_response_id",
            )
        before = stored[previous]
    if isinstance(request.input, str):
        return (*before, Told("user", request.input))
    thread = (*before, *_entries(request.input))
    for call_id in uncalled(thread):
        raise _unpaired(f"No tool call found for function call output with call_id {call_id}.")
    for call_id in unanswered(thread):
        raise _unpaired(f"No tool output found for function call {call_id}.")
    return thread


def _unpaired(message: str) -> RefusedError:
    return RefusedError("invalid_request_error", message, param="input")


def _entries(items: Sequence[JsonObject]) -> Thread:
    entries: list[Told | Called | Answered] = []
    for number, item in enumerate(items):
        where = f"input[{number}]"
        match item.get("type", "message"):
            case "message":
                entries.append(_told(_item(item, MessageItem, where), where))
            case "function_call":
                call = _item(item, CallItem, where)
                entries.append(Called(call.call_id, call.name, call.arguments))
            case "function_call_output":
                output = _item(item, OutputItem, where)
                entries.append(Answered(output.call_id, _words(output.output)))
            case "reasoning":
                continue
            case other:
                raise RefusedError("invalid_value", f"Invalid value: '{other}'.", param=f"{where}.type")
    return tuple(entries)


Item = TypeVar("Item", MessageItem, CallItem, OutputItem)


def _item(item: JsonObject, kind: type[Item], where: str) -> Item:
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        raise refusal_of(error, under=where) from error


def _told(message: MessageItem, where: str) -> Told:
    """Read a message. OpenAI: the parts of an assistant's are output, those of all others input."""
    parts = message.content if isinstance(message.content, list) else []
    for number, part in enumerate(parts):
        is_output = isinstance(part, OutputText | Refusal)
        if is_output != (message.role == "assistant"):
            allowed = "'output_text' and 'refusal'" if not is_output else "'input_text', 'input_image'…"
            raise RefusedError(
                "invalid_value",
                f"Invalid value for a message of the role {message.role}. Supported values are: {allowed}.",
                param=f"{where}.content[{number}].type",
            )
    return Told(message.role, _words(message.content))


def _words(content: str | Sequence[Content]) -> str:
    """Return the words of a content; pictures and files are named, so that a rule can answer them."""
    if isinstance(content, str):
        return content
    return " ".join(_shown(part) for part in content)


def _shown(part: Content) -> str:
    match part:
        case InputText(text=text) | OutputText(text=text):
            return text
        case Refusal(refusal=text):
            return text
        case InputImage():
            return "[image]"
        case InputFile(filename=name):
            return f"[file {name}]" if name else "[file]"
