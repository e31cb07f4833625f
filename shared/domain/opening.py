"""Records that Postledger opens for mail which belongs to none: which link and which record that makes."""

from dataclasses import replace
from typing import Final

from shared.domain import quotes, subjects
from shared.domain.decisions import Disposition, Link
from shared.domain.filing import StoredMessage
from shared.domain.messages import Document
from shared.domain.records import Record, RecordRef

ORIGIN: Final = "postledger"
RULE: Final = "opened"
SCORE: Final = 100
LONGEST_NAME: Final = 512
LONGEST_DETAILS: Final = 2_000


def opened(message: StoredMessage) -> StoredMessage:
    """The message with a link to the record that its mailbox wants opened for it, if one is wanted.

    The record's id follows from the message's key: run twice, it is opened once.
    """
    decision = message.decision
    if not decision.opens:
        return message
    ref = RecordRef(decision.opens, f"pl-{message.key[:20]}{message.key[32:]}")
    link = Link(ref, RULE, f"a new {decision.opens} of this mail", SCORE)
    links = (link, *decision.links)
    return replace(
        message, decision=replace(decision, disposition=Disposition.FILED, links=links, reason=RULE)
    )


def opened_records(message: StoredMessage, document: Document) -> tuple[Record, ...]:
    """The records behind such links: named after the mail, with the contacts and the client it was matched to."""
    links = message.decision.links
    name = subjects.strip(document.subject)[:LONGEST_NAME] or "(no subject)"
    own = quotes.own_text(document.text, quotes.QuoteRanges(document.quoted))
    return tuple(
        Record(
            link.ref,
            name=name,
            summary=name,
            details=own[:LONGEST_DETAILS],
            contacts=tuple(sorted(one.ref.id for one in links if one.ref.kind == "contact")),
            client=min((one.ref.id for one in links if one.ref.kind == "client"), default=""),
            owner=message.agent,
            origin=ORIGIN,
        )
        for link in links
        if link.rule == RULE
    )
