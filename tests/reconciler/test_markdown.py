"""Markdown for pull requests: what it says, how long it gets, and that no stranger writes markup in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.applying.report import Failed, NotAttempted, Outcome, Report, Stale, Updated
from reconciler.output.markdown import MAX_CHARACTERS, error_markdown, plan_markdown, report_markdown
from reconciler.planning.diff import diff
from reconciler.planning.plan import Action, Cause, Change, Plan, Skipped, SkipReason
from reconciler.resource.settings import FieldChange, Settings
from schemas.errors import TmError
from schemas.places import Diagnostic, Place
from tests.reconciler.numbers import BLANK, NOW, POLICY, SALES, applied, edited, live, wanted

OWNER = "https://hooks.agency.example/voice"
FRAGMENTS = [
    "`", "```", "````", "~~~", "|", "\\", "\\|", "\n", "\r\n", "\n\n", "<", ">", "&", "&lt;", "</code>",
    "</summary>", "</details>", "<script>alert(1)</script>", "<!--", "-->", "<![CDATA[",
    "<img src=x onerror=y>", "@octocat", "#12", "GH-12", "owner/name#1", "https://evil.example",
    "www.evil.example", "a@evil.example", "[x](y)", "![x](y)", "[x]: y", "**", "__", "~~", "# ", "- ",
    "1. ", "---", "===", "> ", "    ", "\t", ":tada:", "$x$", "\x1b[31m", "\x00", "\u202e", "\u2028",
    "\u200b", "\ud800", " ", "{{ x }}", "é", "😀",
]  # fmt: skip
_PARTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=5)), max_size=8)
HOSTILE = _PARTS.map("".join).filter(bool)
PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def change_of(agent: str, before: str, after: str, file: str = "agents.d/x.yaml") -> Change:
    return Change(
        account="main",
        region="us1",
        sid="PN1",
        number="+14155550123",
        agent=agent,
        action=Action.UPDATE,
        cause=Cause.DRIFT,
        fields=(FieldChange("friendly_name", before, after),),
        now=Settings(voice_url=before),
        write=Settings(voice_url=after),
        place=Place(file, 9, 5),
    )


def plan_with(text: str) -> Plan:
    """A plan in which everything that somebody else can type is `text`."""
    place = Place(f"agents.d/{text}.yaml", 9, 5)
    return Plan(
        created_at=NOW,
        changes=(change_of(text, text, "x", place.file), change_of(text, "x", text, place.file)),
        skipped=(Skipped("+14155550124", text, SkipReason.FOREIGN_WEBHOOK, text, place),),
        diagnostics=(Diagnostic("warning", "TM302", text, place),),
    )


def report_with(text: str) -> Report:
    change = change_of(text, text, "x")
    outcomes: tuple[Outcome, ...] = (
        Updated(change),
        Failed(change, text, "not_stored", 400, text),
        Stale(change),
        NotAttempted(change),
    )
    return Report("id", outcomes, plan_with(text).skipped, ())


def flat(markdown: str) -> Iterator[Token]:
    """Every token, those within lines included."""
    for token in PARSER.parse(markdown):
        yield token
        yield from token.children or ()


def skeleton(markdown: str) -> list[tuple[str, str]]:
    """The structure and the words, without what stands in code or in the title of a fold."""
    return [
        (token.type, token.content if token.type in ("text", "html_inline") else "")
        for token in flat(markdown)
    ]


class Tags(HTMLParser):
    """The tags of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag if not attrs else f"{tag} with attributes")

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.found.append("a comment")

    def unknown_decl(self, data: str) -> None:
        self.found.append("a declaration")


def tags_of(markdown: str) -> list[str]:
    blocks = "".join(token.content for token in flat(markdown) if token.type == "html_block")
    return Tags(blocks).found


FOLD = ["details", "summary", "code", "/code", "/summary", "/details"]


@settings(deadline=None, max_examples=150)
@given(HOSTILE)
@example("".join(FRAGMENTS))
def test_whatever_a_name_or_a_url_says_only_our_own_structure_comes_out(text: str) -> None:
    assert skeleton(plan_markdown(plan_with(text))) == skeleton(plan_markdown(plan_with("harmless")))
    assert tags_of(plan_markdown(plan_with(text))) == FOLD


