"""What the rules of today would make of a mail that was decided before: which links it would gain, which it would lose.

A person's word stands: links made by hand, mails decided in My Inbox and mails deleted are left as they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import OPENED
from shared.domain.mail import subjects
from shared.domain.mail.addresses import domain_of, mailbox_keys
from shared.domain.mail.public_domains import registrable
from shared.domain.matching.decisions import BY_RULE, Decision, Disposition, Link, best_first, is_better
from shared.domain.records.records import Record, RecordRef

# A record that was opened, that a mail was sent for, and a report's own mail, do not depend on the policies of today.
LASTING: Final = (OPENED, "bounce", "sent")


@dataclass(frozen=True, slots=True)
class Difference:
    """A mail that the rules of today file differently. Seen once for each mail."""

    message_key: str
    at: datetime
    before: Decision
    after: Decision

    @property
    def gained(self) -> tuple[Link, ...]:
        had = _refs(self.before.links)
        return tuple(link for link in self.after.links if link.ref not in had)

    @property
    def lost(self) -> tuple[Link, ...]:
        has = _refs(self.after.links)
        return tuple(link for link in self.before.links if link.ref not in has)


def is_open_to_rules(stored: StoredMessage) -> bool:
    """Whether rules may still decide on it."""
    return not stored.is_deleted and stored.decided is None


def revised(stored: StoredMessage, fresh: Decision) -> Decision:
    """The stored decision with the links that rules made replaced by those of today."""
    best = {link.ref: link for link in stored.decision.links if _is_lasting(link)}
    for link in fresh.links:
        if stored.may_gain(link) and is_better(link, best.get(link.ref)):
            best[link.ref] = link
    if not best:
        return _in_triage(fresh)
    links = tuple(sorted(best.values(), key=best_first))
    return replace(
        fresh,
        disposition=Disposition.FILED,
        links=links,
        reason=links[0].rule,
        suggestions=tuple(link for link in fresh.suggestions if link.ref not in best),
        listed="",
        opens="",
    )


def _in_triage(fresh: Decision) -> Decision:
    reason = fresh.reason if fresh.disposition is Disposition.TRIAGE else "no_match"
    return replace(fresh, disposition=Disposition.TRIAGE, links=(), reason=reason, listed="", opens="")


def difference(stored: StoredMessage, fresh: Decision) -> Difference | None:
    """What would change; None where the same records are reached."""
    after = revised(stored, fresh)
    same = _refs(stored.decision.links) == _refs(after.links)
    return None if same else Difference(stored.key, stored.at, stored.decision, after)


def concerns(stored: StoredMessage, record: Record) -> bool:
    """Whether a record's timeline may gain or lose this mail: it stands there, or names its people or subject."""
    if record.ref in _refs((*stored.decision.links, *stored.decision.suggestions)):
        return True
    if not mailbox_keys(stored.participants).isdisjoint(mailbox_keys(record.addresses)):
        return True
    if _is_at(stored.participants, (*record.domains, *record.contact_domains)):
        return True
    return bool(record.summary) and subjects.normalise(record.summary) in subjects.spellings(
        stored.fingerprint.subject
    )


def _is_lasting(link: Link) -> bool:
    return link.by != BY_RULE or link.rule in LASTING


def _refs(links: Iterable[Link]) -> set[RecordRef]:
    return {link.ref for link in links}


def _is_at(addresses: Iterable[str], domains: Iterable[str]) -> bool:
    """Whether somebody has an address at one of these domains, or at another one of the same owner."""
    # By registrable domain, as the index is asked: a client's subdomain counts as the client.
    places = {registrable(domain) for domain in domains} - {""}
    return any(registrable(domain_of(address)) in places for address in addresses) if places else False
