"""What the rules of today would make of a mail that was decided before: which links it would gain, which it would lose.

A person's word stands: links made by hand, mails decided in My Inbox and mails deleted are left as they are.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import OPENED
from shared.domain.mail import subjects
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.public_domains import registrable
from shared.domain.matching.decisions import BY_RULE, Decision, Disposition, Link, best_first, is_better
from shared.domain.records.records import Record, RecordRef

# What opened a record or names a mail that did not arrive is no matter of policy.
LASTING: Final = (OPENED, "bounce")


@dataclass(frozen=True, slots=True)
class Difference:
    """A mail that the rules of today file differently. Seen once for each mail."""

    message_key: str
    at: datetime
    before: Decision
    after: Decision

    @property
    def gained(self) -> tuple[Link, ...]:
        had = {one.ref for one in self.before.links}
        return tuple(one for one in self.after.links if one.ref not in had)

    @property
    def lost(self) -> tuple[Link, ...]:
        has = {one.ref for one in self.after.links}
        return tuple(one for one in self.before.links if one.ref not in has)


def is_open_to_rules(stored: StoredMessage) -> bool:
    """Whether rules may still decide on it."""
    return not stored.is_deleted and stored.decided is None


def revised(stored: StoredMessage, fresh: Decision) -> Decision:
    """The stored decision with the links that rules made replaced by those of today."""
    best: dict[RecordRef, Link] = {
        one.ref: one for one in stored.decision.links if one.by != BY_RULE or one.rule in LASTING
    }
    for link in fresh.links:
        if stored.may_gain(link) and is_better(link, best.get(link.ref)):
            best[link.ref] = link
    if not best:
        reason = fresh.reason if fresh.disposition is Disposition.TRIAGE else "no_match"
        return replace(fresh, disposition=Disposition.TRIAGE, links=(), reason=reason, listed="", opens="")
    links = tuple(sorted(best.values(), key=best_first))
    return replace(
        fresh,
        disposition=Disposition.FILED,
        links=links,
        reason=links[0].rule,
        suggestions=tuple(one for one in fresh.suggestions if one.ref not in best),
        listed="",
        opens="",
    )


def difference(stored: StoredMessage, fresh: Decision) -> Difference | None:
    """What would change; None where the same records are reached."""
    after = revised(stored, fresh)
    same = {one.ref for one in stored.decision.links} == {one.ref for one in after.links}
    return None if same else Difference(stored.key, stored.at, stored.decision, after)


def concerns(stored: StoredMessage, record: Record) -> bool:
    """Whether a record's timeline may gain or lose this mail: it stands there, or names its people or subject."""
    if any(one.ref == record.ref for one in (*stored.decision.links, *stored.decision.suggestions)):
        return True
    if not stored.participants.isdisjoint(record.addresses):
        return True
    places = {registrable(one) for one in (*record.domains, *record.contact_domains)} - {""}
    if places and any(registrable(domain_of(one)) in places for one in stored.participants):
        return True
    return bool(record.summary) and subjects.normalise(record.summary) == stored.fingerprint.subject
