"""Opportunities and projects know the domains of their contacts, so that a mail finds them by its domain."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from shared.domain.addresses import domain_of
from shared.domain.organisations import in_domains
from shared.domain.records import Record, indexed_domain


def people_domains(contact: Record | None, own_domains: Iterable[str]) -> frozenset[str]:
    """Domains that a contact lends to what lists it; none where there is no contact."""
    found = {indexed_domain(domain_of(one)) for one in contact.addresses} if contact else set()
    own = tuple(own_domains)
    return frozenset(one for one in found - {""} if not in_domains(one, own))


def with_contacts(
    matter: Record, contacts: Mapping[str, Record | None], own_domains: Iterable[str]
) -> Record:
    """The matter as it should stand now; `contacts` has those it lists by id, None for one that is not there.

    Any other record stays as it is.
    """
    if not matter.is_matter:
        return matter
    own = tuple(own_domains)
    listed = [contacts.get(one) for one in matter.contacts]
    domains = frozenset(domain for one in listed for domain in people_domains(one, own))
    missing = tuple(one for one in matter.contacts if contacts.get(one) is None)
    return replace(matter, contact_domains=tuple(sorted(domains)), missing=missing)
