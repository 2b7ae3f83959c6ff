"""What does not change what a file declares: the order of keys, quotes, defaults spelled out."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import Agent, Fleet
from schemas.entry import KINDS
from tests.schemas.fleets import Folder

Fields = dict[str, object]

KIND_FIELDS = {kind: [*model.model_fields, "unknwon"] for kind, model in KINDS.items()}

# Texts that plain YAML would take for something else, and that need no quotes to be read here.
WORDS = st.sampled_from(
    ["hello there", "no", "1.10", "+14155550123", "0x1F", "2026-01-01", "${caller}", "Grüezi"]
)
NUMBERS = st.sampled_from(["+14155550100", "+14155550101", "+4930555501"])

AGENTS: st.SearchStrategy[Fields] = st.fixed_dictionaries(
    {"instructions": WORDS},
    optional={
        "greeting": WORDS,
        "numbers": st.lists(NUMBERS, unique=True, max_size=3),
        "voice": st.fixed_dictionaries({}, optional={"name": st.sampled_from(["ash", "cedar"])}),
        "max_call_seconds": st.integers(10, 14400),
        "takeover": st.booleans(),
        "heal": st.booleans(),
        "when_full": st.sampled_from(["busy", "message"]),
        "hold": st.just({"strategy": "text", "text": "One moment."}),
        "allow_callers": st.lists(NUMBERS, max_size=2),
    },
)


def written(fields: object, *, quoted: bool) -> str:
    """Return fields as flow YAML, every scalar with or without quotes."""
    if isinstance(fields, dict):
        return (
            "{" + ", ".join(f"{key}: {written(value, quoted=quoted)}" for key, value in fields.items()) + "}"
        )
    if isinstance(fields, list):
        return "[" + ", ".join(written(item, quoted=quoted) for item in fields) + "]"
    text = str(fields).lower() if isinstance(fields, bool) else str(fields)
    return json.dumps(text, ensure_ascii=False) if quoted or set("{,") & set(text) else text


def loaded(fields: Fields, *, quoted: bool = False) -> Fleet:
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name)).write(written({"kind": "Agent", "name": "x", **fields}, quoted=quoted))
        return folder.fleet()


def without_folder(fleet: Fleet) -> tuple[object, ...]:
    return fleet.service, dict(fleet.accounts), dict(fleet.agents), dict(fleet.holds), dict(fleet.whitelists)


@settings(deadline=None, max_examples=60)
@given(AGENTS, st.randoms(use_true_random=False))
def test_the_order_of_keys_means_nothing(fields: Fields, random: Random) -> None:
    keys = list(fields)
    random.shuffle(keys)
    shuffled = {key: fields[key] for key in keys}
    assert without_folder(loaded(fields)) == without_folder(loaded(shuffled))


@settings(deadline=None, max_examples=60)
@given(AGENTS)
def test_quotes_mean_nothing(fields: Fields) -> None:
    assert without_folder(loaded(fields)) == without_folder(loaded(fields, quoted=True))


@settings(deadline=None, max_examples=60)
@given(AGENTS)
def test_a_default_that_is_spelled_out_means_nothing(fields: Fields) -> None:
    defaults = json.loads(Agent(name="x", instructions="x").model_dump_json(exclude={"name", "instructions"}))
    spelled_out = {key: value for key, value in defaults.items() if value is not None}
    voice = fields.get("voice", {})
    assert isinstance(voice, dict)
    messages = _set(defaults["messages"])
    whole = {**spelled_out, "messages": messages, **fields, "voice": {**_set(defaults["voice"]), **voice}}
    assert without_folder(loaded(fields)) == without_folder(loaded(whole))


VALUES: st.SearchStrategy[object] = st.recursive(
    st.one_of(
        WORDS,
        NUMBERS,
        st.sampled_from(
            ["null", "true", "-1", "", "${env:A}", "${file:a}", "${env:A", "https://x.example", "text"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["name", "url", "strategy", "number", "http", "mcp", "ie1"]), inner),
    ),
    max_leaves=5,
)


@st.composite
def any_documents(draw: st.DrawFn) -> Fields:
    kind = draw(st.sampled_from(sorted(KIND_FIELDS)))
    fields = draw(st.dictionaries(st.sampled_from(KIND_FIELDS[kind]), VALUES, max_size=5))
    return {"kind": kind, "name": "x", **fields}


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(any_documents(), st.booleans())
def test_whatever_a_document_says_it_is_a_fleet_or_an_error_in_plain_words(
    fields: Fields, offline: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name)).write(written(fields, quoted=False))
        found = folder.load(offline=offline)
    errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.severity == "error"]
    assert (found.fleet is None) == bool(errors)
    assert not any("Input should" in error.message or "Undefined" in error.message for error in errors)


def _set(fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if value is not None}
