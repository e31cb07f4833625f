"""Links that a person makes or takes away: what a stored mail becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import BY_HAND, CERTAIN, PersonDecision
from shared.domain.matching.decisions import Decision, Disposition, Link
from shared.domain.matching.evidence import NO_EVIDENCE, RECORD, Evidence
from shared.domain.records.records import Record, RecordRef

# A person took the mail from its last record: it waits in My Inbox again.
UNLINKED: Final = "unlinked"


def links_to(
    refs: Sequence[RecordRef], records: Mapping[RecordRef, Record], *, by: str, rule: str = BY_HAND
) -> tuple[Link, ...]:
    """A person's links to these records; one to a contact brings its client's along.

    Raises InvalidInput for a record that is not there.
    """
    links: dict[RecordRef, Link] = {}
    for ref in refs:
        if ref not in records:
            raise InvalidInput(f"There is no record {ref}; name one that the CRM has pushed.")
        links[ref] = _link(records[ref], by, rule)
    for ref in refs:
        client = client_of(records[ref])
        if client is not None and client in records:
            links.setdefault(client, _link(records[client], by, rule, Evidence(RECORD, text=f"of {ref}")))
    return tuple(links.values())


def client_of(record: Record) -> RecordRef | None:
    """The client that a link to this record brings along."""
    return RecordRef("client", record.client) if record.ref.kind == "contact" and record.client else None


def linked(stored: StoredMessage, links: Sequence[Link]) -> StoredMessage | None:
    """The mail with links by hand added; None when they are there."""
    if stored.is_deleted:
        raise Unknown("There is no such message, or it is not for you to read.")
    held = {link.ref: link for link in stored.decision.links}
    new = {link.ref: link for link in links if _is_new(link, held.get(link.ref))}
    if not new:
        return None
    # A person's link takes the place of a rule's: no rule takes it away again.
    both = {**held, **new}
    return replace(
        stored.reopened(silent=False),
        decision=filed_on([*both.values()], stored.decision),
        unlinked=stored.unlinked - {link.ref for link in links},
    )


def unlinked(stored: StoredMessage, ref: RecordRef) -> StoredMessage | None:
    """The mail taken from a record, to which no rule brings it back; None when a person has done so before.

    Taken from its last one, it goes back to My Inbox, whatever was decided there, and what that decision taught is
    forgotten. The mails that were filed along stay: each is taken away by itself, or all by an undo. Raises Unknown.
    """
    links = [link for link in stored.decision.links if link.ref != ref]
    if len(links) == len(stored.decision.links):
        if ref in stored.unlinked:
            return None
        raise not_on(ref)
    return replace(
        stored.reopened(silent=False),
        decision=filed_on(links, Decision(Disposition.TRIAGE, (), UNLINKED, stored.decision.suggestions)),
        # Back in My Inbox, it is to be decided on anew.
        decided=stored.decided if links else None,
        undone=stored.undone if links else stored.undone or _teaching(stored.decided),
        unlinked=stored.unlinked | {ref},
    )


def not_on(ref: RecordRef) -> Unknown:
    """The same sentence where a mail is not on a record, and where it is for nobody but others to see."""
    return Unknown(f"This message is not on {ref}.")


def filed_on(links: Sequence[Link], otherwise: Decision) -> Decision:
    """The decision that comes to these links, best first; without any it is what stood there `otherwise`."""
    ordered = tuple(sorted(links, key=lambda link: (-link.score, link.ref)))
    if not ordered:
        waiting = otherwise.disposition is Disposition.TRIAGE
        return (
            otherwise
            if waiting
            else replace(otherwise, disposition=Disposition.TRIAGE, links=(), reason=UNLINKED)
        )
    return replace(otherwise, disposition=Disposition.FILED, links=ordered, reason=ordered[0].rule)


def _teaching(decided: PersonDecision | None) -> PersonDecision | None:
    """A decision that goes, as far as it taught an address: neither its thread nor the record it opened goes along."""
    return replace(decided, thread=(), opens=None) if decided and decided.taught else None


def _is_new(link: Link, held: Link | None) -> bool:
    """Where a mail is for all to see, what came along with another record changes nothing."""
    if held is None or held.evidence.is_blind:
        return True
    return link.evidence == NO_EVIDENCE and held.rule != BY_HAND


def _link(record: Record, by: str, rule: str, evidence: Evidence = NO_EVIDENCE) -> Link:
    return Link(record.ref, rule, evidence, CERTAIN, not record.card.is_open, by)
