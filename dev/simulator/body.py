"""Turns mail bodies into what Exchange shows: HTML always, text on demand, a preview. Knows nothing of MIME."""

import html
import re
from html.parser import HTMLParser

_SCRIPT = re.compile(r"<(script|object|embed|applet)\b.*?(</\1\s*>|\Z)", re.I | re.S)
_HANDLER = re.compile(r"\son[a-z]+\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)", re.I)
_SCRIPT_URL = re.compile(r"(href|src)\s*=\s*([\"']?)\s*javascript:[^\"'>\s]*", re.I)
_META = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
_OLD_META = re.compile(r"<meta[^>]+charset[^>]*>", re.I)
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "br",
        "tr",
        "li",
        "ul",
        "ol",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "hr",
        "pre",
    ]
)
_HIDDEN = frozenset(["style", "script", "head", "title"])
_PLAIN_STYLE = (
    "<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; "
    "border-left: #800000 2px solid; } --></style>"
)
_QUOTE_STARTS = re.compile(
    r"<div[^>]+(?:divRplyFwdMsg|gmail_quote|OLK_SRC_BODY_SECTION)|<blockquote|-----\s*Original Message\s*-----"
    r"|On [^\n<]{5,200} wrote:",
    re.I,
)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self.hidden += 1
        elif tag in _BLOCKS:
            self.out.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in ("p", "blockquote", "table"):
            self.out.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.out.append(re.sub(r"\s+", " ", data))


def html_to_text(markup: str) -> str:
    """The text form, lines ending in CRLF."""
    parser = _Text()
    try:
        parser.feed(markup)
        parser.close()
        text = "".join(parser.out)
    except AssertionError:  # html.parser gives up on malformed declarations
        text = html.unescape(re.sub(r"<[^>]*>", " ", markup))
    lines = [line.strip() for line in text.replace("\xa0", " ").split("\n")]
    return re.sub(r"(\r\n){3,}", "\r\n\r\n", "\r\n".join(lines)).strip()


def wrap_plain(text: str) -> str:
    """A text/plain body as Exchange serves it when HTML is asked for."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    body = "<br>\r\n".join(html.escape(line, quote=False).replace("  ", "&nbsp; ") for line in lines)
    return (
        f'<html><head>\r\n{_META}<meta name="Generator" content="Microsoft Exchange Server">\r\n'
        f"<!-- converted from text -->{_PLAIN_STYLE}</head>\r\n"
        f'<body>\r\n<font size="2"><span style="font-size:11pt;"><div class="PlainText">{body}</div></span></font>\r\n'
        "</body>\r\n</html>\r\n"
    )


def as_document(markup: str) -> str:
    """An HTML part as a whole document that says utf-8, whatever charset it came in."""
    markup = _OLD_META.sub("", markup)
    if re.search(r"<head[^>]*>", markup, re.I):
        return re.sub(r"(<head[^>]*>)", lambda found: f"{found[1]}\r\n{_META}", markup, count=1, flags=re.I)
    if re.search(r"<html[^>]*>", markup, re.I):
        return re.sub(
            r"(<html[^>]*>)", lambda found: f"{found[1]}<head>\r\n{_META}</head>", markup, count=1, flags=re.I
        )
    return f"<html><head>\r\n{_META}</head><body>{markup}</body></html>"


def without_scripts(markup: str) -> str:
    """What Graph serves unless `outlook.allow-unsafe-html` is preferred. Remote images and forms stay."""
    if not re.search(r"<(script|object|embed|applet)|\son[a-z]+\s*=|javascript:", markup, re.I):
        return markup
    return _SCRIPT_URL.sub(r"\1=\2#", _HANDLER.sub("", _SCRIPT.sub("", markup)))


def preview(text: str) -> str:
    """The first 255 characters of the text form."""
    return text[:255]


def inside_body(markup: str) -> str:
    """What stands between `<body>` and the last `</body>`."""
    opened = re.search(r"<body[^>]*>", markup, re.I)
    start, end = opened.end() if opened else 0, markup.lower().rfind("</body>")
    return markup[start:end] if end >= start else markup[start:]


def unique_part(markup: str, *, has_parent: bool) -> str:
    """uniqueBody: what precedes the quoted mail, or all of it when the parent is not in the mailbox."""
    inner = inside_body(markup)
    if has_parent and (found := _QUOTE_STARTS.search(inner)):
        inner = inner[: found.start()]
    return f"<html><body><div>{inner}</div></body></html>"
