"""What a person is here: organisation, own mailboxes, the addresses to send from; and the own signature."""

from dataclasses import dataclass
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.errors import InvalidInput
from shared.domain.mail.html import safe_html
from shared.domain.privacy.callers import ADMIN, AGENT, Caller
from shared.domain.sending.from_addresses import Sender, own_mailbox, senders
from shared.ports.stores.sending import Signatures
from shared.services.notices.reading import ReadNotices
from shared.services.sending.settling import FindHouse

LONGEST_SIGNATURE: Final = 100_000


@dataclass(frozen=True, slots=True)
class Me:
    """A person of the organisation. `mailboxes` are those whose agent it is; `name` is the directory's."""

    caller: Caller
    name: str
    organisation: Organisation
    mailboxes: tuple[Mailbox, ...]
    senders: tuple[Sender, ...]
    signature: str
    notices: int


@dataclass(frozen=True, slots=True)
class ReadMe:
    """What the caller is here. Four reads."""

    find_house: FindHouse
    signatures: Signatures
    read_notices: ReadNotices

    def __call__(self, caller: Caller) -> Me:
        _check_person(caller)
        house = self.find_house(caller, "")
        theirs = (mailbox for mailbox in house.mailboxes if caller.owns(mailbox) and not mailbox.is_removed)
        own = own_mailbox(house.actor, house.mailboxes)
        return Me(
            caller=caller,
            name=own.display_name if own else "",
            organisation=house.organisation,
            mailboxes=tuple(sorted(theirs, key=lambda mailbox: mailbox.address)),
            senders=senders(house.actor, house.mailboxes),
            signature=self.signatures.get(caller.tenant_id, caller.oid),
            notices=self.read_notices.count(caller),
        )


@dataclass(frozen=True, slots=True)
class PutSignature:
    """Keep what stands below the caller's mails, as far as it is safe to show."""

    signatures: Signatures

    def __call__(self, caller: Caller, html: str) -> str:
        """The signature as it is kept. Raises InvalidInput for one that is too long, or too much to check."""
        _check_person(caller)
        if len(html) > LONGEST_SIGNATURE:
            raise InvalidInput(f"A signature may have {LONGEST_SIGNATURE:,} characters at most.")
        safe = safe_html(html, remote_images=True, cid_url=lambda _: None)
        if safe.withheld:
            raise InvalidInput(f"The signature cannot be checked: {safe.withheld}")
        self.signatures.put(caller.tenant_id, caller.oid, safe.html)
        return safe.html


def _check_person(caller: Caller) -> None:
    caller.needs(AGENT, ADMIN)
    if not caller.is_person:
        raise InvalidInput("This is about a person: sign in as one.")
