"""Holds an exchange with Twilio's API against Twilio's published documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote

from sandbox.account.exchange import Exchange
from tests.openapi.documents import FORM, JSON, Operation, Schema, allows_relative_uris, operations, validator
from tests.openapi.mismatches import ERROR_BODY, UNPUBLISHED, UNPUBLISHED_FILES

REFUSED = range(400, 500)
NOT_TWILIO = 421  # the sandbox's own way to say that there is no such host
TOO_MANY = 429


def request_violations(exchange: Exchange) -> Iterator[str]:
    """Say in what a request differs from what Twilio publishes: path, parameters, types, body."""
    if _is_unpublished(exchange):
        return
    found = _operation(exchange)
    if found is None:
        yield f"{exchange.method} {exchange.path} is not published for {exchange.host}"
        return
    operation, named = found
    for name, value in named.items():
        yield from _value_violations(f"path parameter {name}", operation.parameters["path"][name], value)
    yield from _query_violations(operation, exchange)
    yield from _body_violations(operation, exchange)


def answer_violations(exchange: Exchange) -> Iterator[str]:
    """Say in what an answer differs from what Twilio publishes: status, and every field of the body."""
    if exchange.status == NOT_TWILIO or exchange.dropped:
        return
    if exchange.status >= REFUSED.start:
        yield from _violations("error body", dict(ERROR_BODY), _json(exchange.answer))
        return
    found = None if _is_unpublished(exchange) else _operation(exchange)
    if found is None:
        return
    operation, _ = found
    if exchange.status not in operation.answers:
        yield f"status {exchange.status} is not published ({', '.join(map(str, operation.answers))} is)"
        return
    schema = operation.answers[exchange.status]
    if schema is None:
        if exchange.answer:
            yield f"an answer of {exchange.status} has no body"
        return
    relative = allows_relative_uris(operation)
    yield from _violations("answer", schema, _json(exchange.answer), relative_uris=relative)


def was_refused(exchange: Exchange) -> bool:
    """Tell whether the account itself refused the request: then it need not fit."""
    return exchange.status in REFUSED and exchange.status != TOO_MANY


def _is_unpublished(exchange: Exchange) -> bool:
    product, path = _product(exchange), exchange.path
    return any(product == owner and path.startswith(prefix) for owner, prefix in UNPUBLISHED) or any(
        product == owner and re.fullmatch(pattern, path) for owner, pattern in UNPUBLISHED_FILES
    )


def _product(exchange: Exchange) -> str:
    return exchange.host.partition(".")[0]


def _operation(exchange: Exchange) -> tuple[Operation, dict[str, str]] | None:
    for operation in operations(_product(exchange)):
        match = operation.pattern.fullmatch(exchange.path) if operation.method == exchange.method else None
        if match:
            return operation, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def _query_violations(operation: Operation, exchange: Exchange) -> Iterator[str]:
    given = dict(parse_qsl(exchange.query, keep_blank_values=True))
    known = operation.parameters["query"]
    for name, value in given.items():
        if name in known:
            yield from _value_violations(f"query parameter {name}", known[name], value)
        else:
            yield f"query parameter {name} is not published"
    for name in operation.required - given.keys():
        yield f"query parameter {name} is required"


def _body_violations(operation: Operation, exchange: Exchange) -> Iterator[str]:
    if exchange.content_type not in operation.body:
        if exchange.body:
            yield f"a body of type {exchange.content_type or 'unknown'} is not published"
        return
    schema = operation.body[exchange.content_type]
    if exchange.content_type == FORM:
        yield from _violations("form", schema, _form(exchange.body, schema["properties"]))
    elif exchange.content_type == JSON:
        yield from _violations("body", schema, _json(exchange.body))


def _form(body: bytes, properties: Mapping[str, Schema]) -> dict[str, object]:
    """Read a form as typed values. Twilio: an array is a repeated name, a boolean `true` or `false`."""
    form: dict[str, object] = {}
    for name, text in parse_qsl(body.decode(), keep_blank_values=True):
        schema = properties.get(name, {})
        if schema.get("type") == "array":
            earlier = form.setdefault(name, [])
            assert isinstance(earlier, list)
            earlier.append(_typed(text, schema["items"]))
        elif name in form:
            form[name] = f"{form[name]!r}, then {text!r}: given twice"
        else:
            form[name] = _typed(text, schema)
    return form


def _typed(text: str, schema: Schema) -> object:
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if "boolean" in kinds and text in {"true", "false"}:
        return text == "true"
    if "integer" in kinds and text.isascii() and text.isdigit():
        return int(text)
    return text


def _value_violations(what: str, schema: Schema, text: str) -> Iterator[str]:
    yield from _violations(what, schema, _typed(text, schema))


def _violations(what: str, schema: Schema, value: object, *, relative_uris: bool = False) -> Iterator[str]:
    for error in validator(json.dumps(schema, sort_keys=True), relative_uris=relative_uris).iter_errors(
        value
    ):
        where = ".".join(map(str, error.instance_path))
        yield f"{what}{f' {where}' if where else ''}: {error.message}"


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
