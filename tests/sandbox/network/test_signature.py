"""Signatures, against documented values and Twilio's own validator."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from sandbox.signature import sign, signed_url

TOKEN = "12345"


def test_the_documented_example_is_met() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    url = "https://example.com/myapp.php?foo=1&bar=2"
    assert sign(TOKEN, url, form.items()) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_repeated_names_are_sorted_and_equal_values_count_once() -> None:
    form = [
        ("Sid", "CA123"),
        ("SidAccount", "AC123"),
        ("Digits", "5678"),
        ("Digits", "1234"),
        ("Digits", "1234"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign(TOKEN, url, form) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


def test_a_socket_is_signed_without_parameters() -> None:
    assert sign(TOKEN, "wss://h.example/ws") == "vGkUmGF6sdlNU4u2Vs9/Ci0+MDU="


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_twilios_validator_accepts_any_form(form: dict[str, str]) -> None:
    url = "https://voice.example/voice/desk?tm=0a1b"
    assert RequestValidator(TOKEN).validate(url, form, sign(TOKEN, url, form.items()))


def test_neither_fragment_nor_userinfo_nor_a_tls_port_is_signed() -> None:
    assert signed_url("https://user:pass@voice.example:8443/a?b=1#rc=2") == "https://voice.example/a?b=1"
    assert signed_url("wss://voice.example:443/s") == "wss://voice.example/s"
    assert signed_url("http://127.0.0.1:8080/a?b=1") == "http://127.0.0.1:8080/a?b=1"
