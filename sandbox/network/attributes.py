"""Reading the attributes of TwiML's elements, with Twilio's defaults for what is missing or wrong."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from sandbox.network.verbs import Callback

MAX_LOOPS = 1000


class SkippedError(Exception):
    """A verb that cannot be carried out: the debugger's code and why. The call goes on without it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def text_of(element: Element) -> str:
    """Return an element's own text without the space around it."""
    return (element.text or "").strip()


def method_of(element: Element, attribute: str = "method") -> str:
    """Return GET or POST."""
    method = element.get(attribute, "POST").upper()
    return method if method in {"GET", "POST"} else "POST"


def loops_of(element: Element) -> int:
    """Return how often to repeat. Twilio: 0 means forever, which is at most 1000 times."""
    return min(whole(element, "loop", 1), MAX_LOOPS) or MAX_LOOPS


def flag(element: Element, attribute: str, *, default: bool) -> bool:
    """Return a boolean attribute."""
    value = element.get(attribute, "").lower()
    return value == "true" if value in {"true", "false"} else default


def whole(element: Element, attribute: str, default: int) -> int:
    """Return an attribute that is a whole number, `default` for anything else."""
    value = element.get(attribute, "")
    return int(value) if value.isascii() and value.isdigit() else default


def callback_of(
    element: Element, name: str = "statusCallback", *, events: tuple[str, ...] = ("completed",)
) -> Callback | None:
    """Return the callback that `name`, `nameMethod` and `nameEvent` describe; `events` is the default."""
    url = element.get(name, "").strip()
    if not url:
        return None
    wanted = tuple(element.get(f"{name}Event", "").split())
    return Callback(url, method_of(element, f"{name}Method"), wanted or events)
