"""Values that are never shown: tokens, keys, headers of tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas import codes
from schemas.reading import Reading, problem
from schemas.references import resolve
from schemas.source import Reference

_HIDDEN = "***"


class Secret:
    """A text that is resolved and shown only on request.

    Printing, logging, formatting and dumping it give `***`. A reference in it is resolved by each
    `reveal`, so that a plan can be made where the secret is not at hand.
    """

    __slots__ = ("_environ", "_source")

    def __init__(self, source: str | Reference, environ: Mapping[str, str] | None = None) -> None:
        self._source = source
        self._environ = environ or {}

    def reveal(self) -> str:
        """Return the secret text.

        Raises:
            UnresolvedReference: its variable or file is missing; names the place, not the value.
        """
        if isinstance(self._source, Reference):
            return resolve(self._source, self._environ)
        return self._source

    def __repr__(self) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._written() == other._written()

    def __hash__(self) -> int:
        return hash(self._written())

    def _written(self) -> str:
        return self._source.text if isinstance(self._source, Reference) else self._source

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _read_secret, serialization=core_schema.plain_serializer_function_ser_schema(repr)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string"}


def _read_secret(value: object, info: core_schema.ValidationInfo) -> Secret:
    """Accept a text or a reference; never repeats the value in an error."""
    if isinstance(value, Secret):
        return value
    if isinstance(value, Reference):
        reading = info.context
        assert isinstance(reading, Reading)
        reading.note_secret(value)
        return Secret(value, reading.environ)
    if isinstance(value, str):
        return Secret(str(value))
    raise problem(codes.WRONG_TYPE, "expected text")
