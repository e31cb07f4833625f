"""Our reading of mail against another reader's, MimeKit's: each difference is on a list that says who is right.

The list is `mime_differences.json`: by reason, the field and the mail. What is not on it fails, and what is on it and
no difference any more fails as well.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from shared.domain.mail.addresses import normalise
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.domain.mime.bodies import Content, Hanging, content_of, name_of, subject_of
from shared.domain.mime.parts import MAIL, Part, parts_of
from shared.domain.mime.people import moment, people
from shared.domain.mime.reading import Copy, whole_of

SHARED: Final = Path(__file__).parents[3] / "shared"
OPINION: Final = SHARED / "data" / "mimekit.jsonl"
LIST: Final = Path(__file__).with_name("mime_differences.json")
NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
# What a server says to a server hangs on no mail, and an invitation is none of its files.
NOT_SHOWN: Final = frozenset(
    ("message/delivery-status", "message/disposition-notification", "text/rfc822-headers", "text/calendar")
)
PEOPLE: Final = {"from": "from", "to": "to", "cc": "cc", "bcc": "bcc", "reply_to": "reply-to"}

Theirs = Mapping[str, Any]
pytestmark = pytest.mark.skipif(not OPINION.is_file(), reason="the other reader's reading is not here")


class Ours:
    """One mail as we read it."""

    def __init__(self, raw: bytes) -> None:
        self.mail: Part = parts_of(raw)
        self.content: Content = content_of(self.mail)
        whole: FetchedMessage = whole_of(raw, Copy(ItemRef("f", "1"), "f", NEVER))
        self.head: MessageHead = whole.head


Field = Callable[[Ours, Theirs], tuple[object, object]]


def folded(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _text(ours: Ours, theirs: Theirs) -> tuple[object, object]:
    text = folded(ours.content.text or "")
    their_digest = theirs["text_sha"] if theirs["text_length"] else digest(b"")
    # HTML is what is shown where a mail has both forms.
    if not text and ours.content.html:
        return "", ""
    return digest(text.encode("utf-8", "replace")), their_digest


def _html(ours: Ours, theirs: Theirs) -> tuple[object, object]:
    html = (ours.content.html or "").replace("\r\n", "\n").strip()
    return digest(html.encode("utf-8", "replace")), theirs["html_sha"] or digest(b"")


def _date(ours: Ours, theirs: Theirs) -> tuple[object, object]:
    found = moment(ours.mail.fields.first("date"))
    return (found.strftime("%Y-%m-%dT%H:%M:%SZ") if found else None), theirs["date"]


def _people(field: str) -> Field:
    def compared(ours: Ours, theirs: Theirs) -> tuple[object, object]:
        named = [person for text in ours.mail.fields.all(PEOPLE[field]) for person in people(text)]
        return [(person.name, person.address) for person in named], [
            _person(*given) for given in theirs[field]
        ]

    return compared


def _person(name: str | None, address: str | None) -> tuple[str, str]:
    """In our spelling: an address without a domain is a name, and one that repeats the address is none."""
    words = " ".join((name or "").split()).strip('"')
    ours = normalise(address or "")
    if ours is None:
        return words or (address or ""), ""
    return ("" if words.casefold().strip("<>'\" ") == ours else words), ours


def _parts(ours: Ours, theirs: Theirs) -> tuple[object, object]:
    shown = [part for part in theirs["parts"] if part["type"].lower() not in NOT_SHOWN]
    return [_part(found) for found in ours.content.hanging], [_their_part(part) for part in shown]


def _part(found: Hanging) -> tuple[object, ...]:
    part = found.part
    if part.kind == MAIL:
        return part.kind, subject_of(part)
    content = part.content()
    return part.kind, name_of(part), len(content), digest(content)


def _their_part(part: Theirs) -> tuple[object, ...]:
    kind = part["type"].lower()
    if "subject" in part:
        return kind, part["subject"] or ""
    return kind, part.get("name") or "", part.get("bytes") or 0, part.get("sha") or digest(b"")


FIELDS: Final[Mapping[str, Field]] = {
    "subject": lambda ours, theirs: (ours.head.subject, " ".join((theirs["subject"] or "").split())),
    "message_id": lambda ours, theirs: (ours.head.message_id, theirs["message_id"] or ""),
    "in_reply_to": lambda ours, theirs: ((*ours.head.in_reply_to, "")[0], theirs["in_reply_to"] or ""),
    "references": lambda ours, theirs: (list(ours.head.references), theirs["references"][-20:]),
    "date": _date,
    **{field: _people(field) for field in PEOPLE},
    "text": _text,
    "html": _html,
    "parts": _parts,
}


@cache
def differences() -> frozenset[tuple[str, str]]:
    """(field, mail) of each difference."""
    return frozenset(_differences())


def _differences() -> Iterator[tuple[str, str]]:
    for line in OPINION.read_text("utf-8").splitlines():
        theirs = json.loads(line)
        ours = Ours((SHARED / theirs["file"]).read_bytes())
        for name, compare in FIELDS.items():
            mine, other = compare(ours, theirs)
            if mine != other:
                yield name, theirs["file"]


def listed() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(LIST.read_text("utf-8"))
    return known


def test_every_difference_from_the_other_reader_is_on_the_list_and_nothing_else() -> None:
    known = {tuple(pair) for reason in listed().values() for pair in reason["differences"]}
    assert differences() == known


def test_each_reason_says_who_is_right_and_why() -> None:
    for name, reason in listed().items():
        assert reason["right"] in ("we", "they", "either"), name
        assert len(reason["why"]) > 20, name


def test_they_are_right_in_few_mails() -> None:
    """A reader that is wrong in more than one mail of a hundred is to be mended, not listed."""
    wrong = {
        pair[1] for reason in listed().values() if reason["right"] == "they" for pair in reason["differences"]
    }
    assert len(wrong) <= 11
