"""Rules across documents and files."""

from __future__ import annotations

import pytest

from schemas import InvalidDeclarations, require_fleet
from tests.schemas.fleets import ENVIRONMENT, Folder, agent


def second(fields: str, name: str = "second") -> str:
    return f"kind: Agent\nname: {name}\ninstructions: x\n{fields}\n"


def test_a_number_on_two_agents_names_both_places(folder: Folder) -> None:
    folder.write(agent("numbers: [+14155550123]"), "a.yaml")
    folder.write(second("numbers:\n  - number: '+14155550123'\n"), "b.yaml")
    (finding,) = folder.findings()
    assert finding.startswith(
        "b.yaml:5:13 TM041 +14155550123 already belongs to agent front-desk (a.yaml:4:11)"
    )


def test_a_number_twice_on_one_agent_is_an_error(folder: Folder) -> None:
    folder.write(agent("numbers: [+14155550123, +14155550123]"))
    assert folder.findings()[0].startswith("fleet.yaml:4:25 TM041")


@pytest.mark.parametrize("hold", ["waiting", "{strategy: none, timeout: 5}"])
def test_a_required_prep_has_to_be_over_before_the_caller_is_given_up(folder: Folder, hold: str) -> None:
    folder.write("kind: Hold\nname: waiting\nstrategy: none\ntimeout: 5\n", "hold.yaml")
    folder.write(agent(f"hold: {hold}\nprep: {{timeout: 5, required: true}}"))
    (finding,) = folder.findings()
    assert finding.startswith(
        "fleet.yaml:5:17 TM023 a required prep may take 5 s, but a caller is kept waiting"
    )
    folder.write(agent(f"hold: {hold}\nprep: {{timeout: 4.5, required: true}}"))
    assert folder.findings() == []
    folder.write(agent(f"hold: {hold}\nprep: {{timeout: 5}}"))
    assert folder.findings() == []


def test_an_agent_that_only_calls_may_share_a_number(folder: Folder) -> None:
    folder.write(agent("numbers: [+14155550123]"), "a.yaml")
    folder.write(second("numbers: [+14155550123]\ninbound: false"), "b.yaml")
    assert [(number.agent, number.inbound) for number in folder.fleet().numbers()] == [
        ("front-desk", True),
        ("second", False),
    ]


@pytest.mark.parametrize("whatsapp", ["{sender: +14155550123}", f"{{messaging_service: MG{'0' * 32}}}"])
def test_messages_to_a_sender_or_service_go_to_one_agent(folder: Folder, whatsapp: str) -> None:
    folder.write(agent(f"whatsapp: {whatsapp}"), "a.yaml")
    folder.write(second(f"whatsapp: {whatsapp}"), "b.yaml")
    (finding,) = [finding for finding in folder.findings() if "TM041" in finding]
    assert finding.startswith("b.yaml:4:")
    assert "already answers for agent front-desk (a.yaml:4:" in finding


def test_an_agent_may_have_a_sender_with_its_own_number(folder: Folder) -> None:
    folder.write(agent("numbers: [+14155550123]\nwhatsapp: {sender: +14155550123}"))
    assert not [finding for finding in folder.findings() if "TM041" in finding]


def test_what_defaults_give_to_several_agents_is_claimed_twice(folder: Folder) -> None:
    service = """\
    kind: Service
    name: test
    public_url: https://agents.example
    defaults: {whatsapp: {sender: +14155550123}}
    """
    folder.write(service, "service.yaml")
    folder.write(agent(""), "a.yaml")
    folder.write(second(""), "b.yaml")
    assert any("TM041" in finding for finding in folder.findings())


def test_names_that_nobody_declares_get_suggestions(folder: Folder) -> None:
    folder.write(
        agent("""\
        account: mian
        hold: waiit
        allow_callers: [frends, +14155550123, +1415*, friends]
        ---
        {kind: Hold, name: wait, strategy: none}
        ---
        {kind: Whitelist, name: friends, callers: []}
        """)
    )
    assert folder.findings() == [
        'fleet.yaml:4:10 TM040 there is no Account "mian"; did you mean "main"?',
        'fleet.yaml:5:7 TM040 there is no Hold "waiit"; did you mean "wait"?',
        'fleet.yaml:6:17 TM040 there is no Whitelist "frends"; did you mean "friends"?',
    ]


