"""What an agent can do in a conversation in writing: its functions without those of the telephone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runtime.call.tools.built_in import HANG_UP, TAKE_MESSAGE
from runtime.call.tools.toolset import Function, JsonObject, Toolset
from schemas.tools import BuiltinTool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.call_record import JsonValue
    from schemas import Agent
    from schemas.messages import MessageTemplate

SEND_MEDIA: Final = "send_media"
SEND_TEMPLATE: Final = "send_template"
LONGEST_URL: Final = 2_000
_IN_WRITING: Final = frozenset((HANG_UP, TAKE_MESSAGE))

_ENDING: Final = (
    "Ends this conversation. Use it when everything is settled and the other side has said goodbye; what you "
    "wrote is still sent. Whoever writes again begins a new conversation."
)


def _check_media(arguments: JsonObject) -> str | None:
    """Tell what is wrong with a file that is to be sent. Twilio fetches it: any public address will do."""
    url = arguments.get("url")
    if not isinstance(url, str) or not url.startswith("https://") or len(url) > LONGEST_URL:
        return "url: a public https address of a file"
    return None


_SEND_MEDIA: Final = Function(
    SEND_MEDIA,
    "Sends a picture, a document or a sound along with your answer. Use only addresses that your "
    "instructions or your tools have given you.",
    {
        "type": "object",
        "properties": {"url": {"type": "string", "description": "The public https address of the file"}},
        "required": ["url"],
        "additionalProperties": False,
    },
    check=_check_media,
)


def _template_function(templates: Sequence[MessageTemplate]) -> Function:
    """Return the function that sends one of these templates."""
    by_name = {template.name: template for template in templates}

    def check(arguments: JsonObject) -> str | None:
        template, given = by_name.get(str(arguments.get("name"))), arguments.get("variables") or {}
        if template is None:
            return f"name: one of {', '.join(by_name)}"
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            return "variables: an object of texts"
        if given.keys() != set(template.variables):
            return f"variables: exactly {', '.join(template.variables) or 'none'}"
        return None

    names: list[JsonValue] = [*by_name]
    purposes = " ".join(f"{template.name}: {template.description}" for template in templates)
    return Function(
        SEND_TEMPLATE,
        f"Sends a prepared message, which may have buttons, behind your answer. {purposes}",
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "enum": names},
                "variables": {"type": "object", "description": "The values of its variables, all texts"},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
        check=check,
    )


def functions_of(agent: Agent, telephone: Toolset, *, on_whatsapp: bool) -> Toolset:
    """Return the functions that an agent has in writing, made of those that it has on the telephone."""
    kept = [
        replace(function, description=_ENDING) if function.name == HANG_UP else function
        for function in telephone.functions.values()
        if not function.built_in or function.name in _IN_WRITING
    ]
    built_in = {name for tool in agent.tools if isinstance(tool, BuiltinTool) for name in tool.builtin}
    if SEND_MEDIA in built_in:
        kept.append(_SEND_MEDIA)
    if on_whatsapp and agent.whatsapp is not None and agent.whatsapp.templates:
        kept.append(_template_function(agent.whatsapp.templates))
    return replace(Toolset.of(*kept), fills_silence=False)
