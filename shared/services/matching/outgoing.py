"""What the outbox says of a mail: of which mail it is the copy, and which one it answers by nothing but a code."""

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
        """A query and two reads for a person's answer with a code whose thread leads to no such mail; else nothing.

        A query more where the code's records do not know the sender, and no thread leads to them.
        """
        if not candidates.codes or _leads_on(candidates) or candidates.direction(head) is not Direction.IN:
            return candidates
        if candidates.parent is None:
            codes = tuple(self._with_recipients(scope, head, candidates, hit) for hit in candidates.codes)
            candidates = replace(candidates, codes=codes)
        nature = nature_of(head.headers, head.sender.address, head.subject)
        if nature.automatic is not Automatic.NONE:
            return candidates
        codes = tuple(self._with_mail(scope, head, candidates, hit) for hit in candidates.codes)
        return replace(candidates, codes=codes)

    def _with_recipients(
        self, scope: Scope, head: MessageHead, candidates: Candidates, hit: CodeHit
    ) -> CodeHit:
        """A stranger whom we have written to is the one whose case it is: no card says so."""
        if is_vouched_for(head, candidates, hit):
            return hit
        mails = self.outbox.of_code(scope.tenant_id, hit.number, limit=_MOST_OF_CODE)
        people = chain.from_iterable((*mail.to, *mail.cc) for mail in mails if mail.sending_at is not None)
        return replace(hit, recipients=frozenset(person.address for person in people))

    def _with_mail(self, scope: Scope, head: MessageHead, candidates: Candidates, hit: CodeHit) -> CodeHit:
        if not is_vouched_for(head, candidates, hit):
            return hit
        mails = self.outbox.of_code(scope.tenant_id, hit.number, limit=_MOST_OF_CODE)
        mail = next((mail for mail in mails if mail.sending_at is not None), None)
        return replace(hit, mail=self._hit(scope, mail, hit.code)) if mail else hit

    def _hit(self, scope: Scope, mail: OutboxMail, code: str) -> ThreadHit:
        """The mail as it is stored; as it was asked for where its own copy has not been seen yet."""
        key = mail.message_key or scope.hasher.message_id(mail.message_id)
        stored = self.messages.get(scope.tenant_id, key)
        if stored is not None and not stored.is_deleted:
            return stored.as_thread_hit(code)
        return ThreadHit(
            key, code, Direction.OUT, mail.records, kind=SENT, sent_by=mail.agent_id, at=mail.sending_at
        )


def _leads_on(candidates: Candidates) -> bool:
    """Whether the mail that it answers left through the outbox, or goes on with one that did."""
    parent = candidates.parent
    return parent is not None and (parent.kind == SENT or parent.notice_for is not None)
