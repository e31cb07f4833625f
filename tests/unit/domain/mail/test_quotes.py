"""Own text and quoted text: marked, never cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail import quote_finders
from shared.domain.mail.quotes import QuoteRanges, own_text, preview, quoted_text, split
from tests.cpu import check_cost

GMAIL = "Hello Bob,\r\n\r\nfine.\r\n\r\nOn Mon, 1 Jan 2024 at 10:00, Bob <b@x.com> wrote:\r\n> Is it?\r\n>\r\n> Bob\r\n"
OUTLOOK = "Hi,\n\nyes.\n\nFrom: Bob <b@x.com>\nSent: Monday\nTo: Anna\nSubject: Roof\n\nIs that so?\n"
GERMAN = "Ja, gern.\n\nVon: Bob <b@x.com>\nGesendet: Montag\nAn: Anna\nBetreff: Dach\n\nIst das gut?\n"
FRENCH = "Oui.\n\nLe lun. 1 janv. 2024 à 10:00, Bob <b@x.com> a écrit :\n\nEst-ce bien ?\n"
INLINE = "On Monday Bob wrote:\n> Is the roof done?\nYes.\n> And the door?\nNo.\n"
PARENT = "The roof will be repaired on the ninth of May by the usual company.\nPlease tell your tenants about it.\n"

LINES = st.sampled_from(
    [
        "On Mon Bob wrote:",
        "> quoted",
        "mine",
        "",
        "From: a@b.c",
        "Sent: x",
        "-- ",
        "On",
        "-----Original Message-----",
    ]
)
TEXTS = (
    st.text() | st.lists(LINES, max_size=30).map("\n".join) | st.lists(LINES, max_size=30).map("\r\n".join)
)


def ranges_of(
    text: str, *, html_only: bool = False, parent: str | None = None, forward: bool = False
) -> QuoteRanges:
    return split(text, html_only=html_only, parent_text=parent, is_forward=forward)


def own(text: str, *, html_only: bool = False, parent: str | None = None) -> str:
    return own_text(text, ranges_of(text, html_only=html_only, parent=parent))


def test_the_ranges_are_of_exactly_the_stored_text() -> None:
    ranges = ranges_of(GMAIL)
    assert own_text(GMAIL, ranges) == "Hello Bob,\r\n\r\nfine."
    assert quoted_text(GMAIL, ranges) == GMAIL[GMAIL.index("On Mon") :].strip()
    assert ranges == QuoteRanges(((GMAIL.index("On Mon"), len(GMAIL)),))


@pytest.mark.parametrize(
    ("text", "kept"),
    [(OUTLOOK, "Hi,\n\nyes."), (GERMAN, "Ja, gern."), (FRENCH, "Oui."), (GMAIL, "Hello Bob,\r\n\r\nfine.")],
)
def test_text_from_html_ends_at_the_header_of_the_quoted_mail(text: str, kept: str) -> None:
    assert own(text, html_only=True) == kept


def test_answers_between_the_quotes_are_own_text() -> None:
    assert own(INLINE) == "Yes.\nNo."


def test_the_parent_finds_a_quote_without_any_mark() -> None:
    text = f"That suits us.\n\n{PARENT}"
    assert own(text) == text.strip()
    assert own(text, parent=PARENT) == "That suits us."


def test_a_forward_is_its_authors_throughout() -> None:
    assert ranges_of(OUTLOOK, forward=True) == QuoteRanges()


@pytest.mark.parametrize("text", ["> only\n> quoted\n", "On Mon Bob wrote:\n> x\n", "", " \n"])
def test_a_mail_without_text_of_its_own_is_shown_whole(text: str) -> None:
    assert ranges_of(text) == QuoteRanges()
    assert own(text) == text.strip()


def test_the_parent_alone_never_empties_a_mail() -> None:
    assert ranges_of(PARENT, parent=PARENT) == QuoteRanges()


@pytest.mark.parametrize("line", ["Do: call the roofer", "Data: see the sheet", "Temat: dach"])
def test_a_single_line_that_looks_like_a_polish_header_is_own_text(line: str) -> None:
    text = f"Two things.\n\n{line}\nThanks, Anna"
    assert own(text, html_only=True) == text


def test_signatures_stay() -> None:
    assert own("Yes.\n\n-- \nAnna\nTel 1\n") == "Yes.\n\n-- \nAnna\nTel 1"


def test_invisible_characters_do_not_hide_a_quote_mark() -> None:
    assert own("Yes.\n\ufeff> quoted\n") == "Yes."


def test_text_with_backslashes_is_split_like_any_other() -> None:
    text = "see C:\\g<9>\\x\n\nOn Mon, 1 Jan,\nBob \\1 <b@x.com> wrote:\n> quoted\n"
    assert own(text) == "see C:\\g<9>\\x"


def test_of_a_very_long_text_the_quote_goes_on_to_the_end() -> None:
    text = GMAIL + "> more\r\n" * 50_000
    assert ranges_of(text) == QuoteRanges(((GMAIL.index("On Mon"), len(text)),))


def test_of_a_very_long_own_text_nothing_is_hidden() -> None:
    text = "my own words\n" * 20_000 + "> quoted\n"
    assert ranges_of(text) == QuoteRanges()


@pytest.mark.parametrize(
    "unit",
    [
        "On \n",
        "On ",
        "On a wrote:\n",
        "On On\nOn a wrote:\n",
        "From: x@y\n",
        "> ",
        "> x\n",
        "ok\n",
        "a\n-------\n",
        "\n",
        " ",
        "<a@b ",
        "_",
        "Am schrieb ",
        "Von: \n",
        "Best regards\nBob\n",
        "word ",
        "2024年1月1日 ",
        "Den x skrev \n",
    ],
)
@pytest.mark.parametrize("html_only", [False, True])
def test_no_repetition_makes_splitting_slow(unit: str, html_only: bool) -> None:
    text = "x\n" + unit * (50_000 // len(unit))
    check_cost(lambda: ranges_of(text, html_only=html_only, parent=text), at_most=50)


@given(TEXTS, st.booleans(), st.none() | TEXTS)
def test_ranges_are_sorted_apart_and_within_the_text(text: str, html_only: bool, parent: str | None) -> None:
    ranges = ranges_of(text, html_only=html_only, parent=parent).quoted
    edges = [edge for pair in ranges for edge in pair]
    assert edges == sorted(set(edges))
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(text))


@given(TEXTS, st.booleans(), st.none() | TEXTS)
def test_no_text_is_lost_between_own_and_quoted(text: str, html_only: bool, parent: str | None) -> None:
    ranges = ranges_of(text, html_only=html_only, parent=parent)
    together = own_text(text, ranges) + quoted_text(text, ranges)
    assert sorted("".join(together.split())) == sorted("".join(text.split()))
    assert own_text(text, ranges) or not text.strip()


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("Hello\r\n\r\n  Bob", 255, "Hello Bob"),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two three", 8, "one two…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("", 255, ""),
    ],
)
def test_a_preview_is_one_line_cut_at_a_word(text: str, limit: int, line: str) -> None:
    assert preview(text, limit) == line


@given(st.text(), st.integers(min_value=2, max_value=300))
def test_a_preview_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(preview(text, limit)) <= limit


HEADERS = (
    "On Monday, Bo <bo@fabrikam.example> wrote:",
    "On Monday, Bo\n<bo@fabrikam.example>\nwrote:",
    "Am Montag schrieb Bo Ek:",
    "Den 3. mars 2026 skrev Bo Ek:",
    "2026年3月2日(月) 9:00 Bo <bo@fabrikam.example>:",
    "2026年3月2日 Bo 写道：",
    "From: Bo\nSent: Monday",
    "> From: Bo\n> To: Li",
    "*Von:* Bo\n*An:* Li",
    "Temat: Oferta\nData: dzisiaj",
    "  : x\nCc : y",
    "-----Oprindelig meddelelse-----\nFra: Bo\nTil: Li",
    "-----Original Message-----",
    "[Original Message processed by david\nVon Bo\nAn Li",
)
own_lines = st.lists(
    st.sampled_from(
        ("Hello", "at 10:30 then", "a: b", "", "> quoted", "On the other hand", "see http://x.example")
    )
)


@given(before=own_lines, header=st.sampled_from((*HEADERS, "")), after=own_lines)
def test_a_header_is_looked_for_only_where_it_may_begin_and_found_all_the_same(
    before: list[str], header: str, after: list[str]
) -> None:
    lines = "\n".join([*before, header, *after]).split("\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quote_finders, "_may_begin", lambda _: 0)
        everywhere = quote_finders.first_header_line(lines)
    assert quote_finders.first_header_line(lines) == everywhere


@pytest.mark.parametrize("header", HEADERS)
def test_every_kind_of_header_may_begin_where_it_begins(header: str) -> None:
    begins = quote_finders._may_begin("\n".join(["Hello"] * 20 + [header]))
    assert begins is not None
    assert begins <= len("Hello\n" * 20)


def test_a_text_that_no_header_can_be_in_is_not_searched() -> None:
    assert quote_finders._may_begin("Hello Bo\nit is at ten o'clock, in the usual place: there\nAnn") is None
