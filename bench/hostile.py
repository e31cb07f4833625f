"""What a hostile body costs: CPU seconds of filing it (text, quotes, compression) and of making it safe to show.

    python -m bench.hostile [--only WORDS]

Filing is `document_of` and the stored form of its document, as ingest does it; showing is `safe_html`, as
`GET messages/{id}` does it. Both are to stay under a second each for any body.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, TypeVar

from shared.adapters.storage.stores.message_rows import body_of
from shared.domain.mail.addresses import Person
from shared.domain.mail.documents import document_of
from shared.domain.mail.html import SafeHtml, safe_html
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead

MEGABYTE: Final = 1_000_000
TENANT: Final = "11111111-2222-4333-8444-555555555555"
NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
T = TypeVar("T")


def bodies() -> dict[str, Callable[[], str]]:
    """HTML bodies by name, made when they are wanted."""
    return {**_nested(), **_attributes(), **_long(), **_dense(), **_quotes()}


def texts() -> dict[str, Callable[[], str]]:
    """Plain-text bodies by name."""
    return {
        "text: 20 MB of words": lambda: "word " * (4 * MEGABYTE),
        "text: a quote 10 million levels deep": lambda: "> " * (10 * MEGABYTE),
        "text: 160,000 answers between quotes": lambda: "> a\nb\n" * 160_000,
        "text: 45,000 attributions": lambda: "On Monday, Bo wrote:\n" * 45_000,
        "text: 29,000 quoted headers": lambda: "From: a\nSent: b\nTo: c\nSubject: d\n" * 29_000,
        "text: 250,000 signatures": lambda: "-- \n" * 250_000,
    }


def _nested() -> dict[str, Callable[[], str]]:
    return {
        "100,000 nested div": lambda: "<div>" * 100_000,
        "100,000 nested tables": lambda: "<table><tr><td>" * 100_000,
        "100,000 nested blockquotes": lambda: "<blockquote>" * 100_000,
        "misnested formatting": lambda: "<b><div></b>" * 80_000,
        "font in every paragraph": lambda: (
            "<p>" + "".join(f"<font size={n}>" for n in range(900)) + "<p>x" * 100_000
        ),
        "nested svg": lambda: "<svg>" * 199_000,
        "lines in 190 nested lists": lambda: "<ul>" * 190 + "<li>x" * 190_000,
        "lines in 60 nested tables": lambda: "<table><tr><td>" * 60 + "x<br>" * 190_000,
        "text between table rows": lambda: "<table>x" * 120_000,
        "text between 14,900 table rows": lambda: "<table>" + "<p>x" * 29_000,
        "headings that close each other": lambda: "<h1><h2>" * 14_900,
        "select in select": lambda: "<select><option>" * 14_900,
    }


def _attributes() -> dict[str, Callable[[], str]]:
    def names(count: int, form: str = "a{}") -> str:
        return " ".join(form.format(number) for number in range(count))

    return {
        "120,000 attributes on a tag": lambda: f"<div {names(120_000)}>x</div>",
        "80,000 attributes, quoted": lambda: "<div " + names(80_000, 'a{}=">"') + ">x</div>",
        "80,000 attributes, never closed": lambda: f"<div {names(80_000)}",
        "90 tags of 2,000 attributes": lambda: f"<div {names(2_000)}>x</div>" * 90,
        "900 nested tags of 240 attributes": lambda: f"<div {names(240)}>x" * 900,
        "an attribute of a megabyte": lambda: '<div title="' + "x" * 990_000 + '">x</div>',
        "99,000 style declarations": lambda: '<div style="' + "color:red;" * 99_000 + '">x</div>',
    }


def _long() -> dict[str, Callable[[], str]]:
    size = 20 * MEGABYTE
    return {
        "20 MB of text": lambda: "word " * (size // 5),
        "20 MB of paragraphs": lambda: "<p>word word</p>" * (size // 16),
        "20 MB of <": lambda: "<" * size,
        "20 MB of open comments": lambda: "<!--" * (size // 4),
        "20 MB of embedded images": lambda: (
            ('<img src="data:image/png;base64,' + "A" * 199 + '">') * (size // 230)
        ),
    }


def _dense() -> dict[str, Callable[[], str]]:
    return {
        "a million ampersands": lambda: "&" * 999_000,
        "240,000 unknown references": lambda: "&zz;" * 240_000,
        "249,000 line breaks": lambda: "<br>" * 249_000,
        "330 rows of 300 cells": lambda: "<table>" + ("<tr>" + "<td>x</td>" * 300 + "</tr>") * 330,
        "110,000 rows": lambda: "<table>" + "<tr><td>x" * 110_000,
        "490,000 preformatted lines": lambda: "<pre>" + "x\n" * 490_000 + "</pre>",
        "199,000 unclosed tags": lambda: "<div " * 199_000,
    }


def _quotes() -> dict[str, Callable[[], str]]:
    return {
        "58,000 attributions": lambda: "On Mon wrote:<br>" * 58_000,
        "19,000 quoted headers": lambda: "<p>From: a b<br>Sent: x<br>To: y<br>Subject: z</p>" * 19_000,
        "70,000 quoted lines": lambda: "&gt; quoted<br>" * 70_000,
        "14,000 quote containers": lambda: (
            'yes<div class="gmail_quote">On x wrote:<blockquote>a</blockquote></div>' * 14_000
        ),
        "190,000 lines from Exchange": lambda: (
            '<!-- converted from text --><div class="PlainText">' + "x<br>" * 190_000 + "</div>"
        ),
    }


def costs(*, html: str = "", text: str = "") -> tuple[float, float, str]:
    """CPU seconds of filing and of showing a body, and why it is withheld."""
    _, filing = _timed(lambda: file_body(html=html, text=text))
    shown, showing = _timed(lambda: show(html))
    return filing, showing, shown.withheld or ""


def file_body(*, html: str = "", text: str = "") -> None:
    """What ingest does with a body."""
    head = MessageHead(
        ItemRef("", "1"), "inbox", "1@x.example", Person("", "bo@x.example"), "Re: x", NOW, NOW
    )
    body_of(TENANT, "0" * 32, document_of(FetchedMessage(head, html=html, text=text), None))


def show(html: str) -> SafeHtml:
    """What `GET messages/{id}` does with it."""
    return safe_html(html, cid_url=lambda _: None)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def _rows(only: str) -> Iterator[str]:
    for name, make in bodies().items():
        if only in name:
            yield _row(name, costs(html=make()))
    for name, make in texts().items():
        if only in name:
            yield _row(name, costs(text=make()))


def _row(name: str, cost: tuple[float, float, str]) -> str:
    filing, showing, withheld = cost
    return f"{name:<40}{filing:>9.2f}{showing:>9.2f}   {withheld.partition(': ')[2].partition('. ')[0]}"


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU cost of hostile bodies.")
    parser.add_argument("--only", default="", help="bodies whose name holds these words")
    print(f"{'CPU seconds':<40}{'file':>9}{'show':>9}   withheld because")
    for row in _rows(parser.parse_args().only):
        print(row, flush=True)


if __name__ == "__main__":
    main()
