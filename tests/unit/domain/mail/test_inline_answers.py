"""Answers within a quote are shown, and what they answer is not, however the mail program quotes."""

import textwrap
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.mail.documents import document_of
from shared.domain.mail.inline_answers import introduction
from shared.domain.mail.quotes import QuoteRanges, own_text
from tests.builders import a_fetched_message

ATTRIBUTION: Final = "On Mon, 23 Nov 2026 at 10:12, Ann Smith <ann@contoso.example> wrote:"
# What a program writes above a quote that has marks.
ATTRIBUTIONS: Final = (
    ATTRIBUTION,
    "On Monday, November 23, 2026 10:12 AM, Ann Smith via Talk\n<talk@lists.example> wrote:",
    "Am 23.11.2026 um 10:12 schrieb Ann Smith:",
    "Le lun. 23 nov. 2026 à 10:12, Ann <ann@contoso.example> a écrit :",
    "* Ann Smith <ann@contoso.example> [2026-11-23 10:12]:",
)
HEADERS: Final = (
    "From: Ann Smith <ann@contoso.example>\nSent: Monday, November 23, 2026 10:12 AM\nTo: Bo\nSubject: Keys",
    "Von: Ann Smith <ann@contoso.example>\nGesendet: Montag, 23. November 2026 10:12\nAn: Bo\nBetreff: Keys",
    "-----Original Message-----\nFrom: Ann Smith\nSent: 23 November 2026 10:12\nTo: Bo\nSubject: Keys",
)
GREETINGS: Final = ("Hello,", "Thank you for the quick answer. See below.", "Dear Ms Smith,", "")
WORDS: Final = (
    "the roof leaks",
    "and on Friday",
    "somebody has to look at it",
    "before rain comes",
    "On which day",
    "may we call you",
    "about the deposit",
    "keys",
    "meter",
    "cellar",
    "lease",
    "offer",
)


@st.composite
def sentences(draw: st.DrawFn) -> str:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=3, max_size=12))
    return f"{' '.join(words).capitalize()}{draw(st.sampled_from('.?!'))}"


PARAGRAPHS: Final = st.lists(sentences(), min_size=2, max_size=5, unique=True)
ANSWERS: Final = st.one_of(
    st.sampled_from(("Yes.", "Not yet.", "Thursday.")), sentences().map("NB {}".format)
)


def own_of(answer: str, parent: str | None, *, html: str = "") -> list[str]:
    """The lines of an answer that are its author's; as Exchange gives plain text, unless it is HTML."""
    wrapped = escape(answer).replace("\n", "<br>\n")
    plain = f'<!-- converted from text --><html><body><div class="PlainText">{wrapped}</div></body></html>'
    mail = a_fetched_message(
        html=html or plain, text="", subject="Re: Keys", in_reply_to=("p@contoso.example",)
    )
    document = document_of(mail, parent)
    return [
        line for line in own_text(document.text, QuoteRanges(document.quoted)).splitlines() if line.strip()
    ]


def marked(paragraph: str) -> str:
    return "\n".join(f"> {line}" for line in textwrap.wrap(paragraph, 70))


def in_plain_text(greeting: str, head: str, quoted: Sequence[str], answers: Sequence[str]) -> str:
    """Answers below the paragraphs that they answer; '' = none."""
    pairs = (f"{marked(part)}\n\n{answer}" for part, answer in zip(quoted, answers, strict=True))
    return "\n\n".join(part for part in (greeting, f"{head}\n" + "\n\n".join(pairs)) if part)


def in_blockquotes(greeting: str, quoted: Sequence[str], answers: Sequence[str]) -> str:
    """As Gmail's page makes it: each piece of the quote is a block of its own."""
    pairs = (
        f'<blockquote class="gmail_quote">{escape(part)}</blockquote><div>{escape(answer)}</div>'
        for part, answer in zip(quoted, answers, strict=True)
    )
    attribution = f'<div dir="ltr" class="gmail_attr">{escape(ATTRIBUTION)}<br></div>'
    return f'<div>{greeting}</div><div class="gmail_quote">{attribution}{"".join(pairs)}</div>'


def below_a_header(greeting: str, head: str, quoted: Sequence[str], answers: Sequence[str]) -> str:
    """As Outlook makes it: nothing but the words tells who wrote them."""
    texts = [text for pair in zip(quoted, answers, strict=True) for text in pair if text]
    written = "".join(f"<p>{escape(text)}</p>" for text in (greeting or "Hello,", head, *texts))
    return written.replace("\n", "<br>")


