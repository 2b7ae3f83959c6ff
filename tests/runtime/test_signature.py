"""The documented vectors of X-Twilio-Signature, and the forms in which handshakes are signed."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from runtime.signature import Parameters, SignatureCheck, websocket_url

TOKEN = "12345"
DOCUMENTED = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "+18005551212",
}
DOCUMENTED_SIGNATURE = "L/OH5YylLD5NRKLltdqwSvS0BnU="


def check(*base_urls: str) -> SignatureCheck:
    return SignatureCheck(base_urls)


def test_the_documented_request_is_genuine_with_one_of_several_tokens() -> None:
    genuine = check("https://other.example", "https://example.com").request_is_genuine(
        "/myapp.php?foo=1&bar=2", Parameters(DOCUMENTED), DOCUMENTED_SIGNATURE, ["old", TOKEN]
    )
    assert genuine


@pytest.mark.parametrize(
    ("target", "changes", "token"),
    [
        ("/myapp.php?foo=1&bar=2", {"Digits": "1235"}, TOKEN),
        ("/myapp.php?foo=1&bar=2", {"Extra": "1"}, TOKEN),
        ("/myapp.php?bar=2&foo=1", {}, TOKEN),
        ("/myapp.php", {}, TOKEN),
        ("/myapp.php?foo=1&bar=2", {}, "12346"),
    ],
)
def test_any_change_makes_it_a_forgery(target: str, changes: dict[str, str], token: str) -> None:
    parameters = Parameters({**DOCUMENTED, **changes})
    assert not check("https://example.com").request_is_genuine(
        target, parameters, DOCUMENTED_SIGNATURE, [token]
    )


@pytest.mark.parametrize("signature", ["", "ü", "L/OH5YylLD5NRKLltdqwSvS0BnU", "\udcff"])
def test_a_mangled_signature_is_a_forgery_and_no_error(signature: str) -> None:
    assert not check("https://example.com").request_is_genuine(
        "/myapp.php?foo=1&bar=2", Parameters(DOCUMENTED), signature, [TOKEN]
    )


def test_repeated_parameters_count_with_all_of_their_values() -> None:
    repeated = Parameters(
        [
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]
    )
    assert check("https://mycompany.com").request_is_genuine(
        "/myapp.php?foo=1&bar=2", repeated, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", [TOKEN]
    )


@pytest.mark.parametrize("signed", ["https://agents.example.com", "https://agents.example.com:443"])
def test_the_port_may_be_signed_or_not(signed: str) -> None:
    signature = RequestValidator(TOKEN).compute_signature(f"{signed}/voice/a", {"a": "1"})
    assert check("https://agents.example.com").request_is_genuine(
        "/voice/a", Parameters({"a": "1"}), signature, [TOKEN]
    )


@pytest.mark.parametrize(
    ("signed", "parameters"),
    [
        ("wss://h.example/stream/t", {}),
        ("wss://h.example/stream/t/", {}),
        ("wss://h.example/stream/t?a=1", {}),
        ("wss://h.example/stream/t/?a=1", {}),
        ("wss://h.example/stream/t", {"a": "1"}),
        ("wss://h.example/stream/t/", {"a": "1"}),
    ],
)
def test_a_handshake_may_be_signed_in_each_of_its_forms(signed: str, parameters: dict[str, str]) -> None:
    signature = RequestValidator(TOKEN).compute_signature(signed, parameters)
    query = "a=1" if parameters or "?" in signed else ""
    assert check("https://h.example").handshake_is_genuine("/stream/t", query, signature, [TOKEN])
    assert not check("https://h.example").handshake_is_genuine("/stream/u", query, signature, [TOKEN])


def test_the_documented_handshake_is_genuine() -> None:
    assert check("https://h.example").handshake_is_genuine("/ws", "", "vGkUmGF6sdlNU4u2Vs9/Ci0+MDU=", [TOKEN])


def test_sockets_are_encrypted_exactly_when_the_service_is() -> None:
    assert websocket_url("https://a.example/x") == "wss://a.example/x"
    assert websocket_url("http://127.0.0.1:8080") == "ws://127.0.0.1:8080"
