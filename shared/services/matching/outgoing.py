"""What the outbox says of a mail: of which mail it is the copy, and which one it answers by nothing but a code."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from shared.domain.capture.folders import FolderState, Role
from shared.domain.filing.filing import SENT
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.matching.candidates import Candidates, CodeHit, ThreadHit
from shared.domain.matching.rules import is_vouched_for
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.sent_copies import Place, clues, is_copy, may_have_lost_marks, same_as_asked
from shared.ports.stores.filing import MessageStore
from shared.ports.stores.sending import Outbox
from shared.services.capture.scopes import Scope

# Answers keep the code of their thread; who looks for a mail by it looks at the last ones.
_MOST_OF_CODE: Final = 5


@dataclass(frozen=True, slots=True)
class FindSent:
    """The mail of the outbox of which a copy has been seen. Incoming mail is never asked about: it proves nothing."""

    outbox: Outbox

    def __call__(
        self, scope: Scope, head: MessageHead, candidates: Candidates, folder: FolderState
    ) -> OutboxMail | None:
        """A read where the copy is marked as ours; where marks may be lost, a query for a sent mail with a code."""
        if head.is_draft or candidates.direction(head) is not Direction.OUT:
            return None
        mailbox = scope.mailbox
        place = Place(mailbox.mailbox_id, folder.kind == Role.SENT, mailbox.is_polled_only)
        for mail_id in clues(head, place):
            mail = self.outbox.get(scope.tenant_id, mail_id)
            if mail is not None and is_copy(mail, head, place):
                return mail
        return self._by_code(scope, head, candidates, place) if may_have_lost_marks(head, place) else None

    def _by_code(
        self, scope: Scope, head: MessageHead, candidates: Candidates, place: Place
    ) -> OutboxMail | None:
        for hit in candidates.codes[:1]:
            mails = self.outbox.of_code(scope.tenant_id, hit.number, limit=_MOST_OF_CODE)
            return same_as_asked(mails, head, place)
        return None


@dataclass(frozen=True, slots=True)
class FindAnswered:
    """The mail that an answer goes back to where only its code says so: headers are gone, or somebody else answers."""

    outbox: Outbox
    messages: MessageStore

    def __call__(self, scope: Scope, head: MessageHead, candidates: Candidates) -> Candidates:
        """A query and two reads for an answer with a code whose thread leads to no such mail; else nothing."""
        if not candidates.codes or _leads_on(candidates) or candidates.direction(head) is not Direction.IN:
            return candidates
        nature = nature_of(head.headers, head.sender.address, head.subject)
        is_by_person = nature.automatic is Automatic.NONE
        codes = (
            self._looked_up(scope, head, candidates, hit, is_by_person=is_by_person)
            for hit in candidates.codes
        )
        return replace(candidates, codes=tuple(codes))

    def _looked_up(
        self, scope: Scope, head: MessageHead, candidates: Candidates, hit: CodeHit, *, is_by_person: bool
    ) -> CodeHit:
        """A stranger whom we have written to is the one whose case it is: no card says so."""
        is_known = is_vouched_for(head, candidates, hit)
        is_stranger = not is_known and candidates.parent is None
        if not is_stranger and not (is_known and is_by_person):
            return hit
        mails = [mail for mail in self._mails(scope, hit) if mail.sending_at is not None]
        if is_stranger:
            people = chain.from_iterable((*mail.to, *mail.cc) for mail in mails)
            hit = replace(hit, recipients=frozenset(person.address for person in people))
            is_known = is_vouched_for(head, candidates, hit)
        if not mails or not is_by_person:
            return hit
        if is_known:
            return replace(hit, mail=self._hit(scope, mails[0], hit.code))
        return replace(hit, claimed=_as_asked(mails[0], self._key(scope, mails[0]), hit.code))

    def _mails(self, scope: Scope, hit: CodeHit) -> Sequence[OutboxMail]:
        return self.outbox.of_code(scope.tenant_id, hit.number, limit=_MOST_OF_CODE)

    @staticmethod
    def _key(scope: Scope, mail: OutboxMail) -> str:
        return mail.message_key or scope.hasher.message_id(mail.message_id)

    def _hit(self, scope: Scope, mail: OutboxMail, code: str) -> ThreadHit:
        """The mail as it is stored; as it was asked for where its own copy has not been seen yet."""
        key = self._key(scope, mail)
        stored = self.messages.get(scope.tenant_id, key)
        if stored is not None and not stored.is_deleted:
            return stored.as_thread_hit(code)
        return _as_asked(mail, key, code)


def _as_asked(mail: OutboxMail, key: str, code: str) -> ThreadHit:
    return ThreadHit(
        key, code, Direction.OUT, mail.records, kind=SENT, sent_by=mail.agent_id, at=mail.sending_at
    )


def _leads_on(candidates: Candidates) -> bool:
    """Whether the mail that it answers left through the outbox, or goes on with one that did."""
    parent = candidates.parent
    return parent is not None and (parent.kind == SENT or parent.notice_for is not None)
