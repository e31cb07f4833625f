"""HTML of a mail made safe to show inside a page of ours.

An allow-list of elements, attributes, style properties and link targets: nothing of the result runs, loads
from elsewhere or leaves its box. Knows no attachment store; who shows the mail says where a `cid:` image is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

import nh3

from shared.domain.foreign_text import or_else
from shared.domain.mail.html_limits import has_many_bare_ampersands, has_overlong_tag, nests_deeper, shape
from shared.domain.mail.html_text import without_embedded_data
from shared.domain.mail.styles import body_opening, safe_style

# With these bounds any body is made safe within a second (bench/hostile.py).
LONGEST_HTML: Final = 1_000_000
DEEPEST_HTML: Final = 1_000
CHAIN_CLASS: Final = "postledger-chain"

TOO_LONG: Final = (
    "The formatted mail is not shown: it is longer than 1,000,000 characters. Read its text instead."
)
TOO_DEEP: Final = (
    "The formatted mail is not shown: it is nested more than 1,000 levels deep. Read its text instead."
)
TOO_COSTLY: Final = (
    "The formatted mail is not shown: unclosed formatting makes it explode. Read its text instead."
)
TOO_MANY_TAGS: Final = (
    "The formatted mail is not shown: it holds more than 30,000 tags. Read its text instead."
)
TOO_MANY_ATTRIBUTES: Final = (
    "The formatted mail is not shown: a tag of it has more than 500 attributes. Read its text instead."
)
CANNOT_BE_READ: Final = "The formatted mail is not shown: it cannot be read. Read its text instead."
TOO_MANY_AMPERSANDS: Final = (
    "The formatted mail is not shown: it holds more than 50,000 bare ampersands. Read its text instead."
)
SEALED: Final = (
    "The mail is signed or encrypted: only a mail program can open it. Its text is in the attachment."
)

_TAGS: Final = """
    a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup
    dd del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd
    li main mark nobr ol p pre q s samp section small span strike strong sub sup table tbody td
    tfoot th thead time tr tt u ul var wbr
"""
_DROPPED_WITH_CONTENT: Final = """
    applet audio canvas embed frame frameset iframe math noembed noframes noscript object script
    select style svg template textarea title video xmp
"""
_ATTRIBUTES: Final = {
    "*": "align bgcolor dir height lang style title valign width",
    "a": "href",
    "col": "span",
    "colgroup": "span",
    "font": "color face size",
    "hr": "noshade size",
    "img": "alt border src",
    "li": "value",
    "ol": "reversed start type",
    "table": "border cellpadding cellspacing rules",
    "td": "colspan nowrap rowspan",
    "th": "colspan nowrap rowspan scope",
    "ul": "type",
}
_STYLES: Final = """
    background-color border border-bottom border-bottom-color border-bottom-style
    border-bottom-width border-collapse border-color border-left border-left-color border-left-style
    border-left-width border-radius border-right border-right-color border-right-style
    border-right-width border-spacing border-style border-top border-top-color border-top-style
    border-top-width border-width caption-side clear color direction display empty-cells float font
    font-family font-size font-style font-variant font-weight height letter-spacing line-height
    list-style-position list-style-type margin margin-bottom margin-left margin-right margin-top
    max-height max-width min-height min-width opacity overflow-wrap padding padding-bottom
    padding-left padding-right padding-top table-layout text-align text-decoration text-indent
    text-transform unicode-bidi vertical-align visibility white-space width word-break word-spacing
    word-wrap
