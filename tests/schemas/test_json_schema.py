"""The JSON Schemas: current, and of the same opinion as the loader."""

from __future__ import annotations

import json
from pathlib import Path

from schemas.agent import AgentFields
from schemas.entry import KINDS
from schemas.json_schema import COMBINED_FILE, schema_files

FOLDER = Path(__file__).parents[2] / "schemas" / "json"


def test_the_committed_schemas_are_current() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert committed == schema_files(), "run: tm schema"


def test_there_is_a_schema_for_every_kind_and_one_for_all() -> None:
    assert set(schema_files()) == {*(f"{kind}.json" for kind in KINDS), COMBINED_FILE}


def test_each_kind_is_told_by_its_kind_and_closed_to_other_keys() -> None:
    for kind in KINDS:
        schema = json.loads(schema_files()[f"{kind}.json"])
        assert schema["properties"]["kind"] == {"const": kind}
        assert schema["additionalProperties"] is False
        assert {"kind", "name"} <= set(schema["required"])


def test_every_definition_that_is_referred_to_exists() -> None:
    for name, text in schema_files().items():
        schema = json.loads(text)
        referred = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
        assert referred <= set(schema["$defs"]), name


def test_every_field_has_a_description_for_the_editor() -> None:
    for kind in KINDS:
        properties = json.loads(schema_files()[f"{kind}.json"])["properties"]
        missing = [key for key, field in properties.items() if key != "kind" and not field.get("description")]
        assert missing == []


def test_numbers_and_switches_take_references_and_phone_numbers_need_no_quotes() -> None:
    schema = json.loads(schema_files()["Agent.json"])
    reference = {"$ref": "#/$defs/Reference"}
    assert reference in schema["properties"]["max_call_seconds"]["anyOf"]
    assert reference in schema["properties"]["takeover"]["anyOf"]
    assert {"type": "integer"} in schema["$defs"]["NumberEntry"]["properties"]["number"]["anyOf"]


def test_defaults_of_the_service_take_every_field_of_an_agent() -> None:
    schema = json.loads(schema_files()["Service.json"])
    assert set(AgentFields.model_fields) < set(schema["$defs"]["AgentDefaults"]["properties"])
    assert "required" not in schema["$defs"]["AgentDefaults"]
