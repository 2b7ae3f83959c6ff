"""What is said about a campaign before anybody is called."""

from __future__ import annotations

import pytest

from schemas.calling_hours import by_day
from schemas.provenance import provenance
from tests.schemas.fleets import Folder

AGENT = """\
kind: Agent
name: reminders
instructions: You call {{ first_name }}.
numbers: [+14155550100, +14155550101]
variables:
  first_name: {required: true}
  date: When the appointment is
"""
CAMPAIGN = """\
kind: Campaign
name: spring
agent: reminders
leads: leads/spring.csv
"""
HEADER = "number,first_name,date\n"


def declared(folder: Folder, fields: str = "", *, leads: str | None = HEADER, agent: str = AGENT) -> Folder:
    """Write an agent and a campaign with further fields, which begin in line 5."""
    if leads is not None:
        folder.write(leads, "leads/spring.csv")
    return folder.write(agent, "agent.yaml").write(CAMPAIGN + fields, "campaign.yaml")


def test_a_campaign_has_sensible_terms_of_its_own(folder: Folder) -> None:
    fleet = declared(folder).fleet()
    campaign = fleet.campaigns["spring"]
    assert campaign.leads == folder.path / "leads" / "spring.csv"
    assert (campaign.max_retries, campaign.cooldown, campaign.calls_per_second) == (2, 3600, 1)
    assert by_day(campaign.hours) == ((((540, 1080),),) * 5 + ((),) * 2)
    assert folder.findings() == []


def test_hours_are_written_as_people_say_them(folder: Folder) -> None:
    hours = 'hours: {fri-sun: ["9:00-12:00", "12:00-13:30", 20:00-24:00], mon: 8:00-9:00}\n'
    campaign = declared(folder, hours).fleet().campaigns["spring"]
    weekend = ((540, 810), (1200, 1440))
    assert by_day(campaign.hours) == (((480, 540),), (), (), (), weekend, weekend, weekend)


def test_days_may_go_round_the_week() -> None:
    assert [len(windows) for windows in by_day({"sat-mon": ["09:00-10:00"]})] == [1, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ("hours: {mon-fry: 09:00-18:00}", "TM023 expected days such as mon-fri or sat"),
        ("hours: {mon: 9-18}", "TM023 expected a window such as 09:00-18:00"),
        ("hours: {mon: 18:00-09:00}", "5:14 TM023 a window ends after its beginning"),
        ("hours: {}", "TM023"),
        ("holidays: 2026-02-30", "TM023"),
        ("time_zone: Europe/Berln", 'did you mean "Europe/Berlin"?'),
        ("calls_per_second: 0", "TM023 expected a number above 0"),
        ("voicemail: massage", 'did you mean "message"?'),
        ("voicemail: message", "5:12 TM026 voicemail: message needs voicemail_message"),
        ("voicemail_message: Hello", "TM023 voicemail_message is for voicemail: message"),
        ("numbers: +14155550102", "TM040 +14155550102 is not a number of agent reminders; it has +1415555"),
        ("do_not_call: never.csv", "5:14 TM060 there is no file"),
        ("max_retry: 3", 'did you mean "max_retries"?'),
        (
            "voicemail: message\nvoicemail_message: Hello {{ firstname }}",
            'TM023 {{ firstname }} stands for no variable; did you mean "first_name"?',
        ),
    ],
)
def test_a_mistake_is_reported_in_words_at_its_place(folder: Folder, fields: str, finding: str) -> None:
    declared(folder, fields)
    assert any(finding in line for line in folder.findings()), folder.findings()


def test_the_agent_is_declared_and_has_a_number_to_show(folder: Folder) -> None:
    folder.write(CAMPAIGN.replace("agent: reminders", "agent: remindrs"), "campaign.yaml")
    folder.write(AGENT, "agent.yaml").write(HEADER, "leads/spring.csv")
    (finding,) = folder.findings()
    assert finding == 'campaign.yaml:3:8 TM040 there is no Agent "remindrs"; did you mean "reminders"?'
    declared(folder, agent=AGENT.replace("numbers: [+14155550100, +14155550101]\n", ""))
    (finding,) = folder.findings()
    assert finding.startswith("campaign.yaml:3:8 TM026 agent reminders has no numbers to call from")


@pytest.mark.parametrize(
    ("leads", "finding"),
    [
        ("number,date\n", "has no column first_name"),
        ("first_name,Number\n", 'has a column "Number"; did you mean "number"?'),
        ("first_name,phone\n", "has no column number"),
        ("number;first_name;dat\n", 'has a column "dat"; did you mean "date"?'),
        ("", "has no header"),
        ("number,number\n", 'has two columns "number"'),
    ],
)
def test_the_columns_of_the_list_are_known_to_the_agent(folder: Folder, leads: str, finding: str) -> None:
    declared(folder, leads=leads)
    found = [line for line in folder.findings() if " TM061 " in line]
    assert any(finding in line for line in found), folder.findings()
    assert all(line.startswith("campaign.yaml:4:8") for line in found)


def test_a_list_that_is_not_in_git_is_a_warning(folder: Folder) -> None:
    declared(folder, leads=None)
    (finding,) = folder.findings()
    assert finding.startswith("campaign.yaml:4:8 TM060 there is no file ")
    assert folder.load().fleet is not None


def test_files_of_numbers_that_are_never_called_are_found_beside_the_declaration(folder: Folder) -> None:
    folder.write("number\n+14155550123\n", "never/a.csv").write("phone\n", "never/b.csv")
    declared(folder, "do_not_call: [never/a.csv, never/b.csv]")
    (finding,) = folder.findings()
    assert finding.startswith("campaign.yaml:5:28 TM061")
    assert finding.endswith("never/b.csv has no column number")


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ("variables: {name: {}}\ngreeting: Hello {{ nmae }}", 'stands for no variable; did you mean "name"?'),
        ("variables: {a: {}, b: {}}\ngreeting: Hello {{ x }}", "stands for no variable; there are a and b"),
        ("variables: {a b: {}}", "TM013 a variable has letters, digits, _ and -"),
        ("variables: {id: {}}", "TM013 number, time_zone and id mean something else in lists of leads"),
        ("variables: {a: {required: true, default: x}}", "a is required, so its default is never used"),
    ],
)
def test_what_an_agent_says_has_places_for_its_variables_only(
    folder: Folder, fields: str, finding: str
) -> None:
    folder.write(f"kind: Agent\nname: x\ninstructions: y\n{fields}\n")
    assert any(finding in line for line in folder.findings()), folder.findings()


def test_braces_of_an_agent_without_variables_are_a_warning(folder: Folder) -> None:
    folder.write("kind: Agent\nname: x\ninstructions: Say {{ name }}.\n")
    assert folder.findings() == [
        "fleet.yaml:3:15 TM023 {{ name }} is said as it stands; to have it filled in, declare it in variables"
    ]
    assert folder.load().fleet is not None


def test_every_field_of_a_campaign_can_be_explained(folder: Folder) -> None:
    folder.write("number\n", "never.csv")
    declared(folder, "holidays: 2026-12-25\ndo_not_call: [never.csv]\nhours: {sat: 10:00-12:00}\n")
    fields = provenance(folder.fleet().entries["Campaign", "spring"])
    shown = {field.field: field.value for field in fields}
    assert shown["holidays"] == ["2026-12-25"]
    assert shown["do_not_call"] == ["never.csv"]
    assert shown["hours"] == {"sat": ["10:00-12:00"]}
    assert shown["max_retries"] == 2
