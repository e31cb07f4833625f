"""Reference codes with a wrong signature, counted by who sent them."""

from dataclasses import dataclass

from shared import telemetry
from shared.domain.mail.identity import message_key
from shared.domain.mail.messages import MessageHead
from shared.ports.stores.filing import Codes
from shared.services.capture.scopes import Scope


@dataclass(frozen=True, slots=True)
class CountForgeries:
    """Remember forged codes of one mail and say so. Run again it counts the mail once."""

    codes: Codes

    def __call__(self, scope: Scope, head: MessageHead, count: int) -> None:
        # A mailing list writes its own address into From: the author behind it is counted.
        author = (head.author or head.sender).address
        sender = scope.hasher("address", author)
        total = self.codes.note_forged(scope.tenant_id, sender, message_key(scope.hasher, head), count)
        telemetry.event("codes_forged", sender=sender, count=count, total=total)
