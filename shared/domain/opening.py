"""Records that are opened for a mail, by a rule or by a person: which link and which record that makes."""

from dataclasses import dataclass, replace
from typing import Final

from shared.domain import quotes, subjects
from shared.domain.addresses import domain_of
from shared.domain.decisions import Disposition, Link
from shared.domain.filing import StoredMessage
from shared.domain.messages import Document
from shared.domain.records import Record, RecordRef
from shared.domain.rulings import opened_id

ORIGIN: Final = "postledger"
RULE: Final = "opened"
SCORE: Final = 100
LONGEST_NAME: Final = 512
LONGEST_DETAILS: Final = 2_000
UNNAMED: Final = "(no subject)"


def opened(message: StoredMessage) -> StoredMessage:
    """The message with a link to the record that its mailbox wants opened for it, if one is wanted.

    The record's id follows from the message's key: run twice, it is opened once.
    """
    decision = message.decision
    if not decision.opens:
        return message
    ref = RecordRef(decision.opens, opened_id(message.key))
    link = Link(ref, RULE, f"a new {decision.opens} of this mail", SCORE)
    links = (link, *decision.links)
    return replace(
        message, decision=replace(decision, disposition=Disposition.FILED, links=links, reason=RULE)
    )


def opened_record(message: StoredMessage, document: Document) -> Record | None:
    """The record behind such a link: named after the mail, with the contacts and the client it was matched to."""
    decision = message.decision
    wanted = (one.ref for one in decision.links if one.rule == RULE and one.ref.kind == decision.opens)
    ref = next(wanted, None)
    if ref is None:
        return None
    name = subjects.strip(document.subject)[:LONGEST_NAME] or UNNAMED
    own = quotes.own_text(document.text, quotes.QuoteRanges(document.quoted))
    clients = [one.ref.id for one in decision.links if one.ref.kind == "client"]
    return Record(
        ref,
        name=name,
        summary=name,
        details=own[:LONGEST_DETAILS],
        contacts=tuple(sorted(one.ref.id for one in decision.links if one.ref.kind == "contact")),
        client=min(clients, default=""),
        owner=message.agent,
        origin=ORIGIN,
    )


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
