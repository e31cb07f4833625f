"""The text of an HTML body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.html_text import CUT, to_text
from tests.cpu import check_cost

EXCHANGE = (
    '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    '<meta name="Generator" content="Microsoft Exchange Server"><!-- converted from text -->'
    "<style><!-- .EmailQuote { margin-left: 1pt; border-left: #800000 2px solid; } --></style></head>\r\n<body>\r\n"
    '<font size="2"><span style="font-size:11pt;"><div class="PlainText">TEXT</div></span></font>\r\n</body>\r\n</html>'
)


def wrapped(text: str) -> str:
    return EXCHANGE.replace("TEXT", text)


def test_paragraphs_breaks_and_tables_are_laid_out() -> None:
    assert to_text("<p>Hi Bob,</p><p>one<br>two</p><table><tr><td>A</td><td>B</td></tr></table>") == (
        "Hi Bob,\n\none\ntwo\n\nA  B"
    )


def test_what_a_reader_does_not_see_is_left_out() -> None:
    hidden = "<style>p{}</style><script>x()</script><div style='display:none'>preheader</div>"
    assert to_text(f"<html><head><title>t</title></head><body>{hidden}<p>seen</p></body></html>") == "seen"


def test_text_that_exchange_wrapped_keeps_its_lines() -> None:
    text = "Hi &amp; hello,<br>\r\n<br>\r\n&nbsp; indented<br>\r\n&gt; quoted<br>\r\nBob<br>\r\n"
    assert to_text(wrapped(text)) == "Hi & hello,\n\n  indented\n> quoted\nBob"


def test_links_in_wrapped_text_stay_as_their_text() -> None:
    assert to_text(wrapped('see <a href="https://x.example">https://x.example</a><br>\r\nBob')) == (
        "see https://x.example\nBob"
    )


def test_a_reply_that_only_quotes_wrapped_text_is_read_whole() -> None:
    reply = "<div>my answer</div>" + wrapped("quoted").replace("</body>", "<p>and after</p></body>")
    assert " ".join(to_text(reply).split()) == "my answer quoted and after"


@pytest.mark.parametrize("levels", [150, 300, 5_000])
def test_nesting_does_not_lose_text(levels: int) -> None:
    assert to_text("<div>" * levels + "deep" + "</div>" * levels) == "deep"


def test_unclosed_formatting_that_would_explode_still_gives_text() -> None:
    fonts = "".join(f"<font size={size}>" for size in range(900))
    assert to_text(f"<p>{fonts}</p>" + "<p>x</p>" * 20_000).count("x") == 20_000


def test_no_more_than_two_blank_lines_in_a_row() -> None:
    assert to_text("a" + "<br>" * 30 + "b") == "a\n\n\nb"


def test_embedded_images_do_not_crowd_out_the_text() -> None:
    assert to_text(f'<img src="data:image/png;base64,{"A" * 2_000_000}"><p>text</p>') == "text"


@pytest.mark.parametrize(
    "unit",
    ["<div>", "x<br>", "<", "<style>", "&nbsp;", "data:a/", "<!--", " ", "</div> ", "<a href=", "\r\n"],
)
@pytest.mark.parametrize("start", ["", '<!-- converted from text --><div class="PlainText">a<br>'])
def test_no_repetition_makes_reading_slow(unit: str, start: str) -> None:
    check_cost(lambda: to_text(start + unit * (200_000 // len(unit))), at_most=30)


@given(st.text() | st.text(alphabet="<>/divbrp!-&;\x00\ud800 x", max_size=80))
def test_any_html_gives_text(html: str) -> None:
    text = to_text(html)
    assert text == text.strip()
    text.encode("utf-8")


def test_of_a_body_that_is_too_long_to_be_laid_out_all_text_is_there() -> None:
    html = f"<style>p {{}}</style>{'<p>Word &amp; word.</p>' * 60_000}<p>The <b>last</b> line.</p>"
    lines = to_text(html).splitlines()
    assert (len(html) > 1_000_000, len(lines)) == (True, 60_001)
    assert (lines[0], lines[-1]) == ("Word & word.", "The last line.")


def test_a_text_that_is_cut_says_so() -> None:
    whole, cut = to_text("word " * 999_999), to_text("word " * 1_100_000)
    assert not whole.endswith(CUT.strip())
    assert cut.endswith(CUT)
    assert len(cut) < 5_001_000
