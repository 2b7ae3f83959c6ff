"""The way to Twilio: what the environment may put in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.api.connections import Connections
from reconciler.api.errors import UnusableProxyError
from tests.reconciler.fleets import load


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "proxy.example:port"])
def test_a_proxy_that_cannot_be_used_is_told_with_what_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    fleet = load(tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UnusableProxyError) as told:
        Connections(fleet)
    assert "SOCKS is not supported" in str(told.value.hint)
