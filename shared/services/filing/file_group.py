"""Files the mails of a group together, each step for all of them before the next one.

First all are decided, oldest first: a later mail finds an earlier one as if it were stored. Then word stands with
stored mails, then the mails with their word among each other, then attachments, then what readers see. Whatever does
not fit goes the way of a single mail, in its turn.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from shared.domain.capture.screening import is_bounce
from shared.domain.errors import AccessDenied, MailboxUnavailable, PermanentError
from shared.domain.filing.consequences import NO_REPORT, About, Surroundings
from shared.domain.filing.copies import Copy, Dependent, copy_of
from shared.domain.filing.entries import entry_id
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.opening import opened_refs
from shared.domain.filing.order import in_order
from shared.domain.filing.threads import answering_one_of
from shared.domain.mail.items import ItemRef
from shared.ports.stores.filing import MessageStore, NewMail, Word
from shared.services.capture.fetching import Kept
from shared.services.capture.scopes import Scope
from shared.services.filing.bring_in_line import BringInLine, Filed
from shared.services.filing.filing import Filing
from shared.services.filing.names import NoteName
from shared.services.matching.group_so_far import GroupSoFar
from shared.services.matching.matching import Matched, MatchMail
from shared.services.remembering.filed_lately import FiledLately


@dataclass(frozen=True, slots=True)
class _Decided:
    """A mail as it was matched and as it is to be inserted, and the word that it leaves: in the group, and with stored
    mails.
    """

    item: ItemRef
    matched: Matched
    message: StoredMessage
    copy: Copy
    among: tuple[Word, ...]
    stored: tuple[Word, ...]


@dataclass(slots=True)
class _Together:
    """What was written of mails that were decided together.

    `ready` are those whose word stands with stored mails; `keys` the mails of the group that stand as they were
    decided, with the word of those behind them. `entry_ids` are of those whose row was there, by key: their entries
    stand under the time of an earlier copy.
    """

    filed: Mapping[ItemRef, Filed]
    ready: Mapping[ItemRef, _Decided]
    keys: set[str]
    entry_ids: dict[str, str] = field(default_factory=dict)

    def holding(self, item: ItemRef) -> _Decided | None:
        """The mail, if its decision holds though its row was there already."""
        mail = self.ready.get(item)
        if mail is None or not mail.matched.rests_on <= self.keys:
            return None
        message = answering_one_of(mail.matched.message, self.entry_ids)
        return replace(mail, matched=replace(mail.matched, message=message))


@dataclass(frozen=True, slots=True)
class FileGroup:
    """File fetched mails of one mailbox up to what readers see; the caller writes the ledger, and finishes them.

    A mail whose row is there already is added to it by itself, as it was decided. A mail whose parent has changed since
    it was read is decided anew by itself, and so is every mail that was decided by it.
    """

    match: MatchMail
    filing: Filing
    bring_in_line: BringInLine
    messages: MessageStore
    lately: FiledLately
    note_name: NoteName

    def __call__(self, scope: Scope, mails: Sequence[Kept]) -> Mapping[ItemRef, Filed | PermanentError]:
        """How each mail stands, not yet done, or why it can never be filed; in the order in which they were filed."""
        by_item = {kept.mail.head.item: kept for kept in mails}
        waiting = [by_item[head.item] for head in in_order(kept.mail.head for kept in mails)]
        outcomes: dict[ItemRef, Filed | PermanentError] = {}
        while waiting:
            decided = self._decided(scope, waiting)
            together = self._together(scope, decided)
            outcomes |= together.filed
            # The first one by itself, where nothing can be decided together.
            turn, waiting = waiting[: len(decided) or 1], waiting[len(decided) or 1 :]
            for kept in turn:
                item = kept.mail.head.item
                if item not in outcomes:
                    outcomes[item] = self._alone(scope, kept, together)
        return outcomes

    def _decided(self, scope: Scope, mails: Sequence[Kept]) -> list[_Decided]:
        """The first mails, as many as can be decided before any of them is written."""
        match, group = self.match.for_group(), GroupSoFar(self.lately)
        decided: list[_Decided] = []
        for kept in mails if len(mails) > 1 else ():
            mail = self._decide(scope, kept, match, group)
            if mail is None:
                break
            decided.append(mail)
            group.add(mail.message, mail.matched.document)
            # The next mails may belong on the record that is opened for this one.
            if opened_refs(mail.message):
                break
        return decided

    def _decide(self, scope: Scope, kept: Kept, match: MatchMail, group: GroupSoFar) -> _Decided | None:
        """None for one that is filed by itself.

        A report, which changes another mail; one of two names, under both of which others may wait; and a second mail
        of one id.
        """
        if is_bounce(kept.mail.head) or kept.mail.head.relayed_as:
            return None
        try:
            matched = match.in_group(scope, kept.mail, kept.screened.candidates, group)
        except PermanentError:
            return None
        message = self.filing.to_insert(scope, matched.message)
        if message.key in group:
            return None
        among = tuple(word for word in matched.words if word.key in group)
        stored = tuple(word for word in matched.words if word.key not in group)
        copy = copy_of(kept.mail, scope.mailbox)
        return _Decided(kept.mail.head.item, matched, message, copy, among, stored)

    def _together(self, scope: Scope, decided: Sequence[_Decided]) -> _Together:
        """Those that were written together; nothing that readers see stands of any other."""
        try:
            ready = self._ready(scope, decided)
            created = self._created(scope, ready)
            for mail, stored in created:
                self.filing.keep_attachments(scope, stored, mail.copy, mail.matched.document.attachments)
            self.bring_in_line.show_together(scope.tenant_id, _surrounded(scope, created))
        except (AccessDenied, MailboxUnavailable):
            raise
        except PermanentError:
            # It is the fault of a single mail, which is found when each is filed by itself.
            return _Together({}, {}, set())
        filed = {
            mail.item: Filed(stored, is_first=True, text=mail.matched.document.text)
            for mail, stored in created
        }
        return _Together(filed, {mail.item: mail for mail in ready}, {stored.key for _, stored in created})

    def _ready(self, scope: Scope, decided: Sequence[_Decided]) -> list[_Decided]:
        """Those whose word stands, ahead of each mail: whoever changes what it was decided by finds it."""
        words = list(chain.from_iterable(mail.stored for mail in decided))
        standing = self.messages.leave_words(scope.tenant_id, words) if words else frozenset()
        return [mail for mail in decided if standing.issuperset(mail.stored)]

    def _created(self, scope: Scope, ready: Sequence[_Decided]) -> list[tuple[_Decided, StoredMessage]]:
        created = self.messages.create_together(scope.tenant_id, list(_new(ready))) if ready else {}
        return [(mail, created[mail.message.key]) for mail in ready if mail.message.key in created]

    def _alone(self, scope: Scope, kept: Kept, together: _Together) -> Filed | PermanentError:
        # A decision that holds is not made twice: it costs as much as all else.
        decided = together.holding(kept.mail.head.item)
        try:
            if decided is None:
                return self._match_and_file(scope, kept)
            filed = self.filing(scope, decided.matched.message, decided.matched.document, decided.copy)
            if self._stands(scope, decided, filed.message, together.ready.values()):
                together.keys.add(decided.message.key)
                together.entry_ids[decided.message.key] = entry_id(filed.message.at, filed.message.key)
            return filed
        except (AccessDenied, MailboxUnavailable):  # not the fault of this mail alone
            raise
        except PermanentError as error:
            return error

    def _stands(self, scope: Scope, mail: _Decided, stored: StoredMessage, ready: Iterable[_Decided]) -> bool:
        """Whether a stored mail says what was decided of it, and the word of those behind it stands with it."""
        if not stored.lends_as(mail.message):
            return False
        behind = chain.from_iterable(other.among for other in ready)
        words = {replace(word, etag=stored.etag) for word in behind if word.key == stored.key}
        return not words or self.messages.leave_words(scope.tenant_id, list(words)) == words

    def _match_and_file(self, scope: Scope, kept: Kept) -> Filed:
        matched = self.match(scope, kept.mail, kept.screened.candidates)
        copy = copy_of(kept.mail, scope.mailbox)
        about = About(matched.bounced.key, matched.report) if matched.bounced else NO_REPORT
        filed = self.filing(scope, matched.message, matched.document, copy, about)
        if kept.mail.head.relayed_as:
            self.note_name(scope, filed.message, kept.mail.head.relayed_as)
        return filed


def _new(ready: Sequence[_Decided]) -> Iterator[NewMail]:
    left: dict[str, list[Dependent]] = {}
    for word in chain.from_iterable(mail.among for mail in ready):
        left.setdefault(word.key, []).append(word.dependent)
    for mail in ready:
        dependents = tuple(left.get(mail.message.key, ()))
        yield NewMail(mail.message, mail.matched.document, mail.copy, dependents, mail.matched.rests_on)


def _surrounded(
    scope: Scope, created: Sequence[tuple[_Decided, StoredMessage]]
) -> list[tuple[StoredMessage, Surroundings]]:
    return [
        (stored, Surroundings.of_new(mail.matched.document, scope.mailbox, mail.copy))
        for mail, stored in created
    ]
