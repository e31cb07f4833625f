"""One record takes the place of another: what the two come to, and what becomes of links to the one that goes."""

from collections.abc import Iterable
from dataclasses import replace

from shared.domain.errors import InvalidInput
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import PersonDecision
from shared.domain.matching.matching import BY_RULE, Decision, Link
from shared.domain.records.records import MATTERS, Record, RecordRef

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
    """What stays of a record that was merged: its name, and where to look."""
    return Record(merged.ref, name=merged.name, status="closed", origin=merged.origin, merged_into=into.id)


def renamed(record: Record, ref: RecordRef, existing: Record | None) -> Record:
    """A record under another id. What the CRM has pushed there already stands; when it was opened goes along."""
    if existing is None:
        return replace(record, ref=ref)
    return replace(united(existing, record), origin=record.origin, opened_at=record.opened_at)


def check_merge(merged: Record, into: RecordRef) -> None:
    """Raises InvalidInput where the two cannot become one."""
    if merged.ref == into:
        raise InvalidInput(f"{into} cannot be merged into itself; name another record.")
    if merged.merged_into and merged.survivor != into:
        raise InvalidInput(f"{merged.ref} was merged into {merged.survivor} before; merge that one.")


def check_rename(record: Record, ref: RecordRef) -> None:
    """Raises InvalidInput for a record whose id is not ours to give up."""
    if record.merged_into and record.survivor == ref:
        return
    if record.origin != OURS or record.ref.kind not in (*MATTERS, "case"):
        raise InvalidInput(f"{record.ref} was not opened by Postledger; only such a record takes another id.")
    check_merge(record, ref)


def moved(decision: Decision, old: RecordRef, new: RecordRef) -> Decision:
    """A decision whose links and suggestions lead to `new` where they led to `old`."""
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
    """Of two links to one record, a person's stays, else the surer one."""
    if all(one.ref != old for one in links):
        return links
    best: dict[RecordRef, Link] = {}
    for link in (replace(one, ref=new) if one.ref == old else one for one in links):
        held = best.get(link.ref)
        if held is None or (held.by != BY_RULE, held.score) < (link.by != BY_RULE, link.score):
            best[link.ref] = link
    return tuple(sorted(best.values(), key=lambda one: (-one.score, one.ref)))


def _both(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
