"""Reads from a campaign's first sent copy whether the way out still stands in its headers: servers take it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared import telemetry
from shared.domain.campaigns.campaigns import Campaign, CampaignMail
from shared.domain.errors import PermanentError, TransientError
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import State
from shared.ports.mail import MailAccess
from shared.ports.sending import MailSender
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.sending import Outbox

_LEFT: Final = (State.SENT, State.CONFIRMED, State.BOUNCED)
# Headers of a mail that went through many servers.
_HEAD: Final = 64_000


@dataclass(frozen=True, slots=True)
class LookAtHeaders:
    """Whether the headers survive; None while no copy was seen. A handful of requests, once a campaign."""

    outbox: Outbox
    mailboxes: Mailboxes
    sender: MailSender
    mail: MailAccess

    def __call__(self, campaign: Campaign, mails: Sequence[CampaignMail]) -> bool | None:
        left = next((mail for mail in mails if mail.state in _LEFT), None)
        if campaign.headers_survive is not None or left is None:
            return campaign.headers_survive
        mail = self.outbox.get(campaign.tenant_id, left.mail_id)
        try:
            return self._look(mail) if mail else None
        except (PermanentError, TransientError) as error:
            # It is said in the campaign's answer, and stands in nobody's way.
            telemetry.failure("headers_not_read", error, campaign=campaign.id)
            return None

    def _look(self, mail: OutboxMail) -> bool | None:
        mailbox = self.mailboxes.by_id(mail.tenant_id, mail.mailbox_id)
        if mailbox is None:
            return None
        copies = self.sender.open(mailbox).copies(mail.tag, mail.message_id)
        copy = next((copy for copy in copies if not copy.is_draft), None)
        if copy is None:
            return None
        head = self.mail.open(mailbox).mime(copy.item, _HEAD).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        lines = head.lower().split(b"\n")
        return all(any(line.startswith(name) for line in lines) for name in _NAMES)


_NAMES: Final = (b"list-unsubscribe:", b"list-unsubscribe-post:")
