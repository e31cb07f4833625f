"""A record that is opened for a mail: what it is called, what it says, and whose it is."""

from dataclasses import dataclass
from typing import Final

from shared.domain import quotes, subjects
from shared.domain.addresses import domain_of
from shared.domain.messages import Document
from shared.domain.records import Record, RecordRef
from shared.domain.rulings import opened_id

ORIGIN: Final = "postledger"
LONGEST_DETAILS: Final = 2_000
UNNAMED: Final = "(no subject)"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person has said of the record; what is empty comes from the mail."""

    name: str = ""
    summary: str = ""
    details: str = ""
    type: str = ""


def record_for(
    document: Document,
    ref: RecordRef,
    wishes: Wishes,
    *,
    contacts: tuple[Record, ...],
    client: str,
    owner: str,
) -> Record:
    """The record: title from the stripped subject, details from the sender's own text."""
    title = subjects.strip(document.subject) or UNNAMED
    return Record(
        ref=ref,
        name=wishes.name or wishes.summary or title[:512],
        summary=wishes.summary or wishes.name or title[:1_024],
        details=wishes.details or own_words(document),
        client=client,
        contacts=tuple(one.ref.id for one in contacts),
        type=wishes.type,
        owner=owner,
        origin=ORIGIN,
        contact_domains=tuple(sorted({domain_of(a) for one in contacts for a in one.addresses})),
    )


def ref_for(kind: str, message_key: str) -> RecordRef:
    """The record of this kind for this mail: asked for twice, it is the same one."""
    return RecordRef(kind, opened_id(message_key))


def own_words(document: Document) -> str:
    """What the sender wrote, without the chain, cut at a word."""
    text = quotes.own_text(document.text, quotes.QuoteRanges(document.quoted)).strip()
    if len(text) <= LONGEST_DETAILS:
        return text
    return text[:LONGEST_DETAILS].rsplit(maxsplit=1)[0] + " ..."
