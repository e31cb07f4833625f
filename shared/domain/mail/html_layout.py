"""The text of HTML as inscriptis lays it out, with two habits of the library mended.

It keeps the root of a document on an element that all documents share, so that two threads may write into each other's
text; and it joins text character by character, which was a fifth of a filed mail's CPU.
"""

from copy import copy
from functools import cache
from html import unescape
from typing import Any


def laid_out(html: str) -> str:
    """Lines as a reader sees them, tables side by side, hidden text left out. Raises what the library raises."""
    # Imported here, since lxml behind it costs every worker's start, and the webhook's too.
    from inscriptis import get_text
    from inscriptis.model.config import ParserConfig

    elements = _elements()
    # Its own root for each document.
    own = {**elements, "body": copy(elements["body"])}
    text: str = get_text(html, ParserConfig(css=own))
    return text


@cache
def _elements() -> dict[str, Any]:
    from inscriptis.css_profiles import CSS_PROFILES
    from inscriptis.model.canvas.block import Block

    Block.merge_normal_text = merge_normal_text
    # The default profile indents what stands in a div, which mail programs put around every line.
    elements: dict[str, Any] = CSS_PROFILES["strict"]
    return elements


def merge_normal_text(block: Any, text: str) -> None:
    """Add text to a block as `Block.merge_normal_text` does: runs of blanks are one, and none where one stands before.

    With whole words in place of characters. `collapsable_whitespace` says that a blank stands at the end.
    """
    joined = " ".join(text.split())
    if text[:1].isspace() and not block.collapsable_whitespace:
        joined = f" {joined}"
    if not joined:
        return
    if text[-1].isspace() and joined != " ":
        joined = f"{joined} "
    block.collapsable_whitespace = text[-1].isspace()
    shown = unescape(joined if block._content else f"{block.prefix.first}{joined}")
    block._content += shown
    block.idx += len(shown)
