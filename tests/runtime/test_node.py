"""What a node refuses to start with, and how its server lets calls finish."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
import uvicorn

from runtime.listening import ListenError, listen
from runtime.node import Node, UnservableError
from runtime.server import DrainingServer, Stop
from runtime.settings import MissingSettingError, Settings, database_url
from schemas import UnresolvedReference
from tests.runtime.fakes import FakeModel
from tests.runtime.office import AGENT, Office, fleet_of, open_office
from tests.runtime.virtual_time import run


def node_of(folder: Path, declarations: str) -> Node:
    settings = Settings(openai_api_key="sk-test", database_url="sqlite://")
    return Node(fleet_of(folder, declarations), settings, name="test", connect=FakeModel())


def test_an_account_without_a_token_cannot_tell_twilio_from_others(tmp_path: Path) -> None:
    account = f"kind: Account\nname: main\naccount_sid: AC{'0' * 32}\napi_key: SK1\napi_secret: hush\n---\n"
    with pytest.raises(UnservableError, match="main has no auth_token"):
        node_of(tmp_path, account + AGENT)


def test_a_token_that_is_not_set_is_named_with_its_place(tmp_path: Path) -> None:
    account = f"kind: Account\nname: main\naccount_sid: AC{'0' * 32}\nauth_token: ${{env:NOT_SET}}\n---\n"
    with pytest.raises(UnresolvedReference, match="NOT_SET"):
        node_of(tmp_path, account + AGENT)


def test_settings_come_from_the_environment_and_keep_their_secrets() -> None:
    settings = Settings.from_environment(
        {
            "OPENAI_API_KEY": "sk-1",
            "TM_API_TOKEN": "t-1",
            "TM_NODE_URL": "https://n1.example/",
            "OPENAI_BASE_URL": "",
        }
    )
    assert (settings.node_url, settings.openai_base_url) == ("https://n1.example", None)
    assert "sk-1" not in repr(settings)
    assert "t-1" not in repr(settings)
    with pytest.raises(MissingSettingError, match="OPENAI_API_KEY"):
        Settings.from_environment({"OPENAI_API_KEY": ""})


def test_records_are_kept_in_the_state_folder_unless_a_database_is_named() -> None:
    assert database_url({}) == "sqlite:///.tm/calls.sqlite3"
    assert database_url({"TM_STATE_DIR": "/var/lib/tm"}) == "sqlite:////var/lib/tm/calls.sqlite3"
    assert database_url({"TM_DATABASE_URL": "postgresql://db/tm"}) == "postgresql://db/tm"


def test_a_port_that_is_taken_is_an_error_for_people() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}"):
            listen("127.0.0.1", port)
    with pytest.raises(ListenError, match=r"no\.such\.host\.invalid"):
        listen("no.such.host.invalid", 1)


def draining_server(office: Office) -> DrainingServer:
    return DrainingServer(uvicorn.Config(office.app, log_config=None), office.node, Stop(), lambda: None)


def test_the_first_signal_lets_the_call_in_hand_finish(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path) as office:
            server = draining_server(office)
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                assert not await server.on_tick(1)
                server.handle_exit(signal.SIGTERM, None)
                await asyncio.sleep(60)
                assert not await server.on_tick(2)
                assert (await office.webhook(CallSid="CA2")).status_code == 503
                phone.stop()
                await office.over()
                assert await server.on_tick(3)
            assert (await office.record())["end_reason"] == "caller_hangup"

    run(story())


def test_a_second_signal_ends_what_is_live(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path) as office:
            server = draining_server(office)
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                server.handle_exit(signal.SIGINT, None)
                assert not await server.on_tick(1)
                server.handle_exit(signal.SIGINT, None)
                assert await server.on_tick(2)
                assert phone.close_code == 1000
            assert (await office.record())["end_reason"] == "drained"

    run(story())


def test_a_stream_that_never_comes_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path) as office:
            server = draining_server(office)
            await office.webhook()
            server.handle_exit(signal.SIGTERM, None)
            assert not await server.on_tick(1)
            await asyncio.sleep(6)
            assert await server.on_tick(2)
            assert (await office.record())["end_reason"] == "drained"

    run(story())
