"""Which intake mailbox a mail is for, by which of its addresses: To before Cc before Bcc, whichever copy came first.

Says too which mailing lists are the organisation's own doors: mail that comes through one is no list mail.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.connections.organisations import in_domains
from shared.domain.intake.settings import CASE, REOPEN, Route
from shared.domain.mail.addresses import Person, domain_of, mailbox_key
from shared.domain.mail.messages import MessageHead


@dataclass(frozen=True, slots=True)
class Door:
    """The intake mailbox that makes something of a mail; `address` is the one it was sent to, '' = it names none.

    `opens`, `unmatched` and `closed` are what the mailbox wants, its route for that address included.
    """

    mailbox_id: str
    address: str = ""
    opens: str = CASE
    unmatched: str = "new"
    closed: str = REOPEN


def door_of(head: MessageHead, copy_in: Mailbox, others: Iterable[Mailbox] = ()) -> Door | None:
    """The door of a mail with a copy in this mailbox; None where that is a person's.

    `others` are the organisation's other intake mailboxes: one of them may stand before this one in To.
    """
    if copy_in.kind != INTAKE:
        return None
    desks = [copy_in, *(desk for desk in others if desk.is_served and desk.mailbox_id != copy_in.mailbox_id)]
    for address in chain.from_iterable(_in_order(head)):
        found = next((desk for desk in desks if leads_to(desk, address)), None)
        if found is not None:
            return _door(found, address)
    return _door(copy_in, "")


def route_of(mailbox: Mailbox, address: str) -> Route | None:
    """The mailbox's route for an address in whatever spelling."""
    key = mailbox_key(address)
    return next((route for route in mailbox.intake.routes if mailbox_key(route.to) == key), None)


def leads_to(desk: Mailbox, address: str) -> bool:
    """Whether an address is the mailbox's own, or has a route there."""
    return address in desk.desk_addresses or route_of(desk, address) is not None


def is_own_door(lists: Collection[str], own_domains: Sequence[str], routes: Collection[str]) -> bool:
    """Whether all lists that passed a mail on are the organisation's own: at its domains, or with a route.

    A group in front of an intake mailbox writes the headers of a list; what comes through it is an enquiry.
    """
    return bool(lists) and all(
        address in routes or in_domains(domain_of(address), own_domains) for address in lists
    )


def _in_order(head: MessageHead) -> Iterator[Iterator[str]]:
    people: tuple[tuple[Person, ...], ...] = (head.to, head.cc, head.bcc)
    for persons in people:
        yield (person.address for person in persons if person.address)


def _door(desk: Mailbox, address: str) -> Door:
    route = route_of(desk, address) if address else None
    opens = route.opens if route and route.opens else desk.opens
    return Door(desk.mailbox_id, address, opens, desk.unmatched, desk.intake.closed)
