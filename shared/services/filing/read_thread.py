"""The mails of a thread that a caller may see, oldest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.domain.filing import entries, visibility
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.visibility import NO_SIGHT, Sight
from shared.domain.mail.messages import Document
from shared.domain.privacy.callers import Caller
from shared.ports.stores.filing import MessageStore, ThreadPlace
from shared.services.filing.answers import ReadAnswers
from shared.services.filing.reading import MessageView, thread_mail
from shared.services.filing.visibility import Visibility
from shared.services.filing.visible_pages import VisiblePages


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """Mails oldest first, as the caller may see them; the cursor is None on the last page."""

    thread_id: str
    mails: tuple[MessageView, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class _Placed:
    """A mail that is shown; `id` is its place in the thread."""

    id: str
    view: MessageView


@dataclass(frozen=True, slots=True)
class ReadThread:
    """A page of the thread of a mail. Raises Unknown for a mail that is not there, or not for this caller.

    Costs four queries, a read for each mail, one more query for each that is not open to all as it is, and what
    `ReadAnswers` costs.
    """

    visibility: Visibility
    messages: MessageStore
    pages: VisiblePages
    read_answers: ReadAnswers

    def __call__(self, caller: Caller, key: str, *, limit: int, cursor: str) -> ThreadPage:
        thread = self.visibility.message(caller, key).thread
        found, following = self.pages(
            lambda count, after: self.messages.of_thread(caller.tenant_id, thread, limit=count, after=after),
            lambda places: self._visible(caller, thread, places),
            about=f"{caller.tenant_id}/thread/{thread}",
            limit=limit,
            cursor=cursor,
        )
        return ThreadPage(thread, self._with_answers(caller, found), following)

    def _visible(self, caller: Caller, thread: str, places: Sequence[ThreadPlace]) -> list[_Placed]:
        stored = self.messages.with_documents(caller.tenant_id, [place.key for place in places])
        shown: list[_Placed] = []
        for place in places:
            mail = stored.get(place.key)
            # The mail's row is the truth: its place may be one that it has left.
            view = self._view(caller, *mail) if mail is not None and mail[0].thread == thread else None
            shown += [_Placed(place.place, view)] if view is not None else []
        return shown

    def _view(self, caller: Caller, stored: StoredMessage, document: Document) -> MessageView | None:
        sight = self._sight(caller, stored)
        if sight is None:
            return None
        return MessageView(
            entry_id=entries.entry_id(stored.at, stored.key),
            message=visibility.visible_message(stored, sight),
            document=document,
            bcc=sight.bcc,
            links=visibility.visible_links(stored.decision.links, sight),
            sightings=(),
        )

    def _sight(self, caller: Caller, stored: StoredMessage) -> Sight | None:
        """What the caller sees of the mail's Bcc; None where the caller may not see the mail."""
        is_open = visibility.is_open_to_all(stored)
        if is_open and not visibility.message_needs_sight(stored):
            return NO_SIGHT
        copies = self.visibility.copies(caller, stored.key)
        if not is_open and not visibility.holds_copy(caller, copies):
            return None
        return visibility.sight_of(caller, copies)

    def _with_answers(self, caller: Caller, found: Iterable[_Placed]) -> tuple[MessageView, ...]:
        views = [placed.view for placed in found]
        answers = self.read_answers(caller, [thread_mail(view) for view in views])
        return tuple(replace(view, answers=answers[view.entry_id]) for view in views)
