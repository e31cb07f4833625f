"""How much of what authors wrote is shown, over public mails that say what their authors wrote.

    python -m bench.own_text FOLDER [--write FILE] [--against FILE]

FOLDER holds the mails and `expectations.jsonl`, a JSON object a line: `file`, `kind`, and `expected` (the author's
text) or `must_contain` and `must_not_contain`. Each mail is read as an answer whose parent is not known. `--write`
keeps the lines that are shown; `--against` counts those of such a file that are not shown any more: none may be.
"""

import argparse
import email
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, Final

from shared.domain.mail.documents import document_of
from shared.domain.mail.messages import FetchedMessage
from shared.domain.mail.quotes import QuoteRanges, own_text
from tests.builders import a_head

KINDS: Final = ("reply_text", "reply_html_as_text", "reply_contains")
Lines = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A mail, and lines that its author wrote, blanks apart."""

    file: str
    kind: str
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    own: str

    @property
    def shown(self) -> list[str]:
        return [line for line in self.wanted if line in self.own]

    @property
    def is_exact(self) -> bool:
        """All that the author wrote, and nothing else."""
        if self.unwanted:
            return len(self.shown) == len(self.wanted) and not any(line in self.own for line in self.unwanted)
        return " ".join(self.wanted) == self.own


def cases(folder: Path) -> Iterator[Case]:
    for line in (folder / "expectations.jsonl").read_text("utf-8").splitlines():
        expectation = json.loads(line)
        if expectation["kind"] in KINDS:
            yield case(folder, expectation)


def case(folder: Path, expectation: Mapping[str, Any]) -> Case:
    unwanted = expectation.get("must_not_contain") or ()
    wanted = expectation.get("must_contain") or ()
    if expectation["kind"] != "reply_contains":
        wanted = _expected(folder, expectation).splitlines()
    document = document_of(fetched(folder / expectation["file"]), None)
    own = own_text(document.text, QuoteRanges(document.quoted))
    return Case(expectation["file"], expectation["kind"], _folded(wanted), _folded(unwanted), _fold(own))


def _expected(folder: Path, expectation: Mapping[str, str]) -> str:
    if "expected_file" in expectation:
        return (folder / expectation["expected_file"]).read_text("utf-8", "replace")
    return expectation["expected"]


def _folded(lines: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(_fold, lines)))


def _fold(text: str) -> str:
    return " ".join(text.split())


def fetched(path: Path) -> FetchedMessage:
    """A file as an answer that was fetched: a text, an HTML page, or a mail with either."""
    head = a_head(subject="Re: Thursday", in_reply_to=("parent@fabrikam.example",))
    if path.suffix == ".eml":
        mail = email.message_from_bytes(path.read_bytes())
        plain = _part(mail, "text/plain")
        return FetchedMessage(head, html="" if plain else _part(mail, "text/html"), text=plain)
    content = path.read_text("utf-8", "replace")
    return (
        FetchedMessage(head, html=content) if path.suffix == ".html" else FetchedMessage(head, text=content)
    )


def _part(mail: Message, content_type: str) -> str:
    for part in mail.walk():
        content = part.get_payload(decode=True)
        if part.get_content_type() == content_type and isinstance(content, bytes):
            return content.decode("utf-8", "replace")
    return ""


def report(found: list[Case]) -> None:
    print(f"{'':<22}{'mails':>7}{'exact':>7}{'lines':>7}{'shown':>7}{'mails that lose a line':>26}")
    by_kind: dict[str, list[Case]] = defaultdict(list)
    for each in found:
        by_kind[each.kind].append(each)
    for kind, members in by_kind.items():
        lines = sum(len(each.wanted) for each in members)
        shown = sum(len(each.shown) for each in members)
        losing = sum(len(each.shown) < len(each.wanted) for each in members)
        exact = sum(each.is_exact for each in members)
        print(f"{kind:<22}{len(members):>7}{exact:>7}{lines:>7}{shown:>7}{losing:>26}")


def lost(before: Lines, found: list[Case]) -> list[tuple[str, str]]:
    """(file, line) of what was shown before and is not shown now."""
    now = {each.file: each.own for each in found}
    return [(file, line) for file, lines in before.items() for line in lines if line not in now[file]]


def main() -> None:
    parser = argparse.ArgumentParser(description="How much of what authors wrote is shown.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    found = list(cases(options.folder))
    report(found)
    if options.write:
        options.write.write_text(json.dumps({each.file: each.shown for each in found}), "utf-8")
    if options.against:
        gone = lost(json.loads(options.against.read_text("utf-8")), found)
        print(f"\nlines shown before and not now: {len(gone)}")
        for file, line in gone:
            print(f"    {file}: {line[:80]}")
        if gone:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
