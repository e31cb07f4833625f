"""Who gets no mail of a campaign, and why. Asked when it is prepared, and again right before each draft is made.

It holds by address: whoever unsubscribed on one card gets no campaign on another one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.campaigns.campaigns import LeftOut
from shared.domain.connections.organisations import is_listed
from shared.domain.mail.addresses import mailbox_key
from shared.domain.privacy.erasure import PLACEHOLDER
from shared.domain.sending.replying import Own


class Reason(StrEnum):
    """Why somebody is left out, the most lasting reason first."""

    NO_ADDRESS = "no_address"
    ERASED = "erased"
    NEVER_LOG = "never_log"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    OWN_PEOPLE = "own_people"
    DELETED = "deleted"
    CLOSED = "closed"
    TWICE = "twice"
    REFUSED = "refused"


SENTENCES: Final = {
    Reason.NO_ADDRESS: "The contact has no address to which mail can leave.",
    Reason.ERASED: "The person was erased.",
    Reason.NEVER_LOG: "The address or its domain is on 'never_log'.",
    Reason.UNSUBSCRIBED: "The person has unsubscribed. Ordinary mail still goes.",
    Reason.BOUNCED: "A server reported that there is no such mailbox.",
    Reason.OWN_PEOPLE: "The address belongs to the organisation itself.",
    Reason.DELETED: "No contact has this address any more.",
    Reason.CLOSED: "The contact, or a record for which the mail is sent, is closed.",
    Reason.TWICE: "The address stands in the list before.",
    Reason.REFUSED: "The mail was refused.",
}


def left_out(reason: Reason, sentence: str = "") -> LeftOut:
    return LeftOut(reason.value, sentence or SENTENCES[reason])


@dataclass(frozen=True, slots=True)
class Silence:
    """An address that gets no campaigns any more: its person said so, or a server said that it does not exist.

    Known by a keyed hash, so that a link need not name anybody.
    """

    hashed: str
    reason: Reason
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an address now. `on_card`: a contact has it; `closed`: what it is sent for is closed."""

    address: str
    erased: bool = False
    silence: Reason | None = None
    is_staff: bool = False
    on_card: bool = True
    closed: bool = False


def objection(standing: Standing, own: Own, never_log: Iterable[str]) -> LeftOut | None:
    """The first reason to leave an address out; None: it gets the mail."""
    address = standing.address
    # What an erasure has put in the place of an address reaches nobody, and stands for nobody.
    if address == PLACEHOLDER:
        return left_out(Reason.ERASED)
    if not address or not address.isascii():
        return left_out(Reason.NO_ADDRESS)
    if standing.erased:
        return left_out(Reason.ERASED)
    if is_listed(address, never_log):
        return left_out(Reason.NEVER_LOG)
    if standing.silence is not None:
        return left_out(standing.silence)
    return _of_record(standing, own)


def _of_record(standing: Standing, own: Own) -> LeftOut | None:
    if standing.is_staff or own.has(standing.address):
        return left_out(Reason.OWN_PEOPLE)
    if not standing.on_card:
        return left_out(Reason.DELETED)
    return left_out(Reason.CLOSED) if standing.closed else None


def first_of_each(addresses: Iterable[str]) -> list[bool]:
    """Whether each address stands for the first time in its list, in whatever spelling of its mailbox."""
    seen: set[str] = set()
    found = []
    for address in addresses:
        key = mailbox_key(address)
        found.append(key not in seen or not key)
        seen.add(key)
    return found
