"""Environments: what an overlay changes, and that its mistakes are found in it."""

from __future__ import annotations

import pytest

from schemas import Place
from tests.schemas.fleets import ENVIRONMENT, Folder, agent

PROD = {**ENVIRONMENT, "TM_ENV": "prod"}

BASE = agent(
    """
    greeting: Hello
    voice: {name: ash, model: gpt-realtime-2.1}
    numbers: ["+14155550100", "+14155550101"]
    """
)


def test_an_overlay_wins_mappings_merge_and_lists_are_replaced(folder: Folder) -> None:
    folder.write(BASE).write(
        "kind: Agent\nname: front-desk\nvoice: {name: cedar}\nnumbers: +14155550199\n", "env/prod.yaml"
    )
    desk = folder.fleet(PROD).agents["front-desk"]
    assert (desk.greeting, desk.voice.name, desk.voice.model) == ("Hello", "cedar", "gpt-realtime-2.1")
    assert [entry.number for entry in desk.numbers] == ["+14155550199"]


def test_without_an_environment_the_folder_of_overlays_is_not_read(folder: Folder) -> None:
    folder.write(BASE).write("broken: [", "env/prod.yaml").write("kind: Agent", "env/deep/x.yaml")
    assert folder.fleet().agents["front-desk"].greeting == "Hello"
    assert folder.findings({**ENVIRONMENT, "TM_ENV": ""}) == []


def test_a_folder_called_env_further_down_is_an_ordinary_one(folder: Folder) -> None:
    folder.write(BASE, "teams/env/desk.yaml")
    assert "front-desk" in folder.fleet().agents


def test_null_in_an_overlay_undoes_a_field_and_a_default_below_it(folder: Folder) -> None:
    folder.write(
        """
        kind: Service
        name: phones
        public_url: https://phones.example.com
        defaults: {greeting: Good day, max_concurrent_calls: 5}
        ---
        kind: Agent
        name: front-desk
        instructions: Be kind.
        max_concurrent_calls: 3
        """
    )
    folder.write("kind: Agent\nname: front-desk\ngreeting: null\nmax_concurrent_calls:\n", "env/prod.yaml")
    desk = folder.fleet(PROD).agents["front-desk"]
    assert (desk.greeting, desk.max_concurrent_calls) == (None, None)


def test_an_overlay_of_the_service_reaches_every_agent(folder: Folder) -> None:
    folder.write(
        "kind: Service\nname: phones\npublic_url: https://a.example\ndefaults: {greeting: Hi}\n---\n"
        + agent("")
    )
    folder.write(
        "kind: Service\nname: phones\npublic_url: https://b.example\ndefaults: {greeting: Hello}\n",
        "env/prod.yaml",
    )
    fleet = folder.fleet({name: value for name, value in PROD.items() if name != "TM_PUBLIC_URL"})
    assert fleet.service.public_url == "https://b.example"
    assert fleet.agents["front-desk"].greeting == "Hello"


def test_values_of_an_overlay_stand_in_the_overlay_and_all_others_where_they_were(folder: Folder) -> None:
    folder.write(BASE).write("kind: Agent\nname: front-desk\nvoice:\n  name: cedar\n", "env/prod.yml")
    fleet = folder.fleet(PROD)
    overlay, base = str(folder.path / "env/prod.yml"), str(folder.path / "fleet.yaml")
    assert fleet.place("Agent", "front-desk", "voice", "name") == Place(overlay, 4, 9)
    assert fleet.place("Agent", "front-desk", "greeting") == Place(base, 4, 11)
    assert fleet.place("Agent", "front-desk") == Place(base, 1, 1)


def test_paths_and_files_in_an_overlay_start_at_the_overlay(folder: Folder) -> None:
    folder.write(BASE).write("Prod prompt\n", "env/prompt.md")
    folder.write("kind: Agent\nname: front-desk\ninstructions: ${file:prompt.md}\n", "env/prod.yaml")
    assert folder.fleet(PROD).agents["front-desk"].instructions == "Prod prompt"


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        (
            "kind: Agent\nname: frontdesk\ngreeting: Hi\n",
            'env/prod.yaml:2:7 TM040 there is no Agent "frontdesk" to lay this over; did you mean "front',
        ),
        (
            "kind: Hold\nname: front-desk\nstrategy: none\n",
            'env/prod.yaml:2:7 TM040 there is no Hold "front-desk" to lay this over',
        ),
        (
            "kind: Agent\nname: front-desk\ngreting: Hi\n",
            'env/prod.yaml:3:1 TM020 unknown key "greting"; did you mean "greeting"?',
        ),
        (
            "kind: Agent\nname: front-desk\nnumbers: 0800\n",
            "env/prod.yaml:3:10 TM024 expected a phone number in E.164 form",
        ),
        (
            "kind: Agent\nname: front-desk\n---\nkind: Agent\nname: front-desk\n",
            'env/prod.yaml:5:7 TM014 Agent "front-desk" is laid over twice, first at env/prod.yaml:2:7',
        ),
        ("kind: Agent\n", "env/prod.yaml:1:1 TM013 name is missing"),
        ("kind: [", "env/prod.yaml:2:1 TM003"),
    ],
    ids=["unknown name", "other kind", "unknown key", "wrong value", "twice", "nameless", "not YAML"],
)
def test_a_mistake_in_an_overlay_is_found_in_the_overlay(folder: Folder, overlay: str, expected: str) -> None:
    folder.write(BASE).write(overlay, "env/prod.yaml")
    (found,) = folder.findings(PROD)
    assert found.startswith(expected)


def test_an_overlay_of_a_document_in_a_broken_file_is_no_mistake_of_its_own(folder: Folder) -> None:
    folder.write(BASE + "greeting: again\nx: [").write("kind: Agent\nname: front-desk\n", "env/prod.yaml")
    assert [line.split()[1] for line in folder.findings(PROD)] == ["TM003"]


def test_an_unknown_environment_names_those_there_are(folder: Folder) -> None:
    folder.write(BASE).write("", "env/prod.yaml").write("", "env/staging.yml")
    (found,) = folder.findings({**ENVIRONMENT, "TM_ENV": "prods"})
    assert found.startswith('TM007 there is no environment "prods": no file env/prods.yaml')
    assert found.endswith('did you mean "prod"?')
    (found,) = folder.findings({**ENVIRONMENT, "TM_ENV": "qa"})
    assert found.endswith("; there is prod or staging")
    (found,) = folder.findings({**ENVIRONMENT, "TM_ENV": "../prod"})
    assert found.startswith("TM007 ")
