"""Files the mails of a group together, each step for all of them before the next one.

First all are decided, oldest first: a later mail finds an earlier one as if it were stored. Then word stands with
stored mails, then the mails with their word among each other, then attachments, then what readers see. Whatever does
not fit goes the way of a single mail, in its turn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from shared.domain.capture.screening import is_bounce
from shared.domain.errors import AccessDenied, MailboxUnavailable, PermanentError
from shared.domain.filing.effects import NO_REPORT, About, Surroundings
from shared.domain.filing.filing import Copy, Dependent, Filed, StoredMessage, copy_of
from shared.domain.filing.opening import opened_refs
from shared.domain.filing.order import in_order
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Document
from shared.ports.stores.filing import MessageStore, NewMail, Word
from shared.services.capture.fetching import Kept
from shared.services.capture.scopes import Scope
from shared.services.filing.bring_in_line import BringInLine
from shared.services.filing.filing import Filing
from shared.services.matching.group_so_far import GroupSoFar
from shared.services.matching.matching import MatchMail
from shared.services.remembering.filed_lately import FiledLately


@dataclass(frozen=True, slots=True)
class _Decided:
    """A mail as it is to be inserted, the word that it leaves in the group and with stored mails, and what comes first.

    `after` are those of the group that its decision rests on.
    """

    item: ItemRef
    message: StoredMessage
    document: Document
    copy: Copy
    among: tuple[Word, ...]
    stored: tuple[Word, ...]
    after: frozenset[str]


@dataclass(frozen=True, slots=True)
class FileGroup:
    """File fetched mails of one mailbox up to what readers see; the caller writes the ledger, and finishes them.

    A mail whose row is there already, or whose parent has changed since it was read, is decided anew by itself, and
    so is every mail that was decided by it.
    """

    match: MatchMail
    filing: Filing
    bring_in_line: BringInLine
    messages: MessageStore
    lately: FiledLately

    def __call__(self, scope: Scope, mails: Sequence[Kept]) -> Mapping[ItemRef, Filed | PermanentError]:
        """How each mail stands, not yet done; or why it can never be filed."""
        by_item = {kept.mail.head.item: kept for kept in mails}
        waiting = [by_item[head.item] for head in in_order(kept.mail.head for kept in mails)]
        outcomes: dict[ItemRef, Filed | PermanentError] = {}
        while waiting:
            decided = self._decided(scope, waiting)
            outcomes |= self._together(scope, decided)
            # The first one by itself, where nothing can be decided together.
            turn, waiting = waiting[: len(decided) or 1], waiting[len(decided) or 1 :]
            for kept in turn:
                if kept.mail.head.item not in outcomes:
                    outcomes[kept.mail.head.item] = self._alone(scope, kept)
        return outcomes

    def _decided(self, scope: Scope, mails: Sequence[Kept]) -> list[_Decided]:
        """The first mails, as many as can be decided before any of them is written."""
        group = GroupSoFar(self.lately)
        decided: list[_Decided] = []
        for kept in mails if len(mails) > 1 else ():
            mail = self._decide(scope, kept, group)
            if mail is None:
                break
            decided.append(mail)
            group.add(mail.message, mail.document)
            # The next mails may belong on the record that is opened for this one.
            if opened_refs(mail.message):
                break
        return decided

    def _decide(self, scope: Scope, kept: Kept, group: GroupSoFar) -> _Decided | None:
        """None for one that is filed by itself: a report, which changes another mail, and a second mail of one id."""
        if is_bounce(kept.mail.head):
            return None
        try:
            matched = self.match.in_group(scope, kept.mail, kept.screened.candidates, group)
        except PermanentError:
            return None
        message = self.filing.to_insert(scope, matched.message)
        if message.key in group:
            return None
        among = tuple(word for word in matched.words if word.key in group)
        stored = tuple(word for word in matched.words if word.key not in group)
        copy = copy_of(kept.mail, scope.mailbox)
        return _Decided(kept.mail.head.item, message, matched.document, copy, among, stored, matched.rests_on)

    def _together(self, scope: Scope, decided: Sequence[_Decided]) -> dict[ItemRef, Filed]:
        """Those that were written together; nothing that readers see stands of any other."""
        try:
            created = self._claimed(scope, decided)
            for mail, stored in created:
                self.filing.keep_attachments(scope, stored, mail.copy, mail.document.attachments)
            self.bring_in_line.show_together(scope.tenant_id, _surrounded(scope, created))
        except (AccessDenied, MailboxUnavailable):
            raise
        except PermanentError:
            # It is the fault of a single mail, which is found when each is filed by itself.
            return {}
        return {mail.item: Filed(stored, is_first=True, text=mail.document.text) for mail, stored in created}

    def _claimed(self, scope: Scope, decided: Sequence[_Decided]) -> list[tuple[_Decided, StoredMessage]]:
        """Those inserted. Word stands ahead of each mail, so that whoever changes what it was decided by finds it."""
        words = list(chain.from_iterable(mail.stored for mail in decided))
        standing = self.messages.leave_words(scope.tenant_id, words) if words else frozenset()
        ready = [mail for mail in decided if standing.issuperset(mail.stored)]
        created = self.messages.create_together(scope.tenant_id, list(_new(ready))) if ready else {}
        return [(mail, created[mail.message.key]) for mail in ready if mail.message.key in created]

    def _alone(self, scope: Scope, kept: Kept) -> Filed | PermanentError:
        try:
            return self._file(scope, kept)
        except (AccessDenied, MailboxUnavailable):  # not the fault of this mail alone
            raise
        except PermanentError as error:
            return error

    def _file(self, scope: Scope, kept: Kept) -> Filed:
        matched = self.match(scope, kept.mail, kept.screened.candidates)
        copy = copy_of(kept.mail, scope.mailbox)
        about = About(matched.bounced.key, matched.report) if matched.bounced else NO_REPORT
        return self.filing(scope, matched.message, matched.document, copy, about)


def _new(ready: Sequence[_Decided]) -> Iterator[NewMail]:
    left: dict[str, list[Dependent]] = {}
    for word in chain.from_iterable(mail.among for mail in ready):
        left.setdefault(word.key, []).append(word.dependent)
    for mail in ready:
        dependents = tuple(left.get(mail.message.key, ()))
        yield NewMail(mail.message, mail.document, mail.copy, dependents, mail.after)


def _surrounded(
    scope: Scope, created: Sequence[tuple[_Decided, StoredMessage]]
) -> list[tuple[StoredMessage, Surroundings]]:
    # Nothing of a new mail stands anywhere: only this mailbox's agent is to be thought of.
    return [
        (stored, Surroundings(mail.document, (scope.mailbox,), is_first=True)) for mail, stored in created
    ]
