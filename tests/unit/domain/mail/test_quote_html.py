"""Where the quoted chain starts in the HTML."""

from unittest.mock import patch

import pytest

from shared.domain.mail.html_text import to_text
from shared.domain.mail.quote_html import container, html_quote_start
from shared.domain.mail.quotes import split

HEADER = (
    "<p><b>From:</b> Bob &lt;b@x.com&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Anna<br><b>Subject:</b> Roof</p>"
    "<p>Is that so?</p>"
)
ATTRIBUTION = "On Mon, 1 Jan 2024 at 10:00, Bob &lt;b@x.com&gt; wrote:"
GMAIL = (
    f'<div class="gmail_quote gmail_quote_container"><div class="gmail_attr">{ATTRIBUTION}</div>'
    "<blockquote>Is that so?</blockquote></div>"
)


def start(html: str, *, forward: bool = False) -> int | None:
    text = to_text(html)
    ranges = split(text, html_only=True, parent_text=None, is_forward=forward)
    return html_quote_start(html, text=text, ranges=ranges)


@pytest.mark.parametrize(
    "chain",
    [
        GMAIL,
        f'<div id="divRplyFwdMsg" dir="ltr">{HEADER}</div>',
        f'<div id="appendonsend"></div><hr>{HEADER}',
        f'<div id="x_divRplyFwdMsg">{HEADER}</div>',
        f'<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">{HEADER}</div>',
        f"<div style='border:none; border-top:solid #B5C4DF 1.0pt'>{HEADER}</div>",
        f'<div class="moz-cite-prefix">{ATTRIBUTION}</div><blockquote type="cite">Is that so?</blockquote>',
        f'<div class="OutlookMessageHeader">{HEADER}</div>',
        f'<div class="yahoo_quoted" id="yahoo_quoted_1">{ATTRIBUTION}<br>Is that so?</div>',
        f'<div class="protonmail_quote">{ATTRIBUTION}<br>Is that so?</div>',
    ],
)
def test_the_chain_starts_at_the_container_of_the_mail_program(chain: str) -> None:
    before = "<html><body><div>Hi Bob,</div><div>yes.</div>"
    assert start(f"{before}{chain}</body></html>") == len(before)


def test_what_stands_before_a_container_is_laid_out_once() -> None:
    html = f"<div>Hi Bob,</div><div>yes.</div>{GMAIL}"
    text = to_text(html)
    with patch("shared.domain.mail.quote_html.to_text", wraps=to_text) as laid_out:
        found = container(html, text)
        assert found is not None
        ranges = split(text, html_only=True, parent_text=None, is_forward=False, container=found.text)
        assert html_quote_start(html, text=text, ranges=ranges, found=found) == found.html
    assert laid_out.call_count == 1


def test_without_a_known_container_there_is_no_start() -> None:
    assert start(f"<div>yes.</div><div>{HEADER}</div>") is None


def test_without_a_quote_there_is_no_start() -> None:
    assert start('<div>yes.</div><div class="gmail_quote">and more of mine</div>') is None


def test_a_forward_has_no_start() -> None:
    assert start(f"<div>fyi</div>{GMAIL}", forward=True) is None


def test_answers_inside_the_container_keep_it_open() -> None:
    answered = '<div class="gmail_quote"><blockquote>&gt; Is it?</blockquote><div>My answer.</div></div>'
    html = f"<div>See below.</div>{answered}<div>{ATTRIBUTION}</div>"
    assert start(html) is None


def test_a_page_of_open_tags_is_searched_at_once() -> None:
    html = "<div " * 150_000
    text = "yes\n> q\n"
    ranges = split(text, html_only=False, parent_text=None, is_forward=False)
    assert html_quote_start(html, text=text, ranges=ranges) is None
