"""From a fetched mail to its decision: gathers what matching rests on, decides, and makes the row to be filed."""

from dataclasses import dataclass, replace

from shared.domain.filing.filing import StoredMessage, new_message
from shared.domain.mail.bounces import Report
from shared.domain.mail.documents import document_of, text_of
from shared.domain.mail.identity import message_key
from shared.domain.mail.messages import Document, FetchedMessage, MessageHead
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.domain.matching.matching import MatchPolicy, match
from shared.ports.stores.filing import MessageStore
from shared.services.capture.scopes import Scope
from shared.services.capture.screening import wait_for_parents
from shared.services.matching.bounces import ReadBounce
from shared.services.matching.candidates import GatherCandidates
from shared.services.matching.forgeries import CountForgeries


@dataclass(frozen=True, slots=True)
class Matched:
    """A mail ready to be filed; `report` is what it says of another one that did not arrive, `bounced`."""

    message: StoredMessage
    document: Document
    report: Report | None = None
    bounced: ThreadHit | None = None


@dataclass(frozen=True, slots=True)
class MatchMail:
    """Decide on one kept mail. Writes nothing but forgeries, and the wait for a parent that is on its way."""

    gather: GatherCandidates
    messages: MessageStore
    read_bounce: ReadBounce
    count_forgeries: CountForgeries

    def __call__(self, scope: Scope, mail: FetchedMessage, candidates: Candidates) -> Matched:
        head, text = mail.head, text_of(mail)
        # Capture has counted those of the subject: only the body's are new here.
        subject_forged = candidates.forged
        candidates = self.gather.for_matching(scope, head, candidates, text)
        if candidates.forged > subject_forged:
            self.count_forgeries(scope, head, candidates.forged)
        candidates = self._with_parent_to_come(scope, head, candidates)
        report, bounced = self.read_bounce(scope, head)
        if bounced is not None:
            candidates = self.gather.with_hit(scope, replace(candidates, bounced=bounced))
        decision = match(head, candidates, MatchPolicy.of(scope.organisation, scope.mailbox))
        message = new_message(
            head, decision, candidates, key=message_key(scope.hasher, head), mailbox=scope.mailbox
        )
        document = document_of(mail, self._parent_text(scope, candidates.parent), text)
        return Matched(message, document, report, bounced)

    def _with_parent_to_come(self, scope: Scope, head: MessageHead, candidates: Candidates) -> Candidates:
        """The mail it answers may be on its way: filing that mail has this one decided again."""
        if not head.answers or _has_nearest(head, candidates):
            return candidates
        thread = wait_for_parents(self.messages, scope, head, nearest=1)
        if not thread:
            return candidates
        return self.gather.with_hit(scope, replace(candidates, thread=(*thread, *candidates.thread)))

    def _parent_text(self, scope: Scope, parent: ThreadHit | None) -> str | None:
        if parent is None or parent.text is not None:
            return parent.text if parent else None
        document = self.messages.document(scope.tenant_id, parent.key)
        return document.text if document else None


def _has_nearest(head: MessageHead, candidates: Candidates) -> bool:
    """Whether the mail that this one answers is filed; one further up its thread says less."""
    parent = candidates.parent
    return parent is not None and parent.evidence == head.answers[0]
