"""Addresses that change: noticed at night by object id, offered, and taken over with everything that is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shared import telemetry
from shared.domain.commands.commands import MaintainSubscription
from shared.domain.connections.mailbox_state import offered
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    AccessDenied,
    Forbidden,
    InvalidInput,
    NotFound,
    PermanentError,
    TransientError,
    WrongState,
)
from shared.domain.mail.addresses import normalise
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.directory import DirectoryUser
from shared.ports.mail import MailAccess
from shared.ports.mailbox_access import MOST_USERS, AccessProbe
from shared.ports.stores.capture import FolderStates
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.work import Clock, CommandQueue
from shared.services.conflicts import persistently
from shared.services.connections.mailboxes import SAVE_DELAY, GetMailbox, Register


@dataclass(frozen=True, slots=True)
class NoticeAddresses:
    """The nightly timer's part: a request for every 15 mailboxes whose object id is known."""

    probe: AccessProbe
    organisations: Organisations
    mailboxes: Mailboxes

    def __call__(self) -> None:
        """A directory that may not be read, or does not answer, offers nothing this night."""
        offered = 0
        for organisation in self.organisations.all():
            if not organisation.is_served:
                continue
            known = (mailbox for mailbox in self.mailboxes.of(organisation.tenant_id) if _is_known(mailbox))
            try:
                while batch := list(islice(known, MOST_USERS)):
                    offered += self._offer(organisation.tenant_id, batch)
            except (PermanentError, TransientError) as error:
                telemetry.event("directory_unread", tenant=organisation.tenant_id, error=type(error).__name__)
        telemetry.event("addresses_noticed", offered=offered)

    def _offer(self, tenant_id: str, mailboxes: Sequence[Mailbox]) -> int:
        users = self.probe.users(tenant_id, [mailbox.user_id for mailbox in mailboxes])
        moved = 0
        for mailbox in mailboxes:
            user = users.get(mailbox.user_id)
            address = user.address if user is not None and user.address != mailbox.address else ""
            moved += bool(address)
            self.mailboxes.change(mailbox, offered(address))
        return moved


@dataclass(frozen=True, slots=True)
class TakeOverAddress:
    """Give a mailbox its new main address: an admin any, an agent the own. Id, cursors and history stay."""

    get: GetMailbox
    probe: AccessProbe
    mail: MailAccess
    mailboxes: Mailboxes
    folders: FolderStates
    register: Register
    queue: CommandQueue
    clock: Clock

    def __call__(self, caller: Caller, address: str, new: str) -> Mailbox:
        """Raises Unknown, InvalidInput where it is not proved to be the same mailbox, WrongState."""
        mailbox = self.get(caller, address)
        wanted = normalise(new)
        if wanted is None:
            raise InvalidInput(f"'address' holds {new[:320]!r}, which is no e-mail address.")
        if wanted == mailbox.address:
            return mailbox
        if self.mailboxes.get(caller.tenant_id, wanted) is not None:
            raise WrongState(f"There is a mailbox {wanted} already. Remove it first if it is the same one.")
        # Nobody but the person who saved its credentials can say which addresses a mailbox outside has. Its domain
        # becomes the organisation's own, and its address a colleague's: that is an admin's to say.
        if mailbox.is_outside and ADMIN not in caller.roles:
            raise Forbidden("An admin gives a mailbox outside Microsoft 365 its new address.")
        aliases = () if mailbox.is_outside else self._aliases(mailbox, wanted)
        moved = persistently(lambda: self._moved(mailbox, wanted, aliases))
        self.register(moved)
        self.queue.send(MaintainSubscription.of(moved, self.clock()))
        return moved

    def _moved(self, mailbox: Mailbox, wanted: str, aliases: tuple[str, ...]) -> Mailbox:
        current = self.mailboxes.by_id(mailbox.tenant_id, mailbox.mailbox_id)
        if current is None or current.is_removed:
            raise WrongState("The mailbox was removed meanwhile.")
        # Asked for beforehand, as in PutMailbox: the command registers what this request may not get to.
        self.queue.send(MaintainSubscription.of(current, self.clock()), delay=SAVE_DELAY)
        return self.mailboxes.save(current.readdressed(wanted, aliases))

    def _aliases(self, mailbox: Mailbox, wanted: str) -> tuple[str, ...]:
        """The other addresses of the mailbox, once it is proved that the new one is its own."""
        asked = replace(mailbox, address=wanted, user_id="")
        try:
            user = self.probe.user(asked)
        except NotFound as error:
            raise InvalidInput(f"No user of this tenant has the address {wanted}.") from error
        except AccessDenied:
            self._compare_folders(mailbox, asked)
            return ()
        self._compare_users(mailbox, user, wanted)
        return user.aliases

    def _compare_users(self, mailbox: Mailbox, user: DirectoryUser, wanted: str) -> None:
        if user.address != wanted:
            raise InvalidInput(f"{wanted} is not a main address. Use {user.address}.")
        if not mailbox.user_id:
            self._compare_folders(mailbox, replace(mailbox, address=wanted, user_id=user.user_id))
        elif user.user_id != mailbox.user_id:
            raise InvalidInput(_ANOTHER.format(wanted=wanted))

    def _compare_folders(self, mailbox: Mailbox, asked: Mailbox) -> None:
        """Without object ids the folders prove it: their ids are unique to a mailbox."""
        known = {folder.folder_id for folder in self.folders.all(mailbox)}
        try:
            there = {folder.folder_id for folder in self.mail.open(asked).folders({})}
        except PermanentError as error:
            raise InvalidInput(f"The mailbox {asked.address} cannot be opened: {error}") from error
        if not known & there:
            raise InvalidInput(_ANOTHER.format(wanted=asked.address))


_ANOTHER = "{wanted} is another mailbox, not this one under a new address. Add it as a mailbox of its own."


def _is_known(mailbox: Mailbox) -> bool:
    return bool(mailbox.user_id) and not mailbox.is_removed
