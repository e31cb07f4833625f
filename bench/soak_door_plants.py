"""Bugs of intake and IMAP mailboxes, planted in the soak's hosts as those in `soak_plants`."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from bench.soak_planting import plant


def case_opened_again() -> None:
    """Whoever comes to a case that stands opens another one, instead of leaving it alone."""
    from shared.domain.records.records import RecordRef
    from shared.services.filing.opening import WriteOpened

    original: Callable[..., None] = WriteOpened.__call__

    def write(self: Any, tenant_id: str, ref: Any, message: Any, document: Any) -> None:
        stands = self.records.get(tenant_id, ref) is not None
        original(
            self, tenant_id, RecordRef(ref.kind, secrets.token_hex(8)) if stands else ref, message, document
        )

    plant(WriteOpened, "__call__", write)


def acknowledged_again() -> None:
    """An acknowledgement has no key by which a repeat would find it."""
    from shared.services.intake.acknowledging import AcknowledgeCase

    original: Callable[..., None] = AcknowledgeCase._answer

    def answer(self: Any, case: Any, key_hash: str) -> None:
        original(self, case, key_hash + secrets.token_hex(4))

    plant(AcknowledgeCase, "_answer", answer)


def personal_mail_marked() -> None:
    """Mail of personal mailboxes is marked as read as that of intake mailboxes is."""
    from shared.services.intake import marking

    def marks(mailbox: Any) -> bool:
        return bool(mailbox)

    plant(marking, "marks", marks)


def end_of_page_dropped() -> None:
    """The last mail of what an IMAP server lists as new is left out, and the cursor goes on behind it."""
    from shared.adapters.imap.mail import ImapMailbox

    original: Callable[..., Any] = ImapMailbox._change_page

    def change_page(self: Any, folder: Any, position: Any, page: Any, *, has_more: bool) -> Any:
        made = original(self, folder, position, page, has_more=has_more)
        return replace(made, heads=made.heads[:-1])

    plant(ImapMailbox, "_change_page", change_page)


DOOR_PLANTS: Final[dict[str, Callable[[], None]]] = {
    "case-opened-again": case_opened_again,
    "acknowledged-again": acknowledged_again,
    "personal-mail-marked": personal_mail_marked,
    "end-of-page-dropped": end_of_page_dropped,
}
