"""`tm watch`: what is wrong with how it was started is said at once."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.wire_world import WireWorld, wire_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> WireWorld:
    return wire_world(tmp_path, monkeypatch, capsys, [])


@pytest.mark.parametrize("address", ["9108", "localhost:", "localhost:port", ":9108", "[::1:9108"])
def test_an_address_that_is_none_is_a_usage_error(world: WireWorld, address: str) -> None:
    done = world.tm("watch", "--listen", address)
    assert done.code == 1
    assert "HOST:PORT" in done.err


def test_a_webhook_that_is_no_url_is_refused_without_repeating_it(world: WireWorld) -> None:
    done = world.tm("watch", "--webhook", "chat.example/s3cr3t")
    assert done.code == 1
    assert "s3cr3t" not in done.err + done.out


def test_declarations_with_errors_are_told_at_the_start(world: WireWorld) -> None:
    world.declare("kind: Agent\nname: x\ngreting: hello\n")
    done = world.tm("watch")
    assert done.code == 1
    assert "greting" in done.err


def test_an_address_that_is_taken_is_named(world: WireWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = world.tm("watch", "--listen", address)
    assert done.code == 1
    assert address in done.err
