"""Mistakes in single fields: what is said, and where."""

from __future__ import annotations

import pytest

from tests.schemas.fleets import Folder, agent


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("gretting: Hi", '4:1 TM020 unknown key "gretting"; did you mean "greeting"?'),
        ("voice: {nmae: ash}", '4:9 TM020 unknown key "nmae"; did you mean "name"?'),
        ("max_call_seconds: abc", '4:19 TM022 expected a whole number, got text "abc"'),
        ("max_call_seconds: 1.5", '4:19 TM022 expected a whole number, got text "1.5"'),
        ("max_call_seconds: 9", "4:19 TM023 expected a number from 10 up, got 9"),
        ("max_call_seconds: 14401", "4:19 TM023 expected a number up to 14400, got 14401"),
        ("max_concurrent_calls: 0", "4:23 TM023 expected a number from 1 up, got 0"),
        ("inbound: perhaps", '4:10 TM022 expected true or false, got text "perhaps"'),
        ("greeting: [a]", "4:11 TM022 expected text, got a list"),
        ("greeting: {a: b}", "4:11 TM022 expected text, got a mapping"),
        ("voice: marin", '4:8 TM022 expected a mapping, got text "marin"'),
        ("when_full: bussy", '4:12 TM023 expected busy or message, got text "bussy"; did you mean "busy"?'),
        ("numbers: 14155550123", "4:10 TM024 expected a phone number in E.164 form"),
        ("numbers: [+1, x]", "4:11 TM024 expected a phone number in E.164 form"),
        ("numbers: [{number: +14155550123, region: eu1}]", "4:42 TM023 expected us1, ie1 or au1"),
        ("numbers: [{region: us1}]", '4:11 TM021 "number" is required'),
        ("voice: {name: marinn}", '4:15 TM023 there is no Realtime voice "marinn"; did you mean "marin"?'),
        (
            "voice: {mode: relay, language: de}",
            "4:32 TM023 voice mode relay needs a language with its country",
        ),
        ("voice: {mode: relay, ssml: true}", "4:28 TM023 voice mode relay speaks plain text"),
        ("voice: {mode: relay, name: alice}", "4:28 TM023 voice mode relay needs a voice such as Polly.NAME"),
        ("voice: {mode: relay, speech_model: phone_call}", "4:36 TM023 voice mode relay needs a recogniser"),
        (
            "voice: {mode: gather, language: de}",
            "4:33 TM023 voice mode gather needs a language with its country",
        ),
        ("voice: {mode: gather, model: gpt-4o}", "4:30 TM091 gpt-4o is shut down on 2027-01-14"),
        (
            "voice: {model: gpt-live, name: cinder, delegate: gpt-5-mini}",
            "4:50 TM091 gpt-5-mini is shut down on 2026-12-11",
        ),
        ("messages: {model: gpt-4.1-mini}", "4:19 TM091 gpt-4.1-mini is shut down on 2027-01-14"),
        (
            "prep: {brief: {model: gpt-4o-2024-08-06, instructions: Hi}}",
            "4:23 TM091 gpt-4o-2024-08-06 is shut down on 2027-01-14",
        ),
        ("voice: {api: chat}", "4:14 TM023 api is for text models"),
        ("voice: {ssml: true}", "4:15 TM023 ssml is for text models"),
        ("voice: {speed: 2}", "4:16 TM023"),
        (
            "voice: {turn_detection: {type: semantic_vad, threshold: 0.5}}",
            '4:46 TM020 unknown key "threshold"',
        ),
        ("voice: {turn_detection: {silence_duration_ms: 20}}", "4:47 TM023"),
        ("voice: {interrupt: sometimes}", "4:20 TM023"),
        ("voice: {interrupt: {after_ms: -1}}", "4:31 TM023"),
        ("voice: {language: german}", "4:19 TM023 expected a language such as en or de-DE"),
        ("idle_seconds: 2", "4:15 TM023"),
        ("voice: {mode: realtme}", "4:15 TM023 expected realtime, relay or gather"),
        ("hold: {text: Hi}", '4:7 TM021 "strategy" is required'),
        ("hold: {strategy: text}", "4:18 TM026 strategy text needs text"),
        ("hold: {strategy: voice_over_music}", "4:18 TM026 strategy voice_over_music needs audio and music"),
        ("sms: true", "4:6 TM026 sms needs numbers"),
        ("whatsapp: {}", "4:11 TM026 whatsapp needs sender or messaging_service"),
        ("tools: [{mcp: {label: x}}]", '4:15 TM021 "url" is required'),
        ("tools: [{name: x}]", '4:9 TM021 "description" is required'),
        ("tools: [{builtin: [hang_upp]}]", "4:20 TM023 expected hang_up"),
        ("allow_callers: 4155550123", '4:16 TM024 "4155550123" is neither a phone number nor a Whitelist'),
    ],
)
def test_a_mistake_is_reported_in_words_at_its_place(folder: Folder, field: str, expected: str) -> None:
    folder.write(agent(field))
    assert any(line.startswith(f"fleet.yaml:{expected}") for line in folder.findings()), folder.findings()


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ('"+1 (415) 555-0123"', "did you mean +14155550123?"),
        ('"0014155550123"', "did you mean +14155550123?"),
        ("14155550123", "did you mean +14155550123?"),
        ("4155550123", "begin with + and the country code, like +14155550123"),
    ],
)
def test_a_malformed_phone_number_gets_a_hint(folder: Folder, written: str, hint: str) -> None:
    folder.write(agent(f"numbers: [{written}]"))
    (finding,) = folder.findings()
    assert finding.endswith(f"; {hint}")


