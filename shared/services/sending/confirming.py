"""Confirms a mail of the outbox by its copy, whoever has seen that."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared import telemetry
from shared.domain.mail.messages import MessageHead
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.sent_copies import Part, differences
from shared.domain.sending.states import State
from shared.ports.work import Clock
from shared.services.sending.change_mail import ChangeMail


@dataclass(frozen=True, slots=True)
class ConfirmSent:
    """Write on a row that its copy was seen, and in what that differs. Safe to run twice; nothing where it is known."""

    change: ChangeMail
    clock: Clock

    def __call__(self, mail: OutboxMail, head: MessageHead, message_key: str) -> OutboxMail:
        """`message_key` is the stored message of the copy, '' where it is not kept."""
        found = differences(mail, head)
        told = " ".join(difference.sentence for difference in found)
        confirmed = self.change.quietly(mail, transitions.confirmed(self.clock(), told, message_key))
        is_new = mail.state is not State.CONFIRMED and confirmed.state is State.CONFIRMED
        if is_new and any(difference.part is Part.SENDER for difference in found):
            telemetry.event("left_as_somebody_else", mailbox=mail.mailbox_id, mail=mail.id)
        return confirmed

    def tell(self, confirmed: Sequence[OutboxMail]) -> None:
        """Tell readers of the feed of mails of one organisation: the caller does both again where it is killed."""
        self.change.announce_all(confirmed)
