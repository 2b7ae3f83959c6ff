"""A request to `POST /v1/chat/completions`: what it may hold, and the thread that it continues. No I/O.

OpenAI: the whole conversation stands in `messages`; functions are nested under `function`; an assistant
message with tool calls is followed by one tool message for each of them.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from sandbox.model.config import JsonObject, Part
from sandbox.model.refusal import RefusedError, refusal_of
from sandbox.model.text.composing import Limits
from sandbox.model.text.responses_request import Effort, Name
from sandbox.model.text.strictness import check_strict
from sandbox.model.text.thread import Answered, Called, Thread, Told


class Function(Part):
    """A function as the model is told of it."""

    name: Name
    description: str | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class FunctionTool(Part):
    """A function of the client; nested, as Chat Completions has it."""

    type: Literal["function"]
    function: Function


class ChosenFunction(Part):
    """The function that is to be called."""

    name: str


class FunctionChoice(Part):
    """One function and no other."""

    type: Literal["function"]
    function: ChosenFunction


class StreamOptions(Part):
    """With `include_usage` the last chunk has the tokens, and no choices."""

    include_usage: bool = False
    include_obfuscation: bool = True


class ChatRequest(Part):
    """What is asked for: these fields and no others."""

    model: str
    messages: Annotated[list[JsonObject], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: tuple[FunctionTool, ...] = ()
    tool_choice: Literal["auto", "none", "required"] | FunctionChoice = "auto"
    parallel_tool_calls: bool | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    reasoning_effort: Effort | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: float | None = None
    n: Literal[1] | None = None
    stop: str | list[str] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_format: JsonObject | None = None
    seed: int | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    user: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None

    @property
    def limits(self) -> Limits:
        """What the request allows the answer to be."""
        return Limits(
            max_tokens=self.max_completion_tokens or self.max_tokens,
            may_call=self.tool_choice != "none",
            parallel=self.parallel_tool_calls is not False,
            effort=self.reasoning_effort or "none",
        )


class TextPart(Part, tag_field="type", tag="text"):
    """Words."""

    text: str


class ImagePart(Part, tag_field="type", tag="image_url"):
    """A picture."""

    image_url: JsonObject


class AudioPart(Part, tag_field="type", tag="input_audio"):
    """A sound."""

    input_audio: JsonObject


class FilePart(Part, tag_field="type", tag="file"):
    """A document."""

    file: JsonObject


Content: TypeAlias = str | list[TextPart | ImagePart | AudioPart | FilePart]


class CalledFunction(Part):
    """Which function was called, and with what."""

    name: str
    arguments: str


class ToolCall(Part):
    """A call of a function by the model."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class Input(Part):
    """Words of anybody but the model."""

    role: Literal["system", "developer", "user"]
    content: Content
    name: str | None = None


class Assistant(Part):
    """What the model said and called."""

    role: Literal["assistant"]
    content: Content | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    name: str | None = None
    annotations: list[JsonObject] | None = None
    audio: JsonObject | None = None
    function_call: JsonObject | None = None


class ToolMessage(Part):
    """What a function answered."""

    role: Literal["tool"]
    content: Content
    tool_call_id: str


def read_request(body: bytes) -> ChatRequest:
    """Return the request. Raises `RefusedError` for one that OpenAI would not take."""
    try:
        request = msgspec.json.decode(body, type=ChatRequest)
    except msgspec.ValidationError as error:
        raise refusal_of(error, under="") from error
    except msgspec.DecodeError:
        raise RefusedError("invalid_json", "We could not parse the JSON body of your request.") from None
    if request.stream_options is not None and not request.stream:
        raise RefusedError(
            "invalid_value",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    for number, tool in enumerate(request.tools):
        if tool.function.strict and tool.function.parameters is not None:
            param = f"tools[{number}].function.parameters"
            check_strict(tool.function.name, tool.function.parameters, param)
    return request


def read_thread(request: ChatRequest) -> Thread:
    """Return all that was said. Raises `RefusedError`."""
    entries: list[Told | Called | Answered] = []
    open_calls: list[str] = []
    for number, given in enumerate(request.messages):
        message = _message(given, number)
        if open_calls and not isinstance(message, ToolMessage):
            raise _unanswered(open_calls, number)
        match message:
            case Input(role=role, content=content):
                entries.append(Told(role, _words(content)))
            case Assistant(content=content, tool_calls=calls):
                if content is not None:
                    entries.append(Told("assistant", _words(content)))
                entries += [Called(one.id, one.function.name, one.function.arguments) for one in calls]
                open_calls = [one.id for one in calls]
            case ToolMessage(content=content, tool_call_id=call_id):
                if call_id not in open_calls:
                    raise _uncalled(number)
                open_calls.remove(call_id)
                entries.append(Answered(call_id, _words(content)))
    if open_calls:
        raise _unanswered(open_calls, len(request.messages))
    return tuple(entries)


def _message(given: JsonObject, number: int) -> Input | Assistant | ToolMessage:
    role = given.get("role")
    kind: type[Input | Assistant | ToolMessage] = Input
    if role == "assistant":
        kind = Assistant
    elif role == "tool":
        kind = ToolMessage
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise refusal_of(error, under=f"messages[{number}]") from error


def _unanswered(call_ids: list[str], number: int) -> RefusedError:
    return RefusedError(
        "invalid_request_error",
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(call_ids),
        param=f"messages.[{number}].role",
    )


def _uncalled(number: int) -> RefusedError:
    return RefusedError(
        "invalid_request_error",
        "Invalid parameter: messages with role 'tool' must be a response to a preceding message with "
        "'tool_calls'.",
        param=f"messages.[{number}].role",
    )


def _words(content: Content) -> str:
    """Return the words of a content; other parts are named, so that a rule can answer them."""
    if isinstance(content, str):
        return content
    return " ".join(_shown(part) for part in content)


def _shown(part: TextPart | ImagePart | AudioPart | FilePart) -> str:
    match part:
        case TextPart(text=text):
            return text
        case ImagePart():
            return "[image]"
        case AudioPart():
            return "[audio]"
        case FilePart():
            return "[file]"
