"""Reads sanitised HTML as browsers do, into a DOM, and says what in it could run, load or leave its box.

Knows nothing of the sanitiser's lists: it goes by what elements, attributes and styles do. The fragment is parsed
by html5lib as a page would take it in, with script on and off and in several places, and once more after it was
written out again, since markup that changes its meaning on the way is an attack of its own (mXSS).
"""

from collections.abc import Iterator
from typing import Any, Final

import html5lib

from tests.css_audit import css_faults

XHTML: Final = "http://www.w3.org/1999/xhtml"
PLACES: Final = ("div", "td", "noscript", "select", "textarea")
# Elements that show text or images and do nothing else (HTML standard, section 4).
_PASSIVE_NAMES: Final = """
    a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col
    colgroup data dd del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup
    hr i img ins kbd li main mark nav nobr ol p pre q rp rt ruby s samp section small span strike strong
    sub sup table tbody td tfoot th thead time tr tt u ul var wbr
"""
PASSIVE: Final = frozenset(_PASSIVE_NAMES.split())
# Attributes that name no address, no other element and no script.
_INERT_NAMES: Final = """
    abbr align alt axis bgcolor border cellpadding cellspacing char charoff clear color cols colspan
    compact datetime dir face frame headers height hspace lang language noshade nowrap reversed rows
    rowspan rules scope size span start summary title type valign value vspace width
"""
INERT: Final = frozenset(_INERT_NAMES.split())
PICTURES: Final = ("png", "gif", "jpeg", "jpg", "webp")
CHAIN: Final = "postledger-chain"


def faults(html: str, *, inline: str = "/inline/", places: tuple[str, ...] = PLACES) -> list[str]:
    """Every element, attribute, address or style that should not be there; `inline` begins our own images."""
    found: list[str] = []
    for place in places:
        for scripting in (True, False):
            found += _faults_of(_parsed(html, place, scripting), place, inline)
    written = html5lib.serialize(
        _parsed(html, "div", True), tree="etree", quote_attr_values="always", omit_optional_tags=False
    )
    found += _faults_of(_parsed(written, "div", False), "div", inline)
    return list(dict.fromkeys(found))


def _parsed(html: str, place: str, scripting: bool) -> Any:
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=True)
    # In places that hold text only, the page ends the place itself, as an attacker would have to.
    text = f"</{place}>{html}" if place in ("noscript", "select", "textarea") else html
    return parser.parseFragment(text, container="td" if place == "td" else "div", scripting=scripting)


def _faults_of(root: Any, place: str, inline: str) -> Iterator[str]:
    for node in root.iter():
        if node is root:
            continue
        if not isinstance(node.tag, str):
            yield f"<!--{node.text}-->"
            continue
        namespace, _, name = node.tag[1:].rpartition("}") if node.tag[0] == "{" else ("", "", node.tag)
        if namespace != XHTML or not _is_passive(name, node):
            yield f"<{name}> of {namespace}"
        for attribute, value in node.attrib.items():
            yield from _faults_of_attribute(name, str(attribute), value, inline)
        if name == "a" and "href" in node.attrib:
            yield from _faults_of_link(node.attrib)


def _is_passive(name: str, node: Any) -> bool:
    is_ours = node.attrib == {"class": CHAIN} if name == "details" else name == "summary" and not node.attrib
    return name in PASSIVE or is_ours


def _faults_of_attribute(element: str, name: str, value: str, inline: str) -> Iterator[str]:
    allowed = (
        name in INERT
        or (name == "src" and element == "img" and _is_local(value, inline))
        or (name == "href" and element == "a" and _scheme(value) in ("http", "https", "mailto", "tel"))
        or (name in ("target", "rel") and element == "a")
        or (name == "class" and element in ("details", "div") and value == CHAIN)
    )
    if name == "style":
        yield from (f"<{element} style>: {one}" for one in css_faults(value))
    elif not allowed:
        yield f"<{element} {name}={value!r}>"


def _faults_of_link(attributes: Any) -> Iterator[str]:
    wanted = {"noopener", "noreferrer"}
    if attributes.get("target") != "_blank" or not wanted <= set(attributes.get("rel", "").split()):
        yield f"<a> opens with a way back: {dict(attributes)}"


def _scheme(url: str) -> str:
    """As the URL standard finds it: leading controls and blanks stripped, tabs and line ends removed."""
    bare = url.lstrip("".join(map(chr, range(33)))).replace("\t", "").replace("\n", "").replace("\r", "")
    scheme, colon, _ = bare.partition(":")
    return scheme.lower() if colon and scheme.replace("+", "").isalnum() else ""


def _is_local(url: str, inline: str) -> bool:
    if url.startswith(inline):
        return True
    kind, comma, _ = url.partition(",")
    return bool(comma) and kind.lower() in {f"data:image/{one};base64" for one in PICTURES}
