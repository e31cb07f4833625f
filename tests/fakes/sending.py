"""A mail server to send from, in memory: drafts, what has left, and sent copies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, PermanentError
from shared.domain.mail.items import ItemRef
from shared.domain.mail.message_ids import message_id as without_brackets
from shared.domain.sending.checking import Limits
from shared.domain.sending.outbox import Refusal
from shared.domain.sending.outcomes import Answer, Outcome
from shared.ports.sending import Offer, OutgoingCopy, OutgoingFile
from tests.fakes.faults import Faults


@dataclass
class Letter:
    """A mail in a mailbox of the server; `files` were added to the draft by themselves."""

    copy: OutgoingCopy
    mime: bytes
    tag: str
    files: list[tuple[str, bytes]] = field(default_factory=list)


class FakeSender:
    """`outbound` are the mails that left, in order. `renews_ids`: a sent copy is a new item, as it may be.

    `lays_copies` says whether a copy of what is handed over in one call stays here by itself, `copy_error` what laying
    one comes to. `refuses` are recipients, with what is said of them. `waits` are the seconds that the next answers ask
    for; `answers` are said next: to a call, whether the server has done it all the same, and the outcome that it says.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.keeps_drafts = True
        self.lays_copies = True
        self.refuses: dict[str, str] = {}
        self.copy_error: PermanentError | None = None
        self.renews_ids = True
        self.renames = False
        self.letters: dict[str, list[Letter]] = {}
        self.outbound: list[bytes] = []
        self.waits: list[float] = []
        self.on_departure: Callable[[], None] = lambda: None
        self.answers: list[tuple[str, bool, Outcome]] = []
        self._number = 0

    def limits(self, mailbox: Mailbox) -> Limits:
        return Limits(500, 2_240_000, 150_000_000, 150_000_000, adds_files=self.keeps_drafts)

    def open(self, mailbox: Mailbox) -> "FakeOpenOutbox":
        return FakeOpenOutbox(self, mailbox)

    def answer(self, call: str, *, arrives: bool) -> Outcome | None:
        """What was ordered to be said next to this call, where the mail arrives with it, or does not."""
        if not self.answers or self.answers[0][:2] != (call, arrives):
            return None
        return self.answers.pop(0)[2]

    def new_item(self) -> ItemRef:
        self._number += 1
        return ItemRef("", f"out-{self._number}")


class FakeOpenOutbox:
    def __init__(self, server: FakeSender, mailbox: Mailbox) -> None:
        self._server = server
        self._faults = server.faults
        self._mailbox = mailbox
        self.keeps_drafts = server.keeps_drafts
        self.lays_copies = server.lays_copies

    @property
    def _letters(self) -> list[Letter]:
        return self._server.letters.setdefault(self._mailbox.mailbox_id, [])

    def draft(self, mime: bytes, tag: str) -> ItemRef | Outcome:
        if refused := self._server.answer("draft", arrives=False):
            return refused
        with self._faults.write("Sender.draft"):
            letter = Letter(self._copy(mime, is_draft=True), mime, "")
            self._letters.append(letter)
        if refused := self._server.answer("mark", arrives=False):
            return refused
        self.mark(letter.copy.item, tag)
        return self._server.answer("draft", arrives=True) or letter.copy.item

    def mark(self, draft: ItemRef, tag: str) -> None:
        with self._faults.write("Sender.mark"):
            letter = self._found(draft)
            if letter is None:
                raise NotFound("there is no such draft", "ErrorItemNotFound")
            letter.tag = tag

    def attach(self, draft: ItemRef, file: OutgoingFile) -> None:
        with self._faults.write("Sender.attach"):
            letter = self._found(draft)
            if letter is None:
                raise NotFound("there is no such draft", "ErrorItemNotFound")
            letter.files.append((file.name, b"".join(file.chunks)))

    def send_draft(self, draft: ItemRef) -> Outcome:
        if refused := self._server.answer("send", arrives=False):
            return refused
        with self._faults.write("Sender.send_draft"):
            letter = self._found(draft)
            if letter is None:
                return Outcome(Answer.NO_DRAFT, "ErrorItemNotFound")
            item = self._server.new_item() if self._server.renews_ids else draft
            letter.copy = replace(letter.copy, item=item, is_draft=False)
            return self._left(letter)

    def offer(self, mime: bytes) -> Offer | Outcome:
        if refused := self._server.answer("offer", arrives=False):
            return refused
        with self._faults.write("Sender.offer"):
            return Offer(tuple(Refusal(address, words) for address, words in self._server.refuses.items()))

    def send(self, mime: bytes) -> Outcome:
        if refused := self._server.answer("send", arrives=False):
            return refused
        with self._faults.write("Sender.send"):
            letter = Letter(self._copy(mime, is_draft=False), mime, "")
            if self._server.lays_copies:
                self._letters.append(letter)
            return self._left(letter)

    def lay_copy(self, mime: bytes) -> OutgoingCopy:
        with self._faults.write("Sender.lay_copy"):
            if self._server.copy_error:
                raise self._server.copy_error
            letter = Letter(self._copy(mime, is_draft=False), mime, "")
            self._letters.append(letter)
            return letter.copy

    def close(self) -> None:
        """Nothing was opened."""

    def copies(self, tag: str, message_id: str) -> Sequence[OutgoingCopy]:
        self._faults.read("Sender.copies")
        tagged = [letter.copy for letter in self._letters if letter.tag == tag]
        named = [letter.copy for letter in self._letters if letter.copy.message_id == message_id]
        return tagged or [replace(copy, is_marked=False) for copy in named]

    def discard(self, draft: ItemRef) -> None:
        with self._faults.write("Sender.discard"):
            self._letters[:] = [letter for letter in self._letters if letter.copy.item != draft]

    def _found(self, draft: ItemRef) -> Letter | None:
        found = (letter for letter in self._letters if letter.copy.item == draft and letter.copy.is_draft)
        return next(found, None)

    def _left(self, letter: Letter) -> Outcome:
        if self._server.renames:
            letter.copy = replace(letter.copy, message_id=f"{letter.copy.item.item_id}@server.example")
        self._server.outbound.append(letter.mime)
        self._server.on_departure()
        wait = self._server.waits.pop(0) if self._server.waits else None
        return self._server.answer("send", arrives=True) or Outcome(Answer.TAKEN, retry_after=wait)

    def _copy(self, mime: bytes, *, is_draft: bool) -> OutgoingCopy:
        message = message_from_bytes(mime)
        return OutgoingCopy(
            self._server.new_item(),
            without_brackets(str(message["Message-ID"])),
            is_draft=is_draft,
            is_in_trash=False,
            sender=self._mailbox.address,
        )
