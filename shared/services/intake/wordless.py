"""Invitations to an intake mailbox: providers show no text of a mail that is nothing but a calendar."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.connections.mailboxes import INTAKE
from shared.domain.errors import PermanentError
from shared.domain.intake.reading import invitation
from shared.domain.mail.documents import text_of
from shared.domain.mail.messages import FetchedMessage
from shared.domain.mime.reading import calendar_in
from shared.ports.mail import MailAccess
from shared.services.capture.fetching import Kept
from shared.services.capture.scopes import Scope

# Of a mail without text and files this is more than enough.
LONGEST: Final = 256_000


@dataclass(frozen=True, slots=True)
class ReadInvitations:
    """Mails with nothing to read, as text where a calendar says what they are."""

    mail: MailAccess

    def __call__(self, scope: Scope, kept: Sequence[Kept]) -> list[Kept]:
        """A request for each mail of an intake mailbox that has neither text nor files. Raises TransientError."""
        if scope.mailbox.kind != INTAKE:
            return list(kept)
        return [replace(each, mail=self._read(scope, each.mail)) for each in kept]

    def _read(self, scope: Scope, mail: FetchedMessage) -> FetchedMessage:
        if mail.attachments or text_of(mail).strip():
            return mail
        try:
            raw = self.mail.open(scope.mailbox).mime(mail.head.item, LONGEST)
            said = invitation(calendar_in(raw))
        except PermanentError:
            # It is a case without a text as well.
            said = ""
        return replace(mail, text=said) if said else mail
