"""A record replaces another: the union of the two, and the links that move to the remaining record."""

from collections.abc import Iterable
from dataclasses import replace

from shared.domain.errors import InvalidInput
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import PersonDecision
from shared.domain.matching.decisions import BY_RULE, Decision, Link
from shared.domain.records.records import DEALS, Record, RecordRef

OURS = "postledger"


def united(survivor: Record, merged: Record) -> Record:
    """The survivor with the addresses, client, contacts and properties of both; its own come first."""
    return replace(
        survivor,
        addresses=_both(survivor.addresses, merged.addresses),
        client=survivor.client or merged.client,
        contacts=_both(survivor.contacts, merged.contacts),
        properties=_both(survivor.properties, merged.properties),
    )


def stub(merged: Record, into: RecordRef) -> Record:
    """The rest of a merged record: its name, and the record that replaced it."""
    # Without addresses and domains no index row leads to it any more.
    return Record(merged.ref, name=merged.name, status="closed", origin=merged.origin, merged_into=into.id)


def renamed(record: Record, ref: RecordRef, existing: Record | None) -> Record:
    """The record under another id. Fields that the CRM has sent to that id win; the time of opening stays."""
    if existing is None:
        return replace(record, ref=ref)
    return united(existing, record).as_opened_by(record)


def check_merge(merged: Record, into: RecordRef) -> None:
    """Raises InvalidInput if the two records cannot be merged."""
    if merged.ref == into:
        raise InvalidInput(f"{into} cannot be merged into itself; name another record.")
    if merged.merged_into and merged.survivor != into:
        raise InvalidInput(
            f"{merged.ref} was merged into {merged.survivor}; merge {merged.survivor} instead."
        )


def check_rename(record: Record, ref: RecordRef) -> None:
    """Raises InvalidInput for a record whose id belongs to the CRM."""
    if record.merged_into and record.survivor == ref:
        return
    if record.origin != OURS or record.ref.kind not in (*DEALS, "case"):
        raise InvalidInput(
            f"{record.ref} was not opened by Postledger; only records that Postledger opened can be renamed."
        )
    check_merge(record, ref)


def moved(decision: Decision, old: RecordRef, new: RecordRef) -> Decision:
    """The decision with `new` in the place of `old` in links and suggestions."""
    return replace(
        decision,
        links=_redirected(decision.links, old, new),
        suggestions=_redirected(decision.suggestions, old, new),
    )


def relinked(stored: StoredMessage, old: RecordRef, new: RecordRef) -> StoredMessage:
    """A message whose decision, and what a person decided on it, lead to `new` where they led to `old`."""
    return replace(
        stored,
        decision=moved(stored.decision, old, new),
        decided=moved_decision(stored.decided, old, new),
    )


def moved_decision(decision: PersonDecision | None, old: RecordRef, new: RecordRef) -> PersonDecision | None:
    """What a person decided, likewise, and what an undo would bring back."""
    if decision is None:
        return None
    links = _redirected(decision.links, old, new)
    return replace(decision, links=links, before=moved(decision.before, old, new))


def _redirected(links: tuple[Link, ...], old: RecordRef, new: RecordRef) -> tuple[Link, ...]:
    """The links with `new` in the place of `old`; of two links to one record the stronger stays."""
    if all(link.ref != old for link in links):
        return links
    strongest: dict[RecordRef, Link] = {}
    for link in links:
        redirected = replace(link, ref=new) if link.ref == old else link
        held = strongest.get(redirected.ref, redirected)
        strongest[redirected.ref] = max(held, redirected, key=_strength)
    return tuple(sorted(strongest.values(), key=lambda link: (-link.score, link.ref)))


def _strength(link: Link) -> tuple[bool, int]:
    """A person's link is stronger than a rule's, whatever its score."""
    return link.by != BY_RULE, link.score


def _both(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
