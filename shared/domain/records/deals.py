"""The domains of a deal's contacts: the deal carries them, so that matching finds it by a mail's domain."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from shared.domain.connections.organisations import in_domains
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.public_domains import is_shared
from shared.domain.records.records import Record, indexed_domain


def people_domains(contact: Record | None, own_domains: Iterable[str]) -> frozenset[str]:
    """The domains that a contact gives to its deals: no shared domains, and no domains of the organisation."""
    if contact is None:
        return frozenset()
    own = tuple(own_domains)
    domains = {domain_of(address) for address in contact.addresses}
    # Strangers share a mail provider's domain, and colleagues' mail must not be filed for a deal.
    telling = (domain for domain in domains if not is_shared(domain) and not in_domains(domain, own))
    return frozenset(indexed_domain(domain) for domain in telling)


def with_contacts(deal: Record, contacts: Mapping[str, Record | None], own_domains: Iterable[str]) -> Record:
    """The deal with its contacts' domains. `contacts` holds the listed contacts by id, None for a missing contact.

    A record that is no deal stays as it is.
    """
    if not deal.is_deal:
        return deal
    own = tuple(own_domains)
    listed = [contacts.get(contact_id) for contact_id in deal.contacts]
    domains = frozenset[str]().union(*(people_domains(contact, own) for contact in listed))
    missing = tuple(contact_id for contact_id in deal.contacts if contacts.get(contact_id) is None)
    return replace(deal, contact_domains=tuple(sorted(domains)), missing=missing)
