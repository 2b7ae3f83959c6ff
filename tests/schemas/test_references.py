"""References: when they are resolved, what a missing one is, and that secrets stay secret."""

from __future__ import annotations

import pytest

from schemas import Fleet, Secret, UnresolvedReference
from tests.schemas.fleets import ENVIRONMENT, Folder, agent

ACCOUNT = f"""
---
kind: Account
name: main
account_sid: AC{"0" * 32}
auth_token: ${{env:TOKEN}}
"""


def test_variables_defaults_and_files_are_put_in(folder: Folder) -> None:
    folder.write("A\nB\n", "prompts/desk.md")
    folder.write(agent('greeting: "${env:A}, ${env:B:-b:-}, ${env:C:-}, ${file:prompts/desk.md}!"'))
    assert folder.fleet({**ENVIRONMENT, "A": "a"}).agents["front-desk"].greeting == "a, b:-, , A\nB!"


def test_a_file_is_found_from_the_file_that_names_it(folder: Folder) -> None:
    folder.write("deep", "sub/text.md")
    folder.write("kind: Agent\nname: x\ninstructions: ${file:text.md}\n", "sub/agent.yaml")
    assert folder.fleet().agents["x"].instructions == "deep"


def test_other_placeholders_stay_text(folder: Folder) -> None:
    folder.write(agent('greeting: "Hello ${caller}, {{name}} $5 %s"'))
    assert folder.fleet().agents["front-desk"].greeting == "Hello ${caller}, {{name}} $5 %s"


def test_what_a_reference_yields_is_not_resolved_again(folder: Folder) -> None:
    folder.write(agent("greeting: ${env:A}"))
    assert folder.fleet({**ENVIRONMENT, "A": "${env:B}"}).agents["front-desk"].greeting == "${env:B}"


def test_numbers_and_switches_may_be_references(folder: Folder) -> None:
    folder.write(agent("max_call_seconds: ${env:MAX}\ntakeover: ${env:TAKE}\nnumbers: ['${env:N}']"))
    declared = folder.fleet({**ENVIRONMENT, "MAX": "60", "TAKE": "yes", "N": "+14155550123"}).agents[
        "front-desk"
    ]
    assert (declared.max_call_seconds, declared.takeover, declared.numbers[0].number) == (
        60,
        True,
        "+14155550123",
    )


@pytest.mark.parametrize("environ", [ENVIRONMENT, {**ENVIRONMENT, "MAX": ""}], ids=["unset", "empty"])
def test_a_missing_variable_is_an_error_and_offline_a_warning(
    folder: Folder, environ: dict[str, str]
) -> None:
    folder.write(agent("max_call_seconds: ${env:MAX}"))
    expected = "fleet.yaml:4:19 TM030 the environment variable MAX is not set; set it: export MAX=…"
    assert folder.findings(environ) == folder.findings(environ, offline=True) == [expected]
    assert folder.load(environ).fleet is None
    assert folder.fleet(environ, offline=True).agents["front-desk"].max_call_seconds == 600


def test_offline_every_other_mistake_is_still_found(folder: Folder) -> None:
    folder.write(
        agent("numbers: ['${env:N}']\nhold: nothing\n---\nkind: Service\nname: s\npublic_url: ${env:URL}\n")
    )
    codes = [found.code for found in folder.load({}, offline=True).diagnostics]
    assert codes == ["TM044", "TM030", "TM040", "TM030"]


def test_a_missing_file_is_an_error_at_its_place(folder: Folder) -> None:
    folder.write(agent("greeting: ${file:nothing.md}"))
    assert folder.findings() == [
        'fleet.yaml:4:11 TM030 there is no file "nothing.md"; the path is relative to the YAML file'
    ]


def test_offline_a_missing_variable_is_not_a_missing_field(folder: Folder) -> None:
    folder.write(f"""\
        kind: Account
        name: main
        account_sid: AC{"0" * 32}
        api_key: ${{env:KEY}}
        api_secret: ${{env:SECRET}}
        ---
        {{kind: Hold, name: x, strategy: text, text: "${{env:TEXT}}"}}
        ---
        {{kind: Whitelist, name: y, callers: "${{env:CALLERS}}"}}
        """)
    loaded = folder.load(offline=True)
    assert loaded.fleet is not None
    assert {found.code for found in loaded.diagnostics} == {"TM030"}


@pytest.mark.parametrize("text", ["${env:}", "${env:9}", "${env:A", "${file:}", "${env:A-b}"])
def test_a_malformed_reference_is_an_error_offline_too(folder: Folder, text: str) -> None:
    folder.write(agent(f'greeting: "{text}"'))
    (finding,) = folder.findings(offline=True)
    assert finding.startswith("fleet.yaml:4:11 TM031 malformed reference")


def test_a_value_from_the_environment_is_not_shown(folder: Folder) -> None:
    folder.write(agent("max_call_seconds: ${env:MAX}\nnumbers: ['${env:MAX}']\nwhen_full: ${env:MAX}"))
    findings = folder.findings({**ENVIRONMENT, "MAX": "5ecret"})
    assert "5ecret" not in "".join(findings)
    assert findings[0].endswith("expected a whole number, got the value of ${env:MAX}")


def fleet_with_token(folder: Folder, environ: dict[str, str]) -> Fleet:
    folder.write(agent(ACCOUNT))
    return folder.fleet(environ)


def test_a_secret_is_resolved_when_it_is_revealed(folder: Folder) -> None:
    token = fleet_with_token(folder, {**ENVIRONMENT, "TOKEN": "5ecret"}).accounts["main"].auth_token
    assert token is not None
    assert token.reveal() == "5ecret"


def test_a_missing_secret_is_an_error_only_to_who_needs_it(folder: Folder) -> None:
    token = fleet_with_token(folder, ENVIRONMENT).accounts["main"].auth_token
    assert token is not None
    with pytest.raises(UnresolvedReference, match="TOKEN is not set") as caught:
        token.reveal()
    assert caught.value.place is not None
    assert caught.value.place.line == 8


def test_offline_a_missing_secret_is_a_warning(folder: Folder) -> None:
    folder.write(agent(ACCOUNT))
    (finding,) = folder.load(ENVIRONMENT, offline=True).diagnostics
    assert (finding.severity, finding.code) == ("warning", "TM030")


def test_secrets_are_in_no_text_and_no_dump_of_a_fleet(folder: Folder) -> None:
    folder.write(
        agent("""\
        tools:
          - name: find
            description: Finds.
            http: {url: https://crm.example, headers: {Authorization: "Bearer 5ecret"}}
        """)
        + ACCOUNT.replace("${env:TOKEN}", "5ecret")
    )
    fleet = folder.fleet()
    account, declared = fleet.accounts["main"], fleet.agents["front-desk"]
    texts = [repr(fleet), str(account), repr(account.model_dump()), account.model_dump_json()]
    texts += [repr(declared.model_dump()), declared.model_dump_json(), f"{account.auth_token}"]
    assert "5ecret" not in "".join(texts)


def test_secrets_are_equal_when_they_are_written_alike() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
