"""Opportunities and projects know the domains of their contacts, so that a mail finds them by its domain."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from shared.domain.connections.organisations import in_domains
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.public_domains import is_shared
from shared.domain.records.records import Record, indexed_domain


def people_domains(contact: Record | None, own_domains: Iterable[str]) -> frozenset[str]:
    """Domains that a contact lends to what lists it: never shared ones, never the organisation's own."""
    own = tuple(own_domains)
    domains = {domain_of(one) for one in contact.addresses} if contact else set()
    said = (one for one in domains if not is_shared(one) and not in_domains(one, own))
    return frozenset(indexed_domain(one) for one in said)


def with_contacts(deal: Record, contacts: Mapping[str, Record | None], own_domains: Iterable[str]) -> Record:
    """The matter as it should stand now; `contacts` has those it lists by id, None for one that is not there.

    Any other record stays as it is.
    """
    if not deal.is_deal:
        return deal
    own = tuple(own_domains)
    listed = [contacts.get(one) for one in deal.contacts]
    domains = frozenset(domain for one in listed for domain in people_domains(one, own))
    missing = tuple(one for one in deal.contacts if contacts.get(one) is None)
    return replace(deal, contact_domains=tuple(sorted(domains)), missing=missing)