@settings(deadline=None, max_examples=100)
@given(HOSTILE)
@example("".join(FRAGMENTS))
def test_whatever_twilio_answers_only_our_own_structure_comes_out(text: str) -> None:
    assert skeleton(report_markdown(report_with(text))) == skeleton(report_markdown(report_with("harmless")))
    assert tags_of(report_markdown(report_with(text))) == FOLD


@settings(deadline=None, max_examples=50)
@given(HOSTILE)
def test_whatever_an_error_says_only_our_own_structure_comes_out(text: str) -> None:
    def document(words: str) -> str:
        return error_markdown(TmError(words, hint=words or "x"), [Diagnostic("error", "TM1", words, None)])

    assert skeleton(document(text)) == skeleton(document("harmless"))


def test_code_shows_exactly_what_was_typed() -> None:
    text = "a ``b` @c | <d> \\| #1"
    codes = [token.content for token in flat(plan_markdown(plan_with(text))) if token.type == "code_inline"]
    assert codes.count(text) >= 3


def test_a_plan_says_its_summary_first_then_each_agent_in_a_fold() -> None:
    taken, sold = wanted(), wanted(SALES, "sales")
    account = [live(stored=replace(BLANK, voice_url=OWNER)), edited(applied(sold), voice_method="GET")]
    plan = diff([taken, sold], account, POLICY, NOW)
    assert plan_markdown(plan) == (
        "### Plan: 1 to update, 1 skipped\n"
        "\n"
        "- **skipped** `+14155550123` `front-desk`: somebody else's webhook, `in use by"
        " https://hooks.agency.example/voice`; `to take it over: takeover: true, or --adopt +14155550123`"
        " · `agents.d/front-desk.yaml:9`\n"
        "\n"
        "<details>\n"
        "<summary><code>sales</code>: 1 to update</summary>\n"
        "\n"
        "`+14155550124` · **update**: changed by hand since it was applied · `agents.d/sales.yaml:9`\n"
        "\n"
        "```diff\n"
        "- voice_method  GET\n"
        "+ voice_method  POST\n"
        "```\n"
        "\n"
        "</details>\n"
    )


def test_an_empty_plan_is_one_line() -> None:
    assert plan_markdown(diff([], [], POLICY, NOW)) == "### Plan: Nothing to do: no number is declared\n"


def test_a_report_names_what_went_wrong_before_what_went_well() -> None:
    text = report_markdown(report_with("x"))
    assert (
        text.index("**failed**")
        < text.index("**stale**")
        < text.index("<details>")
        < text.index("**updated**")
    )
    assert "`x` (`not_stored`)" in text


def numbers(count: int, agents: int) -> Plan:
    desired = [wanted(f"+1415555{index:04}", f"agent-{index % agents:03}") for index in range(count)]
    return diff(desired, [live(number.number) for number in desired], POLICY, NOW)


def test_what_does_not_fit_is_counted() -> None:
    plan = numbers(1000, 100)
    text = plan_markdown(plan)
    shown_agents, shown_numbers = text.count("<details>"), text.count("```diff")
    assert len(text) <= MAX_CHARACTERS
    assert shown_agents > 10
    assert f"**{100 - shown_agents} agents, {1000 - shown_numbers} numbers not shown; see the JSON.**" in text


def test_of_one_large_agent_as_many_numbers_as_fit_are_shown() -> None:
    text = plan_markdown(numbers(1000, 1))
    assert len(text) <= MAX_CHARACTERS
    assert f"**{1000 - text.count('```diff')} numbers not shown; see the JSON.**" in text
    assert text.count("```diff") > 50


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 60), st.integers(1, 20), st.integers(1000, 9000), HOSTILE)
def test_a_limit_is_kept_and_every_number_is_shown_or_counted(
    count: int, agents: int, limit: int, text: str
) -> None:
    plan = replace(numbers(count, agents), diagnostics=(Diagnostic("warning", "TM302", text * 50, None),))
    assert len(plan_markdown(plan, limit=limit)) <= limit
    tokens = [token.type for token in flat(plan_markdown(plan, limit=limit))]
    assert tokens.count("fence") <= count


def test_thousands_of_remarks_leave_room_for_the_changes() -> None:
    many = tuple(Diagnostic("warning", "TM302", f"number {index} " * 5, None) for index in range(5000))
    text = plan_markdown(replace(numbers(20, 2), diagnostics=many))
    assert len(text) <= MAX_CHARACTERS
    assert text.count("```diff") == 20
    assert "remarks not shown" in text
