"""Rules for well-formed records: the sentence that refuses a record and says what to do instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.organisations import in_domains
from shared.domain.mail.public_domains import is_shared, registrable
from shared.domain.records.records import Record

# A property of a table row holds 64 KiB of UTF-16, and a list is one property.
# Each item costs three characters more: its quotes and its comma.
LONGEST_LIST: Final = 30_000
_LISTS: Final = ("addresses", "domains", "contacts", "properties")


@dataclass(frozen=True, slots=True)
class Insiders:
    """The names that no record may carry: the organisation's own domains, and addresses of its people.

    Nor those of people who were erased. `captured` are the addresses of captured mailboxes, from which alone a client's
    mail may be sent.
    """

    own_domains: tuple[str, ...] = ()
    staff: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    captured: frozenset[str] = frozenset()


def refusal(record: Record, insiders: Insiders) -> str:
    """The reason to refuse a record; empty if it is accepted."""
    return (
        _too_long(record)
        or _of_staff(record, insiders)
        or _of_erased(record, insiders)
        or _of_domains(record, insiders)
        or _of_senders(record, insiders)
    )


def refusal_of_stub(stored: Record | None) -> str:
    """The reason to refuse a write over this stored record; empty if the write is accepted."""
    if stored is None or not stored.merged_into:
        return ""
    return f"{stored.ref} was merged into {stored.survivor}: write to {stored.survivor}, or delete {stored.ref} first."


def _too_long(record: Record) -> str:
    for name in _LISTS:
        if sum(len(item) + 3 for item in getattr(record, name)) > LONGEST_LIST:
            return f"'{name}' is too long: its items may have {LONGEST_LIST:,} characters in total."
    return ""


def _of_staff(record: Record, insiders: Insiders) -> str:
    own = [address for address in record.addresses if address in insiders.staff]
    if not own:
        return ""
    return (
        f"{', '.join(own)} belongs to the organisation's own people. A contact card with it would expose "
        "colleagues' mail; leave the address out."
    )


def _of_erased(record: Record, insiders: Insiders) -> str:
    if not insiders.erased.intersection(record.addresses):
        return ""
    # Without the address: the answer of a load may end in a log of the CRM's.
    return (
        "'addresses' holds an address of a person who was erased here (POST erase), whose mail is never captured "
        "again. Leave the address out, and erase the person in the CRM as well."
    )


def _of_domains(record: Record, insiders: Insiders) -> str:
    reasons = (_of_domain(domain, insiders.own_domains) for domain in record.domains)
    return next(filter(None, reasons), "")


def _of_senders(record: Record, insiders: Insiders) -> str:
    missing = sorted(record.overrides.senders - insiders.captured)
    if not missing:
        return ""
    return (
        f"'overrides' names {', '.join(missing)}, which is no captured mailbox. Mail can leave only from one: add the "
        "mailbox first, under its main address."
    )


def _of_domain(domain: str, own_domains: Iterable[str]) -> str:
    own = list(own_domains)
    # A client with example.com would claim mail.example.com, and the other way round.
    if in_domains(domain, own) or any(in_domains(own_domain, [domain]) for own_domain in own):
        return (
            f"{domain} is the organisation's own domain. A client with it would collect colleagues' mail; "
            "leave the domain out."
        )
    if not registrable(domain):
        return f"{domain} is open for registrations by any person; name the client's own domain below it."
    if is_shared(domain):
        return (
            f"{domain} is a free-mail or shared-host domain, which strangers share. Leave the domain out, and add "
            "the client's people as contacts instead."
        )
    return ""
