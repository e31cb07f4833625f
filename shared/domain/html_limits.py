"""What an HTML body would cost to parse, found in one linear pass before any parser sees it.

Deep nesting makes sanitisers quadratic (100,000 nested div: 12 s) and text converters lose everything;
unclosed formatting is repeated in every later block (HTML standard, 13.2.4.3). It counts and changes nothing.
"""

import re
from dataclasses import dataclass
from typing import Final

from resiliparse.parse.html import HTMLTree

MOST_COPIES: Final = 2_000_000

_TOKEN: Final = re.compile(r"<(?:(!--)|(/?)([a-zA-Z][^\s/<>]{0,40}))")
_VOID_NAMES: Final = "area base br col embed hr img input link meta param source track wbr"
_END_TAG_OPTIONAL: Final = "p li dt dd tr td th tbody thead tfoot colgroup option html head body"
_RAW_NAMES: Final = "script style textarea title xmp iframe noembed noframes noscript"
_FORMATTING_NAMES: Final = "a b big code em font i nobr s small strike strong tt u"

_NOT_COUNTED: Final = frozenset([*_VOID_NAMES.split(), *_END_TAG_OPTIONAL.split()])
_RAW: Final = frozenset(_RAW_NAMES.split())
_FORMATTING: Final = frozenset(_FORMATTING_NAMES.split())


@dataclass(frozen=True, slots=True)
class Shape:
    """Upper estimates of one HTML text: `depth` in elements, `copies` of repeated formatting elements."""

    depth: int
    copies: int

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
    while token := _TOKEN.search(html, position):
        position = token.end()
        if token[1]:
            is_comment = position <= last_comment_end and not (stack and stack[-1] in _RAW)
            position = html.find("-->", position) + 3 if is_comment else position
            continue
        tags += 1
        name = token[3].lower()
        if name in _NOT_COUNTED:
            continue
        if not token[2]:
            stack.append(name)
            formatting += name in _FORMATTING
        elif stack and stack[-1] == name:
            stack.pop()
            formatting -= name in _FORMATTING
        deepest, most_formatting = max(deepest, len(stack)), max(most_formatting, formatting)
    return Shape(deepest, most_formatting * tags)


def nests_deeper(html: str, limit: int) -> bool:
    """Whether an element of the parsed document stands more than `limit` levels deep.

    Exact, and therefore slower: for documents whose estimated `depth` is over the limit and do not `explode`.
    """
    document = HTMLTree.parse(html).document
    root = node = document.first_element_child if document is not None else None
    depth = 1
    while node is not None and depth <= limit:
        if node.first_element_child is not None:
            node, depth = node.first_element_child, depth + 1
            continue
        while node is not None and node is not root and node.next_element is None:
            node, depth = node.parent_element, depth - 1
        node = None if node is None or node is root else node.next_element
    return depth > limit
