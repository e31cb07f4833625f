"""From a fetched mail to its decision: gathers what matching rests on, decides, and makes the row to be filed."""

from dataclasses import dataclass, replace
from typing import Self

from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.new_messages import new_message
from shared.domain.filing.threads import placed
from shared.domain.intake.noting import form_of, noted
from shared.domain.mail.automatic import Automatic
from shared.domain.mail.bounces import Report
from shared.domain.mail.documents import document_of, text_of
from shared.domain.mail.identity import message_key
from shared.domain.mail.messages import Direction, Document, FetchedMessage, MessageHead
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.matching.matching import OLD_MAIL, match, unopened
from shared.ports.stores.filing import MessageStore, Threads, Word
from shared.services.capture.scopes import Scope
from shared.services.intake.openings import CountOpenings
from shared.services.matching.bounces import ReadBounce
from shared.services.matching.candidates import GatherCandidates
from shared.services.matching.forgeries import CountForgeries
from shared.services.matching.group_so_far import GroupSoFar
from shared.services.matching.words import LeaveWord, words_in_group


@dataclass(frozen=True, slots=True)
class Matched:
    """A mail ready to be filed; `report` is what it says of another one that did not arrive, `bounced`.

    `words` are those which it leaves with the mails that it goes on with, where none has been left yet. `rests_on` are
    the mails of its group that bear on its decision: they must stand as they were decided.
    """

    message: StoredMessage
    document: Document
    report: Report | None = None
    bounced: ThreadHit | None = None
    words: tuple[Word, ...] = ()
    rests_on: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MatchMail:
    """Decide on one kept mail. Writes only forgeries, and word left with the mails that this one goes on with."""

    gather: GatherCandidates
    messages: MessageStore
    leave_word: LeaveWord
    read_bounce: ReadBounce
    count_forgeries: CountForgeries
    count_openings: CountOpenings

    def __call__(self, scope: Scope, mail: FetchedMessage, candidates: Candidates) -> Matched:
        text = text_of(mail)
        candidates = self._gathered(scope, mail.head, candidates, text, self.messages)
        candidates = self.leave_word(scope, mail.head, candidates)
        report, bounced = self.read_bounce(scope, mail.head)
        if bounced is not None:
            before, candidates = candidates, replace(candidates, bounced=bounced)
            candidates = self.gather.with_lent_cards(scope, candidates, known=before)
        matched = self._decided(scope, mail, text, candidates)
        message = (
            _of_no_failure(matched.message) if report and report.tells_of_no_failure else matched.message
        )
        return replace(matched, message=message, report=report, bounced=bounced)

    def for_group(self) -> Self:
        """The same for mails that are decided together, one soon after the other."""
        return replace(self, gather=self.gather.for_group())

    def in_group(
        self, scope: Scope, mail: FetchedMessage, candidates: Candidates, group: GroupSoFar
    ) -> Matched:
        """The same among mails that are filed together, for a mail that reports nothing.

        The word that it leaves is not written yet: it is to stand ahead of the mail itself.
        """
        text = text_of(mail)
        candidates = self._gathered(scope, mail.head, candidates, text, group)
        return replace(
            self._decided(scope, mail, text, candidates),
            words=words_in_group(scope, mail.head, candidates),
            rests_on=group.bearing_on(candidates),
        )

    def _gathered(
        self, scope: Scope, head: MessageHead, candidates: Candidates, text: str, threads: Threads
    ) -> Candidates:
        # Capture has counted those of the subject: only the body's are new here.
        subject_forged = candidates.forged
        candidates = self.gather.for_matching(scope, head, candidates, text, threads=threads)
        if candidates.forged > subject_forged:
            self.count_forgeries(scope, head, candidates.forged)
        return candidates

    def _decided(self, scope: Scope, mail: FetchedMessage, text: str, candidates: Candidates) -> Matched:
        head = mail.head
        policy = MatchPolicy.of(scope.organisation, scope.mailbox)
        key = message_key(scope.hasher, head)
        decision = match(head, candidates, policy)
        if scope.doubtful and decision.opens:
            decision = unopened(decision, OLD_MAIL)
        decision = self.count_openings(scope, head, candidates, decision, key)
        message = new_message(
            head,
            decision,
            candidates,
            key=key,
            mailbox=scope.mailbox,
            notify_on=scope.organisation.notify_on,
        )
        if candidates.is_own_program:
            form = form_of(head, text, scope.hasher)
            message = replace(message, fingerprint=replace(message.fingerprint, form=form))
        message = noted(message, head, candidates, policy)
        if scope.unbounded and message.desk and not message.unanswered:
            message = replace(message, unanswered="backlog")
        message = placed(message, head, candidates, scope.hasher)
        notices = scope.organisation.external_notices if message.direction is Direction.IN else ()
        parent_text = self._parent_text(scope, candidates.parent)
        return Matched(message, document_of(mail, parent_text, text, notices=notices))

    def _parent_text(self, scope: Scope, parent: ThreadHit | None) -> str | None:
        if parent is None or parent.text is not None:
            return parent.text if parent else None
        # The look-up brings a short text along; a long one is in the parent's document.
        document = self.messages.document(scope.tenant_id, parent.key)
        return document.text if document else None


def _of_no_failure(message: StoredMessage) -> StoredMessage:
    """A report that all has arrived, or is on its way: only its inside tells it from a bounce."""
    return replace(message, automatic=Automatic.AUTOMATIC.value)