@st.composite
def answered(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Paragraphs, and an answer to each or '', one at least."""
    quoted = draw(PARAGRAPHS)
    answers = draw(st.lists(st.one_of(st.just(""), ANSWERS), min_size=len(quoted), max_size=len(quoted)))
    return quoted, answers if any(answers) else [*answers[:-1], "NB done."]


@pytest.mark.parametrize("is_parent_known", [True, False])
@settings(max_examples=40)
@given(
    mail=answered(),
    greeting=st.sampled_from(GREETINGS),
    head=st.sampled_from(ATTRIBUTIONS),
    is_html=st.booleans(),
)
def test_what_stands_between_marks_is_own_and_nothing_else_is(
    is_parent_known: bool, mail: tuple[list[str], list[str]], greeting: str, head: str, is_html: bool
) -> None:
    quoted, answers = mail
    parent = "\n\n".join(quoted) if is_parent_known else None
    html = in_blockquotes(greeting, quoted, answers) if is_html else ""
    own = own_of(in_plain_text(greeting, head, quoted, answers), parent, html=html)
    assert own == [text for text in (greeting, *answers) if text]


@settings(max_examples=40)
@given(mail=answered(), greeting=st.sampled_from(GREETINGS), head=st.sampled_from(HEADERS))
def test_below_a_header_the_parent_tells_what_was_answered(
    mail: tuple[list[str], list[str]], greeting: str, head: str
) -> None:
    quoted, answers = mail
    own = own_of("", "\n\n".join(quoted), html=below_a_header(greeting, head, quoted, answers))
    assert own == [text for text in (greeting or "Hello,", *answers) if text]


@pytest.mark.parametrize("is_parent_known", [True, False])
@pytest.mark.parametrize("shape", ["marks", "blocks", "header"])
@settings(max_examples=15)
@given(quoted=PARAGRAPHS, head=st.integers(0, 2))
def test_below_what_is_written_on_top_nothing_is_own(
    shape: str, is_parent_known: bool, quoted: list[str], head: int
) -> None:
    none = [""] * len(quoted)
    html: dict[str, Callable[[], str]] = {
        "marks": lambda: "",
        "blocks": lambda: in_blockquotes("Friday is fine.", quoted, none),
        "header": lambda: below_a_header("Friday is fine.", HEADERS[head], quoted, none),
    }
    plain = in_plain_text("Friday is fine.", ATTRIBUTIONS[head], quoted, none)
    own = own_of(plain, "\n\n".join(quoted) if is_parent_known else None, html=html[shape]())
    assert own == ["Friday is fine."]


LONG: Final = "Could the plumber come on Thursday afternoon, or is the week after better?"


@pytest.mark.parametrize(
    ("answer", "parent", "own"),
    [
        # A sentence ends with the quoted line: what stands below it was not folded off.
        (f"{ATTRIBUTION}\n> {LONG}\nYes.\n> The meter is in the cellar.\n", None, ["Yes."]),
        # A link that the parent shows as a word is spelt out where it is quoted.
        (
            f"Hello,\n\n{ATTRIBUTION}\n> See the plan <https://x.example/p>.\n> Then call me.\n> Ann\n\nI will.\n",
            "See the plan.\nThen call me.\nAnn",
            ["Hello,", "I will."],
        ),
        # The marks below a header are those of an older mail, which somebody else has answered.
        (f"Hello,\n\n{HEADERS[0]}\n\nNo.\n\n> When?\n\nOn Friday.\n", None, ["Hello,"]),
    ],
)
def test_odd_quotes(answer: str, parent: str | None, own: list[str]) -> None:
    assert own_of(answer, parent) == own


def test_a_signature_below_the_quoted_block_is_no_answer() -> None:
    html = in_blockquotes("Hello,", ["When?"], ["<3"]) + "<div>-- <br>Bo<br>Sales</div>"
    assert own_of("", None, html=html) == ["Hello,", "<3"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"{ATTRIBUTION}\nThursday.\n\nThe rest", 1),
        ("On Monday, Ann via Talk\n<talk@x.example> wrote:\n>\n", 2),
        (f"{HEADERS[0]}\n\nPlease note: it is cold.", 4),
        ("From: Ann\nTo: Bo; Cy;\n  Di\nSubject: Keys\n\nDone.", 4),
        (f"{HEADERS[2]}\n\nDone.", 5),
        ("-----Original-Nachricht-----\n\nVon: Ann\nBetreff: Keys\n\nJa.", 4),
        ("Ann writes\n\nYes", 1),
        ("> Hello", 0),
        ("", 0),
    ],
)
def test_the_introduction_of_a_quote_ends_with_its_last_line_that_says_who_wrote_it(
    text: str, count: int
) -> None:
    assert introduction(text.split("\n")) == count
