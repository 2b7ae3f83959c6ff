"""What is said about tools before any call: names, schemas, places in addresses, hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.schemas.fleets import Folder, agent

PAGE = Path(__file__).parents[2] / "docs" / "tools.md"


def tool(more: str = "", *, name: str = "find", url: str = "https://crm.example/{{ id }}") -> str:
    return f"""\
tools:
  - name: {name}
    description: Finds.
    parameters: {{type: object, properties: {{id: {{type: string}}}}}}
    http: {{url: "{url}"{more}}}
"""


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        (tool(url="https://{{ id }}.example/"), "TM025"),
        (tool(url="https://crm.example/{{ ids }}"), '{{ ids }} stands for no argument; did you mean "id"?'),
        (tool(', body: {x: ["{{ nobody }}"]}'), "TM023 {{ nobody }} stands for no argument"),
        (tool(name="hang_up"), "TM023 hang_up is the name of a built-in tool"),
        (tool(url="http://10.1.2.3/{{ id }}"), "TM045 10.1.2.3 is a private host"),
        (tool() + tool().removeprefix("tools:\n"), "TM023 there is another tool find"),
        (tool().replace("type: object,", "type: objec,"), "TM023 the arguments of a tool are an object"),
        (tool().replace("type: string", "type: strin"), "TM023 this is no JSON Schema"),
        (tool().replace("type: string", "$ref: 'https://x.example/'"), "TM023 this is no JSON Schema"),
        ("tools: [{builtin: transfer}]", "TM026 the built-in tool transfer needs somebody"),
        ("transfer: ['+14155550101', '+14155550102']", "TM026 each of several people to transfer to needs"),
        (
            "transfer: [{number: '+14155550101', name: a}, {number: '+14155550102', name: a}]",
            "TM023 two people to transfer to are named a",
        ),
        ("prep: {http: {name: x, http: {url: 'https://a.example/{{ calle }}'}}}", 'did you mean "caller"?'),
        ("prep: {http: {name: x, http: {url: 'http://127.0.0.1/'}}}", "TM045 127.0.0.1 is a private host"),
    ],
)
def test_a_mistake_in_a_tool_is_found_before_any_call(folder: Folder, fields: str, finding: str) -> None:
    folder.write(agent(fields))
    assert any(finding in line for line in folder.findings()), folder.findings()


def test_a_network_allows_all_of_its_hosts(folder: Folder) -> None:
    folder.write(agent(tool(url="http://10.1.2.3/{{ id }}") + "tool_hosts: 10.1.0.0/16\n"))
    assert not [line for line in folder.findings() if "TM045" in line]


def test_the_example_of_the_page_is_valid(folder: Folder) -> None:
    example = PAGE.read_text().split("```yaml\n")[1].split("```")[0]
    folder.write(example)
    assert not [line for line in folder.findings() if " TM09" not in line and " TM04" not in line]
    assert folder.load().fleet is not None
