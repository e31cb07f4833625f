"""Where the quoted chain starts in an HTML body, for showing it folded.

Mail programs put what they quote into containers of their own; the text split decides whether there is a quoted
tail at all, the containers only say where it begins in the HTML.
"""

import re
from typing import Final

from shared.domain.foreign_text import or_else
from shared.domain.mail.html_text import to_text
from shared.domain.mail.quotes import QuoteRanges, own_text

# A longer body is never shown (`html.LONGEST_HTML`).
LONGEST_SEARCHED: Final = 1_000_000

_TAG: Final = re.compile(r"<(?:div|blockquote|table|hr|p|span)\b[^<>]{1,2000}>", re.IGNORECASE)
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


@or_else(None)
def html_quote_start(html: str, *, text: str, ranges: QuoteRanges) -> int | None:
    """The character of `html` where the container of the quoted chain begins, or None.

    `text` and `ranges` are the mail's text and its split. None unless the text ends in a quote, a known
    container exists, and the last line of the author's own text stands before it. None for a body that is too
    long to be shown at all.
    """
    if not ranges.quoted or text[ranges.quoted[-1][1] :].strip() or len(html) > LONGEST_SEARCHED:
        return None
    container = next((tag for tag in _TAG.finditer(html) if _CONTAINER.search(tag[0])), None)
    if container is None or not _holds_all(html[: container.start()], own_text(text, ranges)):
        return None
    return container.start()


def _holds_all(html_before: str, own: str) -> bool:
    """Whether the author's last line is part of the HTML before the quote; answers in the quote are not."""
    last_line = own.rpartition("\n")[2]
    return _folded(last_line) in _folded(to_text(html_before))


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()
