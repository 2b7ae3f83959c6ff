"""Where a value comes from, through every layer."""

from __future__ import annotations

import pytest

from schemas import TmError
from schemas.provenance import FieldPath, Provenance, Written, provenance
from tests.schemas.fleets import ENVIRONMENT, Folder

SERVICE = """\
kind: Service
name: phones
public_url: https://phones.example.com
defaults:
  greeting: Good day
  voice: {name: ash}
  max_concurrent_calls: 5
"""
AGENT = """\
kind: Agent
name: desk
instructions: ${env:PROMPT:-Be kind.}
greeting: Hello
numbers:
  - +14155550100
  - {number: "+14155550101", friendly_name: Second}
tools:
  - name: find
    description: Finds
    http: {url: https://crm.example, headers: {Authorization: "Bearer ${env:CRM}"}}
"""
OVERLAY = """\
kind: Agent
name: desk
greeting: Hello from production
max_concurrent_calls: null
"""


@pytest.fixture
def fleet(folder: Folder) -> Folder:
    return folder.write(SERVICE, "service.yaml").write(AGENT, "desk.yaml").write(OVERLAY, "env/prod.yaml")


def explained(
    folder: Folder, *path: str | int, environment: str = "", kind: str = "Agent", name: str = "desk"
) -> Provenance:
    entry = folder.fleet({**ENVIRONMENT, "TM_ENV": environment}).entries[kind, name]
    (field,) = provenance(entry, path)
    return field


def told(folder: Folder, written: Written | None) -> str | None:
    if written is None or written.place is None:
        return written.origin if written else None
    file = written.place.file.removeprefix(f"{folder.path}/")
    return f"{written.origin} {file}:{written.place.line}"


@pytest.mark.parametrize(
    ("path", "environment", "value", "origin", "over"),
    [
        (("greeting",), "", "Hello", "document desk.yaml:4", ["defaults service.yaml:5"]),
        (
            ("greeting",),
            "prod",
            "Hello from production",
            "overlay env/prod.yaml:3",
            ["document desk.yaml:4", "defaults service.yaml:5"],
        ),
        (("voice", "name"), "", "ash", "defaults service.yaml:6", []),
        (("voice", "mode"), "", "realtime", None, []),
        (("max_call_seconds",), "", 600, None, []),
        (("max_concurrent_calls",), "", 5, "defaults service.yaml:7", []),
        (("numbers", 0, "number"), "", "+14155550100", "document desk.yaml:6", []),
        (("numbers", 0, "friendly_name"), "", None, None, []),
        (("numbers", 1, "friendly_name"), "", "Second", "document desk.yaml:7", []),
    ],
)
def test_each_layer_is_named_with_its_line_and_what_it_won_over(
    fleet: Folder, path: FieldPath, environment: str, value: object, origin: str | None, over: list[str]
) -> None:
    field = explained(fleet, *path, environment=environment)
    assert field.value == value
    assert told(fleet, field.written) == origin
    assert [told(fleet, other) for other in field.overridden] == over


def test_null_in_an_overlay_is_said_to_undo_what_is_below(fleet: Folder) -> None:
    field = explained(fleet, "max_concurrent_calls", environment="prod")
    assert (field.value, field.undone) == (None, True)
    assert told(fleet, field.written) == "overlay env/prod.yaml:4"


def test_a_reference_is_shown_as_it_was_written_and_a_secret_not_at_all(fleet: Folder) -> None:
    assert explained(fleet, "instructions").value == "${env:PROMPT:-Be kind.}"
    assert explained(fleet, "tools", 0, "http", "headers", "Authorization").value == "***"


def test_the_public_url_of_the_environment_wins_over_the_file(fleet: Folder) -> None:
    field = explained(fleet, "public_url", kind="Service", name="phones")
    assert (told(fleet, field.written), field.value) == ("environment", ENVIRONMENT["TM_PUBLIC_URL"])
    assert [told(fleet, other) for other in field.overridden] == ["document service.yaml:3"]


def test_a_single_number_without_a_list_has_the_place_of_its_field(folder: Folder) -> None:
    folder.write("kind: Agent\nname: desk\ninstructions: x\nnumbers: +14155550100\n")
    assert told(folder, explained(folder, "numbers", 0, "number").written) == "document fleet.yaml:4"
    assert explained(folder, "numbers", 0, "region").written is None


def test_a_list_with_a_reference_in_it_is_shown_as_written(folder: Folder) -> None:
    folder.write("kind: Agent\nname: desk\ninstructions: x\nallow_callers: ['${env:BOSS:-+1415*}', +1212*]\n")
    assert explained(folder, "allow_callers").value == ["${env:BOSS:-+1415*}", "+1212*"]


def test_an_unknown_field_is_an_error_that_suggests_one(fleet: Folder) -> None:
    with pytest.raises(TmError, match=r'no field "voice.nme"; did you mean "voice.name"'):
        explained(fleet, "voice", "nme")