"""
_LINK: Final = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_REMOTE: Final = re.compile(r"(?:https?:)?[/\\]{2}", re.IGNORECASE)
_DATA_IMAGE: Final = re.compile(
    r"data:image/(?:png|gif|jpe?g|webp);base64,[A-Za-z0-9+/=\s]*\Z", re.IGNORECASE
)
# Browsers leave these out before they look at the scheme (URL standard): `java\nscript:` is one.
_IGNORED_IN_URLS: Final = re.compile(r"[\x00-\x20\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class SafeHtml:
    """What may be shown: an HTML fragment, the remote images left out of it, and why nothing is, if so."""

    html: str
    blocked_images: tuple[str, ...]
    withheld: str | None


@dataclass(frozen=True, slots=True)
class Quote:
    """Where the quoted chain starts in an HTML text, and whether it is folded until the reader opens it."""

    start: int
    folded: bool = False


@or_else(SafeHtml("", (), CANNOT_BE_READ))
def safe_html(
    html: str,
    *,
    remote_images: bool = False,
    cid_url: Callable[[str], str | None],
    quote: Quote | None = None,
) -> SafeHtml:
    """A fragment without script, forms, remote loads and escaping styles.

    Remote images stay away unless `remote_images`; their addresses are listed once each, their alternative text
    stays, and so do the colours of the `body`. `cid_url` gets a Content-ID, URL-decoded and in its own case (RFC
    2392), and answers where the image is, or None. Links open in a new tab without opener or referrer. What would
    cost too much to check comes back as "" with a sentence in `withheld`. The chain, from `quote.start` on, stands in
    an element of the class `postledger-chain`: a `details` where it is folded, else a `div`.
    """
    # Pictures that are pasted in cost no more than their bytes.
    reason = too_much(without_embedded_data(html) if len(html) > LONGEST_HTML else html)
    return SafeHtml("", (), reason) if reason else _safe(html, remote_images, cid_url, quote)


def _safe(
    html: str, remote_images: bool, cid_url: Callable[[str], str | None], quote: Quote | None
) -> SafeHtml:
    images = _Images(remote=remote_images, cid_url=cid_url)
    own = _cleaned(html[: quote.start] if quote else html, images)
    chain = _marked(_cleaned(html[quote.start :], images), quote) if quote else ""
    opening = body_opening(html)
    closing = "</div>" if opening else ""
    return SafeHtml(opening + own + chain + closing, tuple(images.blocked), None)


def _marked(chain: str, quote: Quote) -> str:
    """Each part was made safe, and balanced, on its own: nothing of either reaches out of its element."""
    if quote.folded:
        return f'<details class="{CHAIN_CLASS}"><summary>•••</summary>{chain}</details>'
    return f'<div class="{CHAIN_CLASS}">{chain}</div>'


def too_much(html: str) -> str | None:
    """A sentence that says why an HTML text would cost too much to parse; None for one that may be parsed."""
    if len(html) > LONGEST_HTML:
        return TOO_LONG
    estimate = shape(html)
    for is_so, reason in (
        (estimate.is_endless, TOO_MANY_TAGS),
        (estimate.explodes, TOO_COSTLY),
        (has_many_bare_ampersands(html), TOO_MANY_AMPERSANDS),
        (has_overlong_tag(html), TOO_MANY_ATTRIBUTES),
    ):
        if is_so:
            return reason
    too_deep = estimate.depth > DEEPEST_HTML and nests_deeper(html, DEEPEST_HTML)
    return TOO_DEEP if too_deep else None


@dataclass(frozen=True, slots=True)
class _Images:
    remote: bool
    cid_url: Callable[[str], str | None]
    blocked: dict[str, None] = field(default_factory=dict)

    def source(self, url: str) -> str | None:
        bare = _IGNORED_IN_URLS.sub("", url)
        if bare[:4].casefold() == "cid:":
            return self.cid_url(unquote(bare[4:]).strip("<>"))
        if _REMOTE.match(bare):
            return self._remote(bare)
        return bare if _DATA_IMAGE.match(bare) else None

    def _remote(self, url: str) -> str | None:
        absolute = url if url[:4].casefold() == "http" else f"https:{url}"
        if not self.remote:
            self.blocked[absolute] = None
            return None
        return absolute


def _cleaned(html: str, images: _Images) -> str:
    def keep(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            return images.source(value)
        if attribute == "href":
            return value if _LINK.match(value.strip()) else None
        return safe_style(value) if attribute == "style" else value

    return nh3.clean(
        _without_surrogates(html),
        tags=set(_TAGS.split()),
        clean_content_tags=set(_DROPPED_WITH_CONTENT.split()),
        attributes={tag: set(names.split()) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=keep,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer",
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        filter_style_properties=set(_STYLES.split()),
    )


def _without_surrogates(text: str) -> str:
    # The sanitiser takes UTF-8 only, and half a character has no spelling in it.
    return text.encode("utf-8", "ignore").decode("utf-8")
