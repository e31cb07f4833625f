"""Reads sanitised HTML as a browser's tokeniser would and says what in it could run, load or leave its box."""

import re
from html.parser import HTMLParser

FORBIDDEN_ELEMENTS = re.compile(
    r"(?:script|style|link|meta|base|svg|math|i?frame(?:set)?|fencedframe|portal|object|embed|applet|form|input|button"
    r"|select|textarea|isindex|audio|video|source|picture|track|template|noscript|title|xmp|map|area|dialog|marquee"
    r"|bgsound|layer|canvas|image|use|html|head|body|.*[^a-z0-9].*)"
)
FORBIDDEN_ATTRIBUTES = re.compile(
    r"(?:on.*|.*[^a-z].*|srcset|background|poster|data|action|formaction|ping|id|name|class|is|usemap|lowsrc|dynsrc"
    r"|srcdoc|manifest|cite|longdesc|autofocus|contenteditable|tabindex|accesskey|slot|style.+)"
)
SAFE_SOURCE = re.compile(r"/inline/|data:image/(?:png|gif|jpe?g|webp);base64,", re.IGNORECASE)
SAFE_LINK = re.compile(r"https?://|mailto:|tel:", re.IGNORECASE)
BAD_STYLE = re.compile(
    r"url|image-set|expression|\\|@|var\(|calc\(|position\s*:|(?<!text-)transform|behavior|binding|z-index|:[^;]*-\d",
    re.IGNORECASE,
)


def faults(html: str) -> list[str]:
    """Every element, attribute, address or style that should not be there."""
    audit = _Audit(convert_charrefs=True)
    audit.feed(html)
    audit.close()
    return audit.found


class _Audit(HTMLParser):
    def __init__(self, *, convert_charrefs: bool) -> None:
        super().__init__(convert_charrefs=convert_charrefs)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if FORBIDDEN_ELEMENTS.fullmatch(tag):
            self.found.append(f"<{tag}>")
        if tag == "a" and (("target", "_blank") not in attrs or ("rel", "noopener noreferrer") not in attrs):
            self.found.append(f"<a> {attrs}")
        for name, value in attrs:
            if not _is_harmless(tag, name, value or ""):
                self.found.append(f"<{tag} {name}={value!r}>")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"<?{data}>")


def _is_harmless(tag: str, name: str, value: str) -> bool:
    if name == "src":
        return tag == "img" and SAFE_SOURCE.match(value) is not None
    if name == "href":
        return tag == "a" and SAFE_LINK.match(value) is not None
    if name == "style":
        return BAD_STYLE.search(value) is None
    return FORBIDDEN_ATTRIBUTES.fullmatch(name) is None
