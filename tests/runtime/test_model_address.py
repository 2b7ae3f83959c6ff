"""Where a session with a model is opened, and what its handshake says."""

from __future__ import annotations

import pytest

from runtime.model.address import session_headers, session_url
from runtime.settings import Settings


@pytest.mark.parametrize(
    ("base_url", "model", "url"),
    [
        (None, "gpt-realtime-2.1", "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"),
        (None, "gpt-live-1", "wss://api.openai.com/v1/live/sessions"),
        ("http://127.0.0.1:9/v1/", "gpt-realtime", "ws://127.0.0.1:9/v1/realtime?model=gpt-realtime"),
        ("wss://models.example", "a b&c", "wss://models.example/realtime?model=a+b%26c"),
        ("https://m.example/v1?version=2", "m", "wss://m.example/v1/realtime?version=2&model=m"),
        ("https://m.example/v1?version=2", "gpt-live", "wss://m.example/v1/live/sessions?version=2"),
    ],
)
def test_a_session_is_opened_below_the_base_url(base_url: str | None, model: str, url: str) -> None:
    assert session_url(base_url, model) == url


def test_the_handshake_names_the_key_and_whose_account_it_is_to_use() -> None:
    environ = {"OPENAI_API_KEY": "sk-1", "OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"}
    assert session_headers(Settings.from_environment(environ)) == {
        "Authorization": "Bearer sk-1",
        "OpenAI-Organization": "org-1",
        "OpenAI-Project": "proj-1",
    }
    assert session_headers(Settings.from_environment({"OPENAI_API_KEY": "sk-1"})) == {
        "Authorization": "Bearer sk-1"
    }
