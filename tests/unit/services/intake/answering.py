"""The office with intake mailboxes that acknowledge mail, in English and German."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

from shared.domain.connections.fields import Fields
from shared.domain.intake.acknowledgements import Acknowledgement
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import State
from tests.builders import TENANT
from tests.unit.services.intake.desk import AGENT, SERVICE, DeskOffice, caller_of

ENGLISH: Final = {
    "language": "en",
    "subject": "We have it: {subject}",
    "html": "<p>Dear {from_name}, {subject} is {case_id} ({case_name}). {text}</p>",
    "text": "Dear {from_name}, {subject} is {case_id}. {text}",
}
GERMAN: Final = {"language": "de", "subject": "Eingegangen: {subject}", "text": "Ihr Fall ist {case_id}."}
WIDE: Final = {"to_sender_a_day": 100, "to_sender_in_all_a_day": 100}


class AnsweringOffice(DeskOffice):
    """An office whose intake mailboxes acknowledge mail."""

    def __init__(self, *, limits: dict[str, int] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.acknowledge(SERVICE, limits=limits)

    def acknowledge(self, address: str, *, limits: dict[str, int] | None = None) -> None:
        given = {"templates": [ENGLISH, GERMAN], "limits": limits or {}}
        self.world.storage.acknowledgements.save(
            TENANT, self._mailboxes[address].mailbox_id, Acknowledgement().changed(Fields(given))
        )

    @property
    def rows(self) -> list[OutboxMail]:
        """The outbox, oldest first."""
        found = (mail for mail in self.world.storage.outbox.rows.values() if isinstance(mail, OutboxMail))
        return sorted(found, key=lambda mail: mail.created_at)

    @property
    def left(self) -> list[EmailMessage]:
        """What has left, in order."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.world.storage.sender.outbound]  # type: ignore[misc]

    def held(self) -> list[str]:
        """Why each of those stands in the outbox that were held back."""
        return [mail.error.detail for mail in self.rows if mail.state is State.CANCELLED and mail.error]

    def retry(self, mail_id: str, agent: str = AGENT) -> None:
        """An agent sends what was held back."""
        self.world.retry_mail(caller_of(agent), mail_id)
        self.world.work()
