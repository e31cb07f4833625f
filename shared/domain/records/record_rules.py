"""What a well-formed record may not say: the sentence that refuses it, and says what to do instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.organisations import in_domains
from shared.domain.mail.public_domains import is_shared, registrable
from shared.domain.records.records import Record

# A property of a table row holds 64 KiB of UTF-16; a list is one property.
LONGEST_LIST: Final = 30_000
_LISTS: Final = ("addresses", "domains", "contacts", "properties")


@dataclass(frozen=True, slots=True)
class Insiders:
    """Whom records may not claim: the organisation's own domains, and those addresses that are its people's."""

    own_domains: tuple[str, ...] = ()
    staff: frozenset[str] = frozenset()


def refusal(record: Record, insiders: Insiders) -> str:
    """Why a record cannot be taken; '' when it can."""
    return _too_long(record) or _of_staff(record, insiders) or _of_domains(record, insiders)


def refusal_of_stub(stored: Record | None) -> str:
    """Why nothing may be written where this stands; '' when it may."""
    if stored is None or not stored.merged_into:
        return ""
    return f"{stored.ref} was merged into {stored.survivor}: write to that one, or delete this one first."


def _too_long(record: Record) -> str:
    for name in _LISTS:
        if sum(len(one) + 3 for one in getattr(record, name)) > LONGEST_LIST:
            return f"'{name}' is too long: together its items may have {LONGEST_LIST:,} characters."
    return ""


def _of_staff(record: Record, insiders: Insiders) -> str:
    own = [one for one in record.addresses if one in insiders.staff]
    if not own:
        return ""
    return (
        f"{', '.join(own)} belongs to the organisation's own people. A contact card with it would expose "
        "colleagues' mail; leave the address out."
    )


def _of_domains(record: Record, insiders: Insiders) -> str:
    return next(filter(None, (_of_domain(one, insiders.own_domains) for one in record.domains)), "")


def _of_domain(domain: str, own_domains: Iterable[str]) -> str:
    own = list(own_domains)
    if in_domains(domain, own) or any(in_domains(one, [domain]) for one in own):
        return (
            f"{domain} is the organisation's own domain. A client with it would be shown colleagues' mail; "
            "leave the domain out."
        )
    if not registrable(domain):
        return f"{domain} is a domain below which anybody can register; give the client's own, below it."
    if is_shared(domain):
        return (
            f"{domain} is a free-mail or shared-host domain: people who have nothing to do with each other "
            "write from there. Leave the domain out, and give the client's people as contacts instead."
        )
    return ""