def test_a_document_with_errors_still_counts_as_declared(folder: Folder) -> None:
    folder.write(agent("hold: wait\n---\n{kind: Hold, name: wait, strategy: nonne}\n"))
    (finding,) = folder.findings()
    assert " TM023 " in finding


def test_names_in_a_broken_file_or_an_unknown_kind_are_not_reported_again(folder: Folder) -> None:
    folder.write(agent("hold: wait\nallow_callers: friends"), "a.yaml")
    folder.write("kind: Hold\nname: wait\nstrategy: [\n", "b.yaml")
    folder.write("kind: Whitelst\nname: friends\n", "c.yaml")
    assert [line.split()[1] for line in folder.findings()] == ["TM003", "TM011"]


def test_a_mistake_in_one_field_hides_none_across_files(folder: Folder) -> None:
    folder.write(agent("numbers: [+14155550123]"), "a.yaml")
    folder.write(second("numbers: [12, +14155550123]\nhold: gone\nmax_call_seconds: x\nfoo: 1"), "b.yaml")
    assert [line.split()[1] for line in folder.findings()] == ["TM024", "TM041", "TM040", "TM022", "TM020"]


def test_a_misspelled_required_field_is_one_mistake(folder: Folder) -> None:
    folder.write("kind: Agent\nname: x\ninstrutions: y\n")
    assert folder.findings() == [
        'fleet.yaml:3:1 TM020 unknown key "instrutions"; did you mean "instructions"?'
    ]


def test_a_second_document_of_a_name_names_the_first(folder: Folder) -> None:
    folder.write(agent(""), "a.yaml")
    folder.write(agent(""), "b.yaml")
    (finding,) = folder.findings()
    assert finding.startswith('b.yaml:2:7 TM014 Agent "front-desk" is declared twice')
    assert finding.endswith("a.yaml:2:7")


def test_a_fleet_has_one_service(folder: Folder) -> None:
    for name in ("a", "b"):
        folder.write(f"kind: Service\nname: {name}\npublic_url: https://x.example\n", f"{name}.yaml")
    (finding,) = folder.findings()
    assert finding.startswith("b.yaml:2:7 TM015 a fleet has one Service; the first is at a.yaml:2:7")


def account(name: str, region: str = "us1") -> str:
    return (
        f"---\n{{kind: Account, name: {name}, account_sid: AC{'0' * 32}, auth_token: x, region: {region}}}\n"
    )


def test_with_several_accounts_an_agent_says_which(folder: Folder) -> None:
    folder.write(agent(account("one") + account("two")))
    assert folder.findings() == ["fleet.yaml:2:7 TM042 there are several accounts; say account: one or two"]


def test_a_number_has_its_own_region_or_its_accounts(folder: Folder) -> None:
    folder.write(
        agent("numbers: [+14155550123, {number: +14155550124, region: au1}]\n" + account("main", "ie1"))
    )
    assert [(number.account, number.region) for number in folder.fleet().numbers()] == [
        ("main", "ie1"),
        ("main", "au1"),
    ]


def test_allowed_callers_are_flattened(folder: Folder) -> None:
    folder.write(
        agent("""\
        allow_callers: [friends, +14155550199]
        ---
        {kind: Whitelist, name: friends, callers: [+14155550161, +4930*]}
        """)
    )
    fleet = folder.fleet()
    assert fleet.allowed_callers(fleet.agents["front-desk"]) == ("+14155550161", "+4930*", "+14155550199")


def test_nobody_in_particular_is_everybody_and_an_empty_list_is_nobody(folder: Folder) -> None:
    folder.write(agent("allow_callers: []\n---\n" + second("")))
    fleet = folder.fleet()
    assert fleet.allowed_callers(fleet.agents["front-desk"]) == ()
    assert fleet.allowed_callers(fleet.agents["second"]) is None


