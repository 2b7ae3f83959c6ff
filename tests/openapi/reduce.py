"""Cuts Twilio's OpenAPI documents down to the operations that are checked here.

    python -m tests.openapi.reduce FOLDER_WITH_THE_PUBLISHED_DOCUMENTS

What is kept is kept to the letter, except that descriptions, examples and Twilio's own annotations go.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

DATA = Path(__file__).parent / "data"

ACCOUNT = "/2010-04-01/Accounts/{AccountSid}"
KEPT = {
    "twilio_api_v2010.json": (
        "/2010-04-01/Accounts/{Sid}.json",
        *(
            f"{ACCOUNT}/{path}"
            for resource in (
                *("IncomingPhoneNumbers", "Applications", "OutgoingCallerIds"),
                *("Calls", "Calls/{CallSid}/Recordings", "Recordings", "Conferences"),
                *("Messages", "Messages/{MessageSid}/Media"),
            )
            for path in (f"{resource}.json", f"{resource}/{{Sid}}.json")
        ),
        f"{ACCOUNT}/Conferences/{{ConferenceSid}}/Participants.json",
        f"{ACCOUNT}/Conferences/{{ConferenceSid}}/Participants/{{CallSid}}.json",
    ),
    "twilio_messaging_v1.json": (
        "/v1/Services",
        "/v1/Services/{Sid}",
        "/v1/Services/{ServiceSid}/PhoneNumbers",
        "/v1/Services/{ServiceSid}/PhoneNumbers/{Sid}",
        "/v1/Services/{MessagingServiceSid}/ChannelSenders",
    ),
    "twilio_messaging_v2.json": ("/v2/Channels/Senders", "/v2/Channels/Senders/{Sid}"),
    "twilio_monitor_v1.json": ("/v1/Events", "/v1/Events/{Sid}"),
    "twilio_routes_v2.json": ("/v2/PhoneNumbers/{PhoneNumber}",),
}
METHODS = ("get", "post", "delete")
PROSE = frozenset(("description", "title", "summary", "example", "examples"))

_REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


def reduced(document: dict[str, object], kept: tuple[str, ...]) -> dict[str, object]:
    """Return the document with these paths, and the schemas that they refer to directly or indirectly."""
    paths, components = document["paths"], document["components"]
    assert isinstance(paths, dict)
    assert isinstance(components, dict)
    wanted: dict[str, object] = {
        path: {method: _operation(paths[path][method]) for method in METHODS if method in paths[path]}
        for path in kept
    }
    schemas: dict[str, object] = {}
    missing = _names(wanted)
    while missing:
        name = missing.pop()
        schemas[name] = _bare(components["schemas"][name])
        missing |= _names(schemas[name]) - schemas.keys()
    return {
        "openapi": document["openapi"],
        "info": document["info"],
        "paths": wanted,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _operation(operation: dict[str, object]) -> dict[str, object]:
    kept: dict[str, object] = {
        name: operation[name] for name in ("parameters", "requestBody") if name in operation
    }
    responses = operation["responses"]
    assert isinstance(responses, dict)
    kept["responses"] = {status: _answer(answer) for status, answer in responses.items()}
    return {name: _bare(value) for name, value in kept.items()}


def _answer(answer: dict[str, object]) -> dict[str, object]:
    return {"content": answer["content"]} if "content" in answer else {}


def _bare(value: object, *, names_are_ours: bool = False) -> object:
    """Drop prose; inside of `properties` every key is a field's name, whatever it is called."""
    if isinstance(value, dict):
        return {
            name: _bare(one, names_are_ours=name == "properties")
            for name, one in value.items()
            if names_are_ours or not (name in PROSE or name.startswith("x-"))
        }
    if isinstance(value, list):
        return [_bare(one) for one in value]
    return value


def _names(value: object) -> set[str]:
    return set(_REFERENCE.findall(json.dumps(value)))


def main() -> None:
    source = Path(sys.argv[1])
    for name, kept in KEPT.items():
        document = json.loads((source / name).read_text(encoding="utf-8"))
        text = json.dumps(reduced(document, kept), indent=1)
        (DATA / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
