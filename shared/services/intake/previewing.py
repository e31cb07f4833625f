"""What a mail would become at an intake mailbox: the same functions as for a real one, and nothing is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from shared.domain.connections.fields import Fields
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import InvalidInput
from shared.domain.filing.opening import Wishes, record_for
from shared.domain.intake.answering import Answer, answer_of, chosen
from shared.domain.intake.asking import writer_of
from shared.domain.intake.doors import leads_to, route_of
from shared.domain.intake.fields import NO_ROUTE, Arrival, Dressed, dressed, values_of
from shared.domain.mail.addresses import Person
from shared.domain.mail.messages import Document
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import RecordRef
from shared.ports.stores.filing import MessageStore
from shared.ports.stores.intake import Acknowledgements
from shared.ports.work import Clock
from shared.services.filing.visibility import Visibility, no_message

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
    """Make what would be made of a pasted mail, or of a stored one that the caller may read."""

    acknowledgements: Acknowledgements
    visibility: Visibility
    messages: MessageStore
    clock: Clock

    def __call__(self, caller: Caller, mailbox: Mailbox, given: Mapping[str, Any]) -> IntakePreview:
        """Raises InvalidInput with a sentence, and Unknown for a mail that is not there for the caller."""
        if mailbox.kind != INTAKE:
            raise InvalidInput("Only intake mailboxes open cases: set 'kind' to intake first.")
        mailbox = replace(mailbox, intake=mailbox.intake.changed(Fields(given.get("intake") or {})))
        key = str(given.get("message_id") or "")
        if key and given.get("mail"):
            raise InvalidInput("Name a stored mail as 'message_id', or paste one as 'mail'.")
        document, to, at = self._stored(caller, mailbox, key) if key else self._pasted(mailbox, given)
        route = route_of(mailbox, to) or NO_ROUTE
        arrival = Arrival(mailbox.address, to, route, at)
        values = values_of(document, writer_of(document), arrival)
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

    def _stored(self, caller: Caller, mailbox: Mailbox, key: str) -> tuple[Document, str, datetime]:
        stored = self.visibility.message(caller, key)
        document = self.messages.document(caller.tenant_id, stored.key)
        if document is None:
            raise no_message()
        named = (person.address for person in (*document.to, *document.cc))
        to = next((address for address in named if leads_to(mailbox, address)), "")
        return document, to, stored.at

    def _pasted(self, mailbox: Mailbox, given: Mapping[str, Any]) -> tuple[Document, str, datetime]:
        mail = Fields(given.get("mail") or {}).only(_MAIL)
        to = mail.address("to", mailbox.address)
        return self._document(mail, to), to, self.clock()

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
