"""Where the quoted chain starts in an HTML body, for telling it apart and for showing it folded.

Mail programs put what they quote into containers of their own, whatever language they speak. The text split decides
with their help whether there is a quoted tail at all; where it folds, the HTML says.
"""

import re
from dataclasses import dataclass
from html import escape
from typing import Final

from shared.domain.foreign_text import or_else
from shared.domain.mail.html_text import to_text
from shared.domain.mail.quotes import QuoteRanges, behind, own_text

# A longer body is never shown (`html.LONGEST_HTML`).
LONGEST_SEARCHED: Final = 1_000_000

_TAG: Final = re.compile(r"<(?:div|blockquote|table|hr|p|span)\b[^<>]{1,2000}>", re.IGNORECASE)
_BLOCK: Final = re.compile(r"<(?:div|p|blockquote|table)\b[^<>]*>", re.IGNORECASE)
# Before a block's own text stand a few tags of fonts and spans.
_LONGEST_OPENING: Final = 1_000
_CONTAINER: Final = re.compile(
    r"""\b(?:class|id)\s*=\s*["']?(?:[^"'<>]{0,200}\s)?(?:x_)*(?:
        gmail_quote | gmail_attr | gmail_extra | divRplyFwdMsg | appendonsend | OutlookMessageHeader | stopSpelling
        | moz-cite-prefix | moz-email-headers-table | yahoo_quoted | protonmail_quote | zmail_extra | mailquote
        | ms-outlook-mobile-reference-message | reply-intro | mail-quote-collapse | ydp\w{0,20}yahoo_quoted
        | mail_android_quote | gl_quote | tutanota_quote | isForwardContent | WM_QUOTE
    )(?:_container)?\b
    | \btype\s*=\s*["']?cite\b
    | \bclass\s*=\s*["']?cite\b
    | \bborder:\s*none;\s*border-top:\s*solid\s+\#(?:[bB]5[cC]4[dD][fF]|[eE]1[eE]1[eE]1)
    | \bborder-top:\s*(?:\#(?:[bB]5[cC]4[dD][fF]|[eE]1[eE]1[eE]1)\s+1(?:\.0)?pt\s+solid)""",
    re.IGNORECASE | re.VERBOSE,
)


_MARKUP: Final = re.compile(r"<[^<>]*>|&nbsp;")
# Of what is quoted somebody's address, or a date, stands at its head.
_LONGEST_HEAD: Final = 600
_TOLD: Final = re.compile(r"\S@\S|\d{1,2}[:.]\d{2}|\b\d{4}\b")


@dataclass(frozen=True, slots=True)
class Container:
    """Where a mail program's quote begins: the character of the HTML, and of the text that was made of it.

    `before` is the text of the HTML before it.
    """

    html: int
    text: int
    before: str


@or_else(None)
def container(html: str, text: str) -> Container | None:
    """The first container of a quote with text before it; None where there is none, or the two do not agree.

    What is no quote may carry such a class as well, so its head must name an address or a time.
    """
    tag = _container_tag(html)
    if tag is None:
        return None
    before = to_text(html[: tag.start()])
    at = behind(text, before) if before.strip() else None
    if at is None or _TOLD.search(text, at, at + _LONGEST_HEAD) is None:
        return None
    return Container(tag.start(), at, before)


@or_else(None)
def html_quote_start(
    html: str, *, text: str, ranges: QuoteRanges, found: Container | None = None
) -> int | None:
    """The character of `html` where the quoted chain begins, or None.

    `text` and `ranges` are the mail's text and its split; `found` is the container where it is known already. Without
    a container it is the block that holds the first line of the quote. None unless the text ends in a quote and the
    last line of the author's own text stands before it. None for a body that is too long to be shown at all.
    """
    if not ranges.quoted or text[ranges.quoted[-1][1] :].strip() or len(html) > LONGEST_SEARCHED:
        return None
    tag = _container_tag(html)
    start = found.html if found else tag.start() if tag else _block_of(html, text, ranges.quoted[0][0])
    if start is None:
        return None
    # Laying out a body costs more than all else that is done with it.
    before = found.before if found else to_text(html[:start])
    return start if _holds_all(before, own_text(text, ranges)) else None


def _container_tag(html: str) -> re.Match[str] | None:
    if len(html) > LONGEST_SEARCHED:
        return None
    return next((tag for tag in _TAG.finditer(html) if _CONTAINER.search(tag[0])), None)


def _block_of(html: str, text: str, quoted: int) -> int | None:
    """The block that begins with the first quoted line, where that line is in the HTML once."""
    line = text[quoted:].lstrip().partition("\n")[0].strip()
    written = escape(line, quote=False)
    if not line or html.count(written) != 1:
        return None
    at = html.index(written)
    opening = _BLOCK.search(html, max(at - _LONGEST_OPENING, 0), at)
    while opening is not None and _MARKUP.sub("", html[opening.end() : at]).strip():
        opening = _BLOCK.search(html, opening.end(), at)
    return opening.start() if opening else None


def _holds_all(before: str, own: str) -> bool:
    """Whether the author's last line is part of the text before the quote; answers in the quote are not."""
    last_line = own.rpartition("\n")[2]
    return _folded(last_line) in _folded(before)


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()
