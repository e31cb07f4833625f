"""A record that is opened for a mail: which link makes it, what it is called, what it says, and whose it is."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Final

from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import OPENED, opened_id
from shared.domain.mail import subjects
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.messages import Document
from shared.domain.mail.public_domains import is_shared, registrable
from shared.domain.matching.decisions import BY_RULE, Disposition, Link
from shared.domain.matching.evidence import RECORD, Evidence
from shared.domain.records.records import Record, RecordRef

ORIGIN: Final = "postledger"
# Certain: the record exists because of this mail.
SCORE: Final = 100
LONGEST_NAME: Final = 512
LONGEST_SUMMARY: Final = 1_024
LONGEST_DETAILS: Final = 8_192
_CUT: Final = " ..."
UNNAMED: Final = "(no subject)"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person has said of the record; what is empty comes from the mail."""

    name: str = ""
    summary: str = ""
    details: str = ""
    type: str = ""


def opened(message: StoredMessage) -> StoredMessage:
    """The message with a link to the record that its mailbox wants opened for it, if one is wanted."""
    decision = message.decision
    if not decision.opens:
        return message
    ref = RecordRef(decision.opens, decision.opens_as or opened_id(message.key))
    link = Link(ref, OPENED, Evidence(RECORD, text=f"a new {decision.opens} of this mail"), SCORE)
    links = (link, *decision.links)
    return replace(
        message, decision=replace(decision, disposition=Disposition.FILED, links=links, reason=OPENED)
    )


def opened_refs(message: StoredMessage) -> tuple[RecordRef, ...]:
    """The records that mailboxes wanted for a message; what persons open, they write themselves."""
    return tuple(link.ref for link in message.decision.links if link.rule == OPENED and link.by == BY_RULE)


def record_for(
    document: Document,
    ref: RecordRef,
    wishes: Wishes,
    *,
    contacts: tuple[Record, ...],
    client: str,
    owner: str,
    opened_at: datetime,
) -> Record:
    """The record: title from the stripped subject, details from the whole body, with the chain that it quotes."""
    name, summary = _titles(document, wishes)
    return Record(
        ref=ref,
        name=name,
        summary=summary,
        details=wishes.details or whole_text(document),
        client=client,
        contacts=tuple(contact.ref.id for contact in contacts),
        type=wishes.type,
        owner=owner,
        origin=ORIGIN,
        opened_at=opened_at,
        contact_domains=_domains_of(contacts),
    )


def _titles(document: Document, wishes: Wishes) -> tuple[str, str]:
    """Name and summary. Subjects are compared with the summary, so that answers to the mail find the record."""
    title = subjects.strip(document.subject) or UNNAMED
    name = wishes.name or wishes.summary[:LONGEST_NAME] or title[:LONGEST_NAME]
    return name, wishes.summary or wishes.name or title[:LONGEST_SUMMARY]


def _domains_of(contacts: Iterable[Record]) -> tuple[str, ...]:
    """Where these contacts are; a domain that strangers share, such as a provider's, tells nothing."""
    addresses = chain.from_iterable(contact.addresses for contact in contacts)
    domains = {domain_of(address) for address in addresses}
    return tuple(sorted({registrable(domain) for domain in domains if not is_shared(domain)} - {""}))


def ref_for(kind: str, message_key: str) -> RecordRef:
    """The record of this kind for this mail: asked for twice, it is the same one."""
    return RecordRef(kind, opened_id(message_key))


def whole_text(document: Document) -> str:
    """The body as text, as much of it as a record holds, cut at a word."""
    text = document.text.strip()
    if len(text) <= LONGEST_DETAILS:
        return text
    kept = text[: LONGEST_DETAILS - len(_CUT)]
    return (kept.rsplit(maxsplit=1) or [kept])[0] + _CUT
