"""What would be captured from a mailbox, and by which rules: decided on headers, with nothing stored.

The mailbox need not be saved yet. Bodies are never fetched, so a reference code in one is not seen here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.capture import screening
from shared.domain.capture.folders import FolderState, classify
from shared.domain.capture.screening import Policy
from shared.domain.capture.windows import Window
from shared.domain.connections.fields import Fields
from shared.domain.connections.mailbox_access import LOSSES
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.verdicts import NO_USER, SENTENCES
from shared.domain.errors import (
    InvalidInput,
    NotFound,
    PermanentError,
    Unknown,
    WrongState,
)
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.filing.visibility import NO_SIGHT, Sight, visible_links
from shared.domain.mail.addresses import Person, domain_of, normalise
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.matching.decisions import Link, MatchPolicy
from shared.domain.matching.matching import match
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.directory import Directory
from shared.ports.mail import MailAccess
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.work import Clock
from shared.services.capture.folder_reading import FolderReader
from shared.services.capture.scopes import Scope, hasher_of
from shared.services.matching.candidates import GatherCandidates

UNREADABLE_HEADERS: Final = "unreadable"
_UNSAVED: Final = ""


@dataclass(frozen=True, slots=True)
class Previewed:
    """A mail that would be kept. `subject` and `sender` are for those who may read it once it is filed."""

    received_at: datetime
    folder: str
    direction: Direction
    capture: str
    outcome: str
    reason: str
    links: tuple[Link, ...]
    subject: str | None = None
    sender: Person | None = None


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """Mails that would be kept, of `seen` that were looked at; the others by reason. Cursor None: that was all."""

    mails: tuple[Previewed, ...]
    seen: int
    skipped: Mapping[str, int]
    cursor: str | None


@dataclass(slots=True)
class _Found:
    mails: list[Previewed] = field(default_factory=list)
    items: set[ItemRef] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)

    def page(self, cursor: str | None) -> PreviewPage:
        return PreviewPage(tuple(self.mails), len(self.items), dict(self.skipped), cursor)


@dataclass(frozen=True, slots=True)
class PreviewMailbox:
    """Look at a page of a mailbox's mail as capture and matching would."""

    organisations: Organisations
    mailboxes: Mailboxes
    mail: MailAccess
    directory: Directory
    reader: FolderReader
    gather: GatherCandidates
    clock: Clock
    hash_key: bytes

    def __call__(
        self, caller: Caller, mailbox: Mailbox, since: datetime | None, *, limit: int, cursor: str
    ) -> PreviewPage:
        """About `limit` mails, oldest first within each folder, received from `since` on.

        Raises WrongState where its provider refuses the mailbox, InvalidInput where there is none and for a cursor of
        another list.
        """
        organisation = self.organisations.get(caller.tenant_id)
        if organisation is None:
            raise Unknown("There is no such organisation.")
        own = organisation.with_own_domain(domain_of(mailbox.address))
        scope = Scope(own, mailbox, hasher_of(self.hash_key, caller.tenant_id))
        begin = since or self.clock() - timedelta(hours=organisation.capture_hours)
        try:
            return self._page(scope, begin, limit, cursor, self._is_own(caller, mailbox))
        except LOSSES as error:
            raise WrongState(f"Microsoft 365 does not let this mailbox be read: {error}") from error

    def mailbox(self, caller: Caller, address: str, given: Mapping[str, Any]) -> Mailbox:
        """The mailbox as it is saved, or would be, under the settings given. Raises Unknown, InvalidInput."""
        named = normalise(address)
        if named is None:
            raise InvalidInput(f"{address[:320]!r} is no e-mail address.")
        stored = self.mailboxes.get(caller.tenant_id, named)
        if stored is not None and stored.is_removed:
            stored = None
        if ADMIN not in caller.roles and (stored is None or not caller.owns(stored)):
            raise Unknown(f"There is no mailbox {named}.")
        if stored is not None:
            return stored.changed(Fields(given))
        return Mailbox(caller.tenant_id, _UNSAVED, named).changed(Fields(given))

    def _is_own(self, caller: Caller, mailbox: Mailbox) -> bool:
        """Whether the mailbox is the caller's. The settings of a preview may name any agent: they prove nothing."""
        if mailbox.mailbox_id != _UNSAVED:
            stored = self.mailboxes.by_id(mailbox.tenant_id, mailbox.mailbox_id)
            return stored is not None and caller.owns(stored)
        try:
            return not caller.app_only and self.directory.user(mailbox).user_id == caller.oid
        except PermanentError:
            return False

    def _page(self, scope: Scope, begin: datetime, limit: int, cursor: str, own: bool) -> PreviewPage:
        found = _Found()
        end = self.clock()
        after, start = _position(cursor, begin)
        for state in self._folders(scope.mailbox):
            if state.folder_id < after:
                continue
            window: Window | None = Window.of(start if state.folder_id == after else begin, end)
            while window is not None:
                if len(found.items) >= limit and not window.cursor:
                    return found.page(encode_cursor(f"{window.start.isoformat()}|{state.folder_id}"))
                window = self._look(scope, state, window, found, own)
        return found.page(None)

    def _folders(self, mailbox: Mailbox) -> list[FolderState]:
        try:
            listed = self.mail.open(mailbox).folders({})
        except NotFound:
            self._check_user(mailbox)
            raise
        captured = [state for state in classify(listed) if state.captured]
        return sorted(captured, key=lambda state: state.folder_id)

    def _check_user(self, mailbox: Mailbox) -> None:
        try:
            self.directory.user(mailbox)
        except NotFound as error:
            raise InvalidInput(SENTENCES[NO_USER]) from error

    def _look(
        self, scope: Scope, state: FolderState, window: Window, found: _Found, own: bool
    ) -> Window | None:
        """Decide on a page of the window; what is left of it."""
        page = self.reader.page(scope.mailbox, state.folder_id, window, with_heads=True, around=True)
        # A second that is read around a broken page comes whole: some of it may have been seen before.
        new = [entry for entry in page.items if entry.item not in found.items]
        singly = page.around is not None
        heads = self.reader.complete(scope.mailbox, new, singly=singly).heads
        found.items.update(entry.item for entry in new)
        found.skipped[UNREADABLE_HEADERS] += len(new) - len(heads)
        found.skipped = +found.skipped
        self._decide(scope, state, heads, found, own=own)
        return page.rest

    def _decide(
        self, scope: Scope, state: FolderState, heads: Sequence[MessageHead], found: _Found, *, own: bool
    ) -> None:
        policy = Policy(scope.organisation, scope.mailbox, state, None)
        heads = [replace(head, folder_id=state.folder_id) for head in heads]
        for head, known in zip(heads, self.gather(scope, heads), strict=True):
            candidates = self.gather.for_matching(scope, head, screening.placed(known, state))
            verdict = screening.decide(head, candidates, policy)
            if not verdict.keep:
                found.skipped[verdict.reason] += 1
                continue
            decision = match(head, candidates, MatchPolicy.of(scope.organisation, scope.mailbox))
            links = visible_links(decision.links, Sight(head.bcc) if own else NO_SIGHT)
            mail = Previewed(
                received_at=head.received_at,
                folder=state.kind if state.kind != "folder" else state.folder_id,
                direction=candidates.direction(head),
                capture=verdict.reason,
                outcome=decision.disposition.value,
                reason=decision.reason,
                links=links,
            )
            if own or links:
                mail = replace(mail, subject=head.subject, sender=head.sender)
            found.mails.append(mail)


def _position(cursor: str, begin: datetime) -> tuple[str, datetime]:
    if not cursor:
        return "", begin
    moment, _, folder_id = decode_cursor(cursor).partition("|")
    try:
        return folder_id, datetime.fromisoformat(moment)
    except ValueError as error:
        raise InvalidInput("'cursor' must be a value that this list gave; start again without it.") from error
