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


def opened_record(message: StoredMessage, document: Document) -> Record | None:
    """The record behind such a link: named after the mail, with the contacts and the client it was matched to."""
    decision = message.decision
    wanted = (one.ref for one in decision.links if one.rule == RULE and one.ref.kind == decision.opens)
    ref = next(wanted, None)
    if ref is None:
        return None
    name = subjects.strip(document.subject)[:LONGEST_NAME] or "(no subject)"
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
