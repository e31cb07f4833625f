"""The text of an HTML body as a reader sees it, for previews, for matching and for telling quotes apart.

Two converters because neither does all: inscriptis lays out tables and leaves hidden text out, but loses all
below 256 levels; resiliparse copes with any depth. What Exchange made from plain text is unwrapped exactly.
"""

import re
from collections.abc import Callable
from html import unescape
from typing import Final

from shared.domain.foreign_text import guarded
from shared.domain.mail.html_layout import laid_out
from shared.domain.mail.html_limits import Shape, has_overlong_tag, shape

# Beyond this a body is not laid out: its text is what stands between its tags.
LONGEST_PARSED: Final = 1_000_000
# A longer text would not fit into an answer of the API; what is cut says so.
LONGEST_READ: Final = 5_000_000
CUT: Final = "\n\n[The mail goes on. Open it in a mail program to read all of it.]"
DEEPEST_LAID_OUT: Final = 200
MOST_TAGS_LAID_OUT: Final = 6_000
MOST_STEPS_LAID_OUT: Final = 200_000

_EMBEDDED_DATA: Final = re.compile(r"data:[a-z]{1,20}/[a-z0-9.+-]{1,60};base64,[a-z0-9+/=\s]{200,}", re.I)
_CONVERTED: Final = "<!-- converted from text -->"
_PLAIN_START: Final = re.compile(r'<div class="?PlainText"?>', re.IGNORECASE)
_ONLY_CLOSES: Final = re.compile(r"(?:\s|</(?:span|font|body|html|div)>)*\Z", re.IGNORECASE)
_BLOCK: Final = re.compile(r"<(?:div|p|table|blockquote|ul|ol|pre|h[1-6]|img)\b", re.IGNORECASE)
_LINE_BREAK: Final = re.compile(r"<br\s*/?>\r?\n?", re.IGNORECASE)
# A line end right behind one of these is its own, as behind `<br>`.
_LINE_OR_BLOCK_END: Final = re.compile(
    r"<(?:br\s*/?|/(?:div|p|tr|li|h[1-6]|blockquote|table)\s*)>\r?\n?", re.IGNORECASE
)
_TAG: Final = re.compile(r"<[/!?a-zA-Z][^<>]*>")
_HIDDEN: Final = re.compile(
    r"<(?=[sht])(script|style|head|title)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_BLANK_LINES: Final = re.compile(r"\n{4,}")
_LINE_ENDS: Final = re.compile(r"[\r\n]+")


@guarded
def to_text(html: str) -> str:
    """The text, lines separated by `\\n`, at most two blank lines in a row, without blanks at its ends.

    Never raises. Embedded data is left out; of the rest, the first 5,000,000 characters are read, and the text says
    where more is left out. Text that Exchange wrapped into HTML (`converted from text`) comes back with its own lines.
    """
    bare = without_embedded_data(html)
    readable = bare[:LONGEST_READ].encode("utf-8", "ignore").decode("utf-8")
    plain = _unwrapped(readable)
    text = _tidy(plain if plain is not None else _converted(readable))
    return text + CUT if len(bare) > LONGEST_READ else text


@guarded
def without_embedded_data(html: str) -> str:
    """The same without pictures and files that are written into it: they may be megabytes, and say nothing."""
    return _EMBEDDED_DATA.sub("", html) if ";base64," in html else html


def _unwrapped(html: str) -> str | None:
    """The plain text inside Exchange's wrapping, or None when the body is anything else."""
    if _CONVERTED not in html:
        return None
    start = _PLAIN_START.search(html)
    end = html.lower().rfind("</div>")
    if start is None or _ONLY_CLOSES.match(html, end) is None:
        return None
    inside = html[start.end() : end]
    return None if _BLOCK.search(inside) else _without_tags(inside)


def _converted(html: str) -> str:
    if len(html) > LONGEST_PARSED:
        return _between_tags(html)
    estimate = shape(html)
    is_hostile = estimate.is_endless or estimate.explodes or has_overlong_tag(html)
    for convert in () if is_hostile else _converters(html, estimate):
        text = _attempt(convert, html)
        if text.strip():
            return text
    return _between_tags(html)


def _converters(html: str, estimate: Shape) -> tuple[Callable[[str], str], ...]:
    """Laying out costs a pass over every line for each level it is nested in, so it is for small bodies."""
    lines = estimate.tags + html.count("\n")
    is_small = (
        estimate.depth <= DEEPEST_LAID_OUT
        and estimate.tags <= MOST_TAGS_LAID_OUT
        and lines * estimate.depth <= MOST_STEPS_LAID_OUT
    )
    return (laid_out, _any_depth) if is_small else (_any_depth,)


def _any_depth(html: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(html, preserve_formatting=True, main_content=False, alt_texts=False)


def _attempt(convert: Callable[[str], str], html: str) -> str:
    try:
        return convert(html)
    except Exception:  # noqa: BLE001 - foreign parsers on hostile input; there is always a next way
        return ""


def _between_tags(html: str) -> str:
    return _without_tags(_HIDDEN.sub(" ", html), _LINE_OR_BLOCK_END)


def _without_tags(html: str, line_end: re.Pattern[str] = _LINE_BREAK) -> str:
    lines = line_end.sub("\0", html)
    has_more = "\n" in lines or "\r" in lines
    joined = _LINE_ENDS.sub(" ", lines) if "\0" in lines and has_more else lines
    return unescape(_TAG.sub("", joined).replace("\0", "\n"))


def _tidy(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").split("\n")
    return _BLANK_LINES.sub("\n\n\n", "\n".join(line.rstrip() for line in lines)).strip()
