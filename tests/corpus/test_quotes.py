"""Quotes and HTML of public test mails, which lie beside the repository or not.

The floors are what was measured, and a little less: the suites disagree with each other about signatures and
greetings, so an exact match is rare; that nothing an author wrote is hidden is what counts.
"""

import email
import json
from email.message import Message
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from shared.domain.mail.html import safe_html
from shared.domain.mail.html_text import to_text
from shared.domain.mail.quotes import own_text, quoted_text, split
from tests.html_audit import faults

CORPUS = Path(__file__).parents[3] / "shared" / "mail"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the public test mails are not here")


@cache
def expectations() -> list[dict[str, Any]]:
    lines = (CORPUS / "expectations.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [expectation for expectation in expectations() if expectation["kind"] == kind]


def parts(path: Path, content_type: str) -> list[str]:
    message = email.message_from_bytes(path.read_bytes())
    return [decoded(part) for part in message.walk() if part.get_content_type() == content_type]


def decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    charset = part.get_content_charset() or "utf-8"
    try:
        return content.decode(charset, "replace") if isinstance(content, bytes) else ""
    except (LookupError, UnicodeError):
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def body(file: str) -> tuple[str, bool]:
    """The text of one file, and whether it was made from HTML."""
    path = CORPUS / file
    if path.suffix == ".html":
        return to_text(path.read_text(encoding="utf-8", errors="replace")), True
    if path.suffix == ".eml":
        plain = parts(path, "text/plain")
        return (plain[0], False) if plain else (to_text(parts(path, "text/html")[0]), True)
    return path.read_text(encoding="utf-8", errors="replace"), False


def own(file: str) -> str:
    text, html_only = body(file)
    return own_text(text, split(text, html_only=html_only, parent_text=None, is_forward=False))


def folded(text: str) -> str:
    return " ".join(text.split())


def test_what_the_author_wrote_is_kept() -> None:
    kept = [folded(case["expected"]) in folded(own(case["file"])) for case in of_kind("reply_text")]
    assert len(kept) == 57
    assert sum(kept) >= 55


def test_and_much_of_the_rest_is_recognised_as_quoted() -> None:
    exact = [folded(case["expected"]) == folded(own(case["file"])) for case in of_kind("reply_text")]
    assert sum(exact) >= 16


def test_replies_in_html() -> None:
    exact = [folded(case["expected"]) == folded(own(case["file"])) for case in of_kind("reply_html_as_text")]
    assert sum(exact) >= 3


def test_replies_keep_what_they_must_contain() -> None:
    cases = of_kind("reply_contains")
    texts = [own(case["file"]) for case in cases]
    kept = [
        all(part in text for part in case["must_contain"]) for case, text in zip(cases, texts, strict=True)
    ]
    clean = [
        not any(part in text for part in case["must_not_contain"])
        for case, text in zip(cases, texts, strict=True)
    ]
    assert all(kept)
    assert sum(clean) >= 7


def test_nothing_is_lost_between_own_and_quoted_text() -> None:
    for case in expectations():
        if case["kind"] not in {
            "reply_text",
            "reply_html_as_text",
            "reply_contains",
            "elided_text",
            "forward",
        }:
            continue
        text, html_only = body(case["file"])
        ranges = split(text, html_only=html_only, parent_text=None, is_forward=False)
        together = own_text(text, ranges) + quoted_text(text, ranges)
        assert sorted("".join(together.split())) == sorted("".join(text.split())), case["file"]


@cache
def html_bodies() -> dict[str, str]:
    bodies = {}
    for path in sorted(CORPUS.rglob("*")):
        if path.suffix == ".html":
            bodies[str(path)] = path.read_text(encoding="utf-8", errors="replace")
        elif path.suffix in {".eml", ".msg"} and path.stat().st_size < 1_000_000:
            bodies |= {f"{path} {number}": html for number, html in enumerate(html_parts(path))}
    return bodies


def html_parts(path: Path) -> list[str]:
    try:
        return parts(path, "text/html")
    except RecursionError:
        return []


def test_nothing_of_any_html_body_runs_or_loads() -> None:
    bodies = html_bodies()
    assert len(bodies) >= 130
    for name, html in bodies.items():
        result = safe_html(html, cid_url=lambda content_id: f"/inline/{content_id}")
        assert faults(result.html) == [], name


def test_every_html_body_that_is_not_empty_is_shown() -> None:
    withheld = [name for name, html in html_bodies().items() if safe_html(html, cid_url=str).withheld]
    assert withheld == []


def test_every_html_body_gives_text_that_can_be_split() -> None:
    for name, html in html_bodies().items():
        text = to_text(html)
        ranges = split(text, html_only=True, parent_text=None, is_forward=False)
        assert own_text(text, ranges) or not text, name
