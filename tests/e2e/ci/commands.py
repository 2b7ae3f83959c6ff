"""Stand-ins for gh, curl, pip and tm, as programs: they keep what they are told in one JSON file.

The forge knows lists by their path in the API. A POST adds to a list, a PATCH or PUT changes the item whose
number ends the path. Lists come in pages of two, so that a script that reads one page only is found out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

STATE = Path(os.environ["FORGE_STATE"])
PAGE = 2
REFUSED = 22
State = dict[str, Any]


def answer(state: State, method: str, path: str, fields: dict[str, str]) -> Any:
    """Do what a request asks for and return the answer, or exit as a client does that was refused."""
    state["requests"].append([method, path, fields])
    if any(part in path for part in state["failing"]):
        say({"message": "the forge is down"})
        sys.exit(REFUSED)
    if method == "GET":
        return state["lists"].get(path, [])
    if method == "POST":
        number = 100 + len(state["requests"])
        ids = {"id": number, "number": number, "iid": number}
        state["lists"].setdefault(path, []).append({**ids, **state["me"], **fields})
        return ids
    number = int(path.rpartition("/")[2])
    items = [item for items in state["lists"].values() if isinstance(items, list) for item in items]
    (item,) = [item for item in items if number in (item.get("id"), item.get("number"))]
    item.update(fields)
    return item


def gh(state: State, arguments: list[str]) -> None:
    if arguments[:2] == ["run", "download"]:
        target = Path(option(arguments, "--dir")) / "plan.json"
        target.write_text(state["artifacts"][arguments[2]])
    elif arguments[:2] == ["run", "list"]:
        say(state["lists"].get(f"runs of {option(arguments, '--commit')}", []))
    else:
        gh_api(state, arguments)


def gh_api(state: State, arguments: list[str]) -> None:
    method = option(arguments, "--method", "GET")
    path = next(item for item in arguments[1:] if item.startswith("repos/"))
    pairs = [value for flag, value in pairwise(arguments) if flag in ("-f", "-F")]
    found = answer(state, method, urlsplit(path).path, dict(map(field, pairs)))
    if method != "GET":
        say(found)
        return
    pages = [found[start : start + PAGE] for start in range(0, len(found), PAGE)] or [[]]
    for page in pages if "--paginate" in arguments else pages[:1]:
        say(page)


def curl(state: State, arguments: list[str]) -> None:
    token = Path(option(arguments, "--header").removeprefix("@")).read_text()
    assert token == f"PRIVATE-TOKEN: {os.environ['TM_GITLAB_TOKEN']}"
    assert os.environ["TM_GITLAB_TOKEN"] not in " ".join(arguments), "a list of processes would show it"
    url = urlsplit(arguments[-1])
    pairs = [value for flag, value in pairwise(arguments) if flag == "--data-urlencode"]
    path = url.path.removeprefix("/api/v4/")
    found = answer(state, option(arguments, "--request"), path, dict(map(field, pairs)))
    query = parse_qs(url.query)
    if "page" in query:
        first = (int(query["page"][0]) - 1) * PAGE
        found = found[first : first + PAGE]
    if "--output" in arguments:
        Path(option(arguments, "--output")).write_text(found)
    else:
        say(found)


def tm(state: State, arguments: list[str]) -> None:
    state["tm"].append(arguments)
    if "--out" in arguments:
        Path(option(arguments, "--out")).write_text("the reviewed plan")
    if arguments[0] == "apply":
        state["applied"] = Path(arguments[1]).read_text()
    if "github" in arguments and "GITHUB_STEP_SUMMARY" in os.environ:
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a") as summary:
            summary.write(state["says"])
    sys.stdout.write(f"{'::notice title=x::y' if 'github' in arguments else state['says']}\n")
    STATE.write_text(json.dumps(state))
    sys.exit(state["exit"])


def pip(state: State, arguments: list[str]) -> None:
    state["installed"] = arguments[-1]


def say(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")


def option(arguments: list[str], name: str, default: str = "") -> str:
    return arguments[arguments.index(name) + 1] if name in arguments else default


def field(pair: str) -> tuple[str, str]:
    """Read `name=value`, `name=@file` (gh) and `name@file` (curl)."""
    name, _, value = pair.partition("=")
    if value.startswith("@"):
        return name, Path(value[1:]).read_text()
    if not value:
        name, _, file = pair.partition("@")
        return name, Path(file).read_text()
    return name, value


COMMANDS: dict[str, Callable[[State, list[str]], None]] = {"gh": gh, "curl": curl, "tm": tm, "pip": pip}


def main() -> None:
    state = json.loads(STATE.read_text())
    try:
        COMMANDS[sys.argv[1]](state, sys.argv[2:])
    finally:
        STATE.write_text(json.dumps(state))


if __name__ == "__main__":
    main()