@pytest.mark.parametrize("number", ["+٤١٥٥٥٥٠١٢٣", '"+14155550123\\n"', "+04155550123", "+1415555012345678"])
def test_only_true_e164_is_a_phone_number(folder: Folder, number: str) -> None:
    folder.write(agent(f"numbers: [{number}]"))
    assert " TM024 " in folder.findings()[0]


@pytest.mark.parametrize("name", ["Front", "-x", "a_b", "a" * 64, '"a\\n"', "ä", "${env:NAME}"])
def test_a_malformed_name_is_reported_and_the_rest_is_checked(folder: Folder, name: str) -> None:
    folder.write(f"kind: Agent\nname: {name}\ninstructions: x\ngretting: x\n")
    first, second = folder.findings()
    assert first.startswith("fleet.yaml:2:7 TM013")
    assert " TM020 " in second


def test_a_long_value_is_shown_shortened(folder: Folder) -> None:
    folder.write(agent(f"max_call_seconds: {'x' * 200}"))
    (finding,) = folder.findings()
    assert len(finding) < 120


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("name: x", "1:1 TM010 kind is missing"),
        ("kind: Agnet\nname: x", '1:7 TM011 there is no kind "Agnet"; did you mean "Agent"?'),
        ("kind: [Agent]\nname: x", "1:7 TM011 kind is one of"),
        ("kind: Scenario\nname: x", "1:7 TM012 this version does not read Scenario documents yet"),
        ("kind: Agent\ninstructions: x", "1:1 TM013 name is missing"),
        ("kind: Agent\nname: x", '1:1 TM021 "instructions" is required'),
        ("kind: Agent\nname: x\ninstructions:", '3:14 TM021 "instructions" is required'),
        ("kind: Hold\nname: x\nstrategy: txt", "3:11 TM023 expected none, text"),
        (f"kind: Hold\nname: x\nstrategy: text\ntext: {'x' * 3001}", "4:7 TM023 expected at most 3000"),
        ("kind: Whitelist\nname: x\ncallers: ['+1*2']", "3:11 TM024"),
    ],
)
def test_a_mistake_in_a_document_is_reported_at_its_place(
    folder: Folder, document: str, expected: str
) -> None:
    folder.write(document)
    (finding,) = folder.findings()
    assert finding.startswith(f"fleet.yaml:{expected}")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            "auth_token: x\nregion: us2",
            '5:9 TM023 expected us1, ie1 or au1, got text "us2"; did you mean "us1"?',
        ),
        ("auth_token: x\nedge: dubln", "5:7 TM023 expected ashburn"),
        ("api_key: SKx", "4:10 TM026 api_key needs api_secret"),
        ("api_secret: x", "4:13 TM026 api_secret needs api_key"),
        ("region: us1", "1:1 TM026 credentials are missing: auth_token, or api_key and api_secret"),
        ("auth_token: x\nregions: {eu9: {auth_token: y}}", "5:16 TM023 expected us1, ie1 or au1"),
        ("auth_token: x\nregions: {ie1: {}}", "5:16 TM026 credentials are missing"),
    ],
)
def test_a_mistake_in_an_account_is_reported_at_its_place(folder: Folder, fields: str, expected: str) -> None:
    folder.write(f"kind: Account\nname: main\naccount_sid: AC{'0' * 32}\n{fields}\n")
    (finding,) = folder.findings()
    assert finding.startswith(f"fleet.yaml:{expected}")


