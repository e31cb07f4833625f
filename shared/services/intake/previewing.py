"""What a mail would become at an intake mailbox: the same functions as for a real one, and nothing is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.domain.connections.fields import Fields
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import InvalidInput
from shared.domain.filing.opening import Wishes, record_for
from shared.domain.intake.answering import Answer, answer_of, chosen
from shared.domain.intake.doors import route_of
from shared.domain.intake.fields import NO_ROUTE, Arrival, Dressed, dressed, values_of
from shared.domain.mail.addresses import Person
from shared.domain.mail.messages import Document
from shared.domain.records.records import RecordRef
from shared.ports.stores.intake import Acknowledgements
from shared.ports.work import Clock

LONGEST: Final = 1_000_000
# Stands for the id that nobody knows before a case is opened.
NO_ID: Final = "(case_id)"
_MAIL: Final = ("from_name", "from_address", "to", "subject", "text")


@dataclass(frozen=True, slots=True)
class IntakePreview:
    """The record as it would open, and the acknowledgement, None where nothing is acknowledged."""

    dressed: Dressed
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class PreviewIntake:
    """Make what would be made of a pasted mail."""

    acknowledgements: Acknowledgements
    clock: Clock

    def __call__(self, mailbox: Mailbox, given: Mapping[str, Any]) -> IntakePreview:
        """Raises InvalidInput with a sentence."""
        if mailbox.kind != INTAKE:
            raise InvalidInput("Only intake mailboxes open cases: set 'kind' to intake first.")
        mailbox = replace(mailbox, intake=mailbox.intake.changed(Fields(given.get("intake") or {})))
        mail = Fields(given.get("mail") or {}).only(_MAIL)
        to = mail.address("to", mailbox.address)
        route = route_of(mailbox, to) or NO_ROUTE
        document = self._document(mail, to)
        arrival = Arrival(mailbox.address, to, route, self.clock())
        values = values_of(document, document.sender, arrival)
        opened = record_for(
            document,
            RecordRef(route.opens or mailbox.opens, NO_ID.strip("()")),
            Wishes(),
            contacts=(),
            client="",
            owner=mailbox.agent,
            opened_at=self.clock(),
        )
        made = dressed(opened, mailbox.intake, arrival, values)
        return IntakePreview(made, self._answer(mailbox, document, made, values, route.template))

    def _document(self, mail: Fields, to: str) -> Document:
        sender = Person(mail.text("from_name", ""), mail.address("from_address", "sender@example.com"))
        subject, text = mail.text("subject", ""), mail.text("text", "", LONGEST)
        return Document("", sender, subject, self.clock(), to=(Person("", to),), text=text)

    def _answer(
        self, mailbox: Mailbox, document: Document, made: Dressed, values: Mapping[str, str], name: str
    ) -> Answer | None:
        settings = self.acknowledgements.get(mailbox.tenant_id, mailbox.mailbox_id)
        if settings is None or not settings.enabled:
            return None
        template, told = chosen(document, settings, name)
        named = {**values, "case_id": NO_ID, "case_name": made.record.name}
        return answer_of(template, told, named) if template else None
