"""What an HTML body would cost to parse, found in one linear pass before any parser sees it.

Deep nesting makes sanitisers quadratic (100,000 nested div: 12 s) and text converters lose everything; unclosed
formatting is repeated in every later block (HTML standard, 13.2.4.3); text between table rows, thousands of
attributes on one tag and bare ampersands are quadratic too. It counts and changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from resiliparse.parse.html import ElementNode, HTMLTree

# Each bound was found by measuring: what lies within is parsed in less than a second.
MOST_COPIES: Final = 2_000_000
MOST_TAGS: Final = 30_000
MOST_ATTRIBUTES: Final = 500
MOST_BARE_AMPERSANDS: Final = 50_000

_TOKEN: Final = re.compile(r"<(?:(!--)|(/?)([a-zA-Z][^\s/<>]{0,40}))")
_VOID_NAMES: Final = "area base br col embed hr img input link meta param source track wbr"
_END_TAG_OPTIONAL: Final = "p li dt dd tr td th tbody thead tfoot colgroup option html head body"
_RAW_NAMES: Final = "script style textarea title xmp iframe noembed noframes noscript"
_FORMATTING_NAMES: Final = "a b big code em font i nobr s small strike strong tt u"

_NOT_COUNTED: Final = frozenset([*_VOID_NAMES.split(), *_END_TAG_OPTIONAL.split()])
_BARE_AMPERSAND: Final = re.compile(
    r"""&(?!(?:\#\d{1,7} | \#x[0-9a-f]{1,6} | nbsp | amp | lt | gt | quot | apos | zwn?j | shy | hellip | [mn]dash
    | [lr][sd]?aquo | [lr][sd]quo | bull | middot | euro | copy | reg | szlig | [a-z]{1,2}(?:acute|grave|circ|uml
    | tilde|cedil|ring|slash|lig|caron));)""",
    re.IGNORECASE | re.VERBOSE,
)
_TAG_START: Final = re.compile(r"</?[a-zA-Z]")
_BETWEEN_ATTRIBUTES: Final = re.compile(r"[\s/>=]+")
# A picture within a tag is one value, however many words its base64 seems to have.
_EMBEDDED: Final = re.compile(r";base64,[A-Za-z0-9+/=]{200,}")
_SHORTEST_PIECE: Final = 50
_BLANKS: Final = " \t\r\n\f"

_RAW: Final = frozenset(_RAW_NAMES.split())
_FORMATTING: Final = frozenset(_FORMATTING_NAMES.split())


@dataclass(frozen=True, slots=True)
class Shape:
    """Upper estimates of one HTML text: `depth` in elements, `copies` of repeated formatting elements, `tags`.

    Counting ends behind 30,000 tags: then the other two say nothing.
    """

    depth: int
    copies: int
    tags: int

    @property
    def is_endless(self) -> bool:
        """Whether it holds more than 30,000 tags, start and end tags together."""
        return self.tags > MOST_TAGS

    @property
    def explodes(self) -> bool:
        """Whether a parser that follows the HTML standard might build millions of elements from it."""
        return self.copies > MOST_COPIES


def shape(html: str) -> Shape:
    """Measure nesting and repeated formatting; linear in the length of `html`, right or too high.

    An end tag counts only when it closes the innermost open element. Elements whose end tag may be left out
    (`p`, `td`, ...) cannot nest directly and do not count, so one level stands for up to four real ones.
    """
    stack: list[str] = []
    deepest = tags = formatting = most_formatting = position = 0
    last_comment_end = html.rfind("-->")
    while tags <= MOST_TAGS and (token := _TOKEN.search(html, position)):
        position = token.end()
        if token[1]:
            # Within a script or a style `<!--` begins nothing, and without an end it is text.
            if position <= last_comment_end and not _RAW.intersection(stack[-1:]):
                position = html.find("-->", position) + 3
            continue
        tags += 1
        name = token[3].lower()
        if name not in _NOT_COUNTED:
            formatting += _entered(stack, name, is_end=bool(token[2]))
        deepest, most_formatting = max(deepest, len(stack)), max(most_formatting, formatting)
    return Shape(deepest, most_formatting * tags, tags)


def _entered(stack: list[str], name: str, *, is_end: bool) -> int:
    """Open an element, or close the innermost one; by how many the open formatting elements become more."""
    formatting = int(name in _FORMATTING)
    if not is_end:
        stack.append(name)
        return formatting
    if stack[-1:] == [name]:
        stack.pop()
        return -formatting
    return 0


def has_overlong_tag(html: str) -> bool:
    """Whether a tag may have more than 500 attributes of different names; never wrongly no.

    A `>` ends whatever tag is open unless a quoted value might be: the last quote before it follows a `=`.
    A text between two certain ends holds at most as many attributes as it has different words.
    """
    start = position = 0
    while (end := html.find(">", position)) >= 0:
        position = end + 1
        if not (_may_be_open(html, '"', start, end) or _may_be_open(html, "'", start, end)):
            if _has_many_words(html, start, end):
                return True
            start = position
    return _has_many_words(html, start, len(html))


def has_many_bare_ampersands(html: str) -> bool:
    """Whether over 50,000 `&` begin none of the usual character references.

    The sanitiser's time grows with the square of their number: a million take 13 s.
    """
    if html.count("&") <= MOST_BARE_AMPERSANDS:
        return False
    return sum(1 for _ in _BARE_AMPERSAND.finditer(html)) > MOST_BARE_AMPERSANDS


def _may_be_open(html: str, quote: str, start: int, end: int) -> bool:
    last = html.rfind(quote, start, end)
    if last < 0:
        return False
    before = last - 1
    while before >= start and html[before] in _BLANKS:
        before -= 1
    return before >= start and html[before] == "="


def _has_many_words(html: str, start: int, end: int) -> bool:
    if end - start <= 2 * MOST_ATTRIBUTES:
        return False
    tag = _TAG_START.search(html, start, end)
    if tag is None or end - tag.start() <= 2 * MOST_ATTRIBUTES:
        return False
    words = _EMBEDDED.sub(_without_real_data, html[tag.start() : end])
    return len(set(_BETWEEN_ATTRIBUTES.split(words))) > MOST_ATTRIBUTES


def _without_real_data(run: re.Match[str]) -> str:
    """Nothing for base64 as real files give it: a slash every 64 characters; else the run as it is."""
    return "" if len(set(run[0].split("/"))) * _SHORTEST_PIECE <= len(run[0]) else run[0]


def nests_deeper(html: str, limit: int) -> bool:
    """Whether an element of the parsed document stands more than `limit` levels deep.

    Exact, and therefore slower: for documents whose estimated `depth` is over the limit and do not `explode`.
    """
    document = HTMLTree.parse(html.encode("utf-8", "ignore").decode("utf-8")).document
    root = document.first_element_child if document is not None else None
    return root is not None and any(depth > limit for depth in _depths(root))


def _depths(root: ElementNode) -> Iterator[int]:
    """The level of each element, in order. No recursion: how deep it goes is the sender's choice."""
    node: ElementNode | None = root
    depth = 1
    while node is not None:
        yield depth
        if node.first_element_child is not None:
            node, depth = node.first_element_child, depth + 1
        else:
            node, depth = _behind(node, root, depth)


def _behind(node: ElementNode, root: ElementNode, depth: int) -> tuple[ElementNode | None, int]:
    """The next element that is not within this one, and its level."""
    within: ElementNode | None = node
    while within is not None and within is not root:
        if within.next_element is not None:
            return within.next_element, depth
        within, depth = within.parent_element, depth - 1
    return None, depth