def test_a_token_in_the_wrong_field_is_not_repeated(folder: Folder) -> None:
    folder.write("""\
        kind: Account
        name: main
        account_sid: 5ecret5ecret
        auth_tokn: 5ecret5ecret
        api_key: {x: 5ecret5ecret}
        api_secret: [5ecret5ecret]
        """)
    findings = folder.findings()
    assert len(findings) == 4
    assert "5ecret" not in "".join(findings)


@pytest.mark.parametrize(("region", "edge"), [("us1", "ashburn"), ("ie1", "dublin"), ("au1", "sydney")])
def test_the_edge_follows_from_the_region(folder: Folder, region: str, edge: str) -> None:
    folder.write(f"kind: Account\nname: a\naccount_sid: AC{'0' * 32}\nauth_token: x\nregion: {region}\n")
    assert folder.fleet().accounts["a"].edge == edge


@pytest.mark.parametrize(
    "url",
    ["http://phones.example.com", "phones.example.com", "ftp://x.example", "https://x.example/?a=1",
     "https://x.example/#a", "https://", "https://u:p@x.example", "https://x.example:99999",
     "https://x .example", "http://127.0.0.1.example.com", "https://[::1"],
)  # fmt: skip
def test_a_public_url_that_twilio_cannot_use_is_an_error(folder: Folder, url: str) -> None:
    folder.write(f"kind: Service\nname: x\npublic_url: '{url}'\n")
    (finding,) = folder.findings({})[-1:]
    assert finding.startswith("fleet.yaml:3:13 TM025")


@pytest.mark.parametrize(
    "url", ["https://x.example/base/", "http://127.0.0.1:8080/", "http://localhost:1", "http://[::1]:80"]
)
def test_a_public_url_loses_its_trailing_slash(folder: Folder, url: str) -> None:
    folder.write(f"kind: Service\nname: x\npublic_url: {url}\n")
    assert folder.fleet({}).service.public_url == url.rstrip("/")


def test_a_single_entry_may_stand_without_a_list(folder: Folder) -> None:
    folder.write(agent("numbers: +14155550123\nallow_callers: +1415*\n"))
    fleet = folder.fleet()
    assert [number.number for number in fleet.numbers()] == ["+14155550123"]
    assert fleet.allowed_callers(fleet.agents["front-desk"]) == ("+1415*",)


def test_what_this_version_does_not_act_on_is_a_warning(folder: Folder) -> None:
    fields = {"web": "true", "after_call": "x"}
    folder.write(agent("\n".join(f"{name}: {value}" for name, value in fields.items())))
    assert folder.load().fleet is not None
    assert [line.split()[2] for line in folder.findings()] == list(fields)


def test_tool_arguments_keep_the_types_of_their_json_schema(folder: Folder) -> None:
    folder.write(
        agent("""\
        tools:
          - name: find
            description: Finds.
            parameters: {type: object, properties: {n: {type: integer, minimum: 1, const: "1"}}, x: true}
            http: {url: https://crm.example}
        """)
    )
    tool = folder.fleet().agents["front-desk"].tools[0]
    assert tool.model_dump()["parameters"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1, "const": "1"}},
        "x": True,
    }


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "[fd00::1]"]
)
def test_a_private_tool_host_must_be_allowed(folder: Folder, host: str) -> None:
    tool = f"tools: [{{mcp: {{label: x, url: 'http://{host}/'}}}}]\n"
    folder.write(agent(tool))
    assert any(line.startswith("fleet.yaml:4:31 TM045") for line in folder.findings())
    folder.write(agent(f"{tool}tool_hosts: ['{host.strip('[]')}']"))
    assert not any(" TM045 " in line for line in folder.findings())


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("speed: 1.2", "4:29"),
        ("noise_reduction: near_field", "4:39"),
        ("turn_detection: {type: semantic_vad}", "4:38"),
        ("interrupt: {after_ms: 250}", "4:33"),
    ],
)
def test_what_only_a_speech_model_can_do_is_refused_in_the_other_modes(
    folder: Folder, field: str, place: str
) -> None:
    folder.write(agent(f"voice: {{mode: relay, {field}}}"))
    name = field.partition(":")[0]
    expected = f"fleet.yaml:{place} TM023 {name} is for voice mode realtime; relay has none"
    assert any(line.startswith(expected) for line in folder.findings()), folder.findings()