def test_the_environment_stands_in_for_service_and_account(folder: Folder) -> None:
    folder.write(agent("numbers: +14155550123"))
    fleet = folder.fleet()
    account = fleet.account_of(fleet.agents["front-desk"])
    assert fleet.service.public_url == "https://phones.example.com"
    assert (account.name, account.account_sid) == ("main", ENVIRONMENT["TWILIO_ACCOUNT_SID"])
    assert account.auth_token is not None
    assert account.auth_token.reveal() == "the-token"


def test_without_documents_and_environment_the_error_says_what_to_set(folder: Folder) -> None:
    folder.write(agent(""))
    expected = [
        "TM043 no Service is declared; set TM_PUBLIC_URL, or declare one",
        "TM044 no Account is declared; set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or declare one",
    ]
    assert folder.findings({}) == expected
    assert {found.severity for found in folder.load({}).diagnostics} == {"error"}
    assert folder.findings({}, offline=True) == expected
    assert {found.severity for found in folder.load({}, offline=True).diagnostics} == {"warning"}


def test_the_environment_overrides_the_public_url(folder: Folder) -> None:
    folder.write("kind: Service\nname: x\npublic_url: https://file.example\n")
    assert folder.fleet({}).service.public_url == "https://file.example"
    assert folder.fleet({"TM_PUBLIC_URL": "https://env.example/"}).service.public_url == "https://env.example"
    finding = folder.findings({"TM_PUBLIC_URL": "env.example"})[-1]
    assert finding.startswith("fleet.yaml:3:13 TM025")
    assert finding.endswith("got the value of TM_PUBLIC_URL")


SERVICE = """
---
kind: Service
name: s
public_url: https://x.example
defaults:
"""


def test_defaults_lie_under_every_agent_deeply(folder: Folder) -> None:
    defaults = (
        "  voice: {name: cedar, model: gpt-realtime}\n  allow_callers: [+14155550100]\n  greeting: Hi\n"
    )
    fields = "voice: {name: ash}\nallow_callers: [+14155550199]\ngreeting: null\n"
    folder.write(agent(fields + SERVICE + defaults))
    declared = folder.fleet().agents["front-desk"]
    assert (declared.voice.name, declared.voice.model) == ("ash", "gpt-realtime")
    assert declared.allow_callers == ("+14155550199",)
    assert declared.greeting is None


def test_a_mistake_in_a_default_is_reported_once_where_it_stands(folder: Folder) -> None:
    defaults = "  max_call_seconds: x\n  hold: gone\n  voice: {name: marinn}\n  foo: 1\n"
    folder.write(agent("---\n" + second("") + SERVICE + defaults))
    places = [line.split()[:2] for line in folder.findings()]
    assert places == [
        ["fleet.yaml:15:21", "TM022"],
        ["fleet.yaml:16:9", "TM040"],
        ["fleet.yaml:17:17", "TM023"],
        ["fleet.yaml:18:3", "TM020"],
    ]


def test_every_place_of_the_declarations_can_be_looked_up(folder: Folder) -> None:
    folder.write(agent("numbers:\n  - number: +14155550123\n    region: ie1\n"))
    fleet = folder.fleet()

    def at(*path: str | int) -> tuple[int, int]:
        place = fleet.place("Agent", "front-desk", *path)
        return place.line, place.column

    assert (at(), at("name"), at("numbers", 0, "region")) == ((1, 1), (2, 7), (6, 13))
    assert at("numbers", 0, "friendly_name") == at("numbers", 0) == (5, 5)
    assert fleet.place("Service", "main").file == str(folder.path)


def test_commands_get_all_errors_in_one_exception(folder: Folder) -> None:
    folder.write(agent("gretting: x\nhold: gone"))
    with pytest.raises(InvalidDeclarations) as caught:
        require_fleet(folder.path, ENVIRONMENT)
    assert [found.code for found in caught.value.diagnostics] == ["TM020", "TM040"]
    assert "2 errors" in caught.value.message
    assert "TM020" in caught.value.message
