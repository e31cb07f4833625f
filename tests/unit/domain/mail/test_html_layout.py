"""What is mended in the library that lays HTML out: its text stays what it was, and each document's its own."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_properties import WhiteSpace
from inscriptis.model.canvas.block import Block
from inscriptis.model.canvas.prefix import Prefix

from shared.domain.mail.html_layout import laid_out, merge_normal_text

BLANKS = " \t\n\r\x0b\x1c\x85\xa0\u2003\u200b"
pieces = st.text(st.sampled_from(BLANKS + "ab&;<"), max_size=12) | st.sampled_from(("&amp;", "&nbsp;", "&"))


def merged_by_character(block: Block, text: str) -> None:
    """As inscriptis 2.7 merges it: blanks collapse, also with one at the end of what stands there."""
    kept = ""
    for character in text:
        if not character.isspace():
            kept += character
            block.collapsable_whitespace = False
        elif not block.collapsable_whitespace:
            kept += " "
            block.collapsable_whitespace = True
    if not kept:
        return
    shown = unescape(kept if block._content else f"{block.prefix.first}{kept}")
    block._content += shown
    block.idx += len(shown)


def a_block() -> Block:
    prefix = Prefix()
    prefix.register_prefix(2, "*")
    return Block(0, prefix)


@given(st.lists(pieces, max_size=8))
@example([" ", "a", " ", " ", "b "])
@example(["a", "\xa0", "b"])
def test_text_is_merged_as_the_library_merges_it(texts: list[str]) -> None:
    ours, theirs = a_block(), a_block()
    for text in texts:
        merge_normal_text(ours, text)
        merged_by_character(theirs, text)
        same = (ours._content, ours.idx, ours.collapsable_whitespace)
        assert same == (theirs._content, theirs.idx, theirs.collapsable_whitespace)


def test_the_library_asks_for_whitespace_to_be_merged_here() -> None:
    laid_out("<p>x</p>")
    block = a_block()
    block.merge("a  b", WhiteSpace.normal)
    assert block.content.split() == ["*a", "b"]
    assert Block.merge_normal_text is merge_normal_text


@pytest.fixture
def _hasty_threads() -> Iterator[None]:
    """Threads that take turns at nearly every step."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_hasty_threads")
def test_mails_that_are_read_at_once_get_no_text_of_each_other() -> None:
    def read(number: int) -> set[str]:
        return {laid_out(f"<p>mail {number}</p>").strip() for _ in range(300)}

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(read, range(6))) == [{f"mail {number}"} for number in range(6)]


def test_no_two_documents_share_their_root() -> None:
    laid_out("<p>x</p>")
    assert CSS_PROFILES["strict"]["body"].canvas is None
