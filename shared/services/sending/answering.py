"""The stored mail that is answered or forwarded: read only for a caller who may read it."""

from dataclasses import dataclass, replace
from typing import TypeAlias

from shared.domain.connections.organisations import Organisation
from shared.domain.mail.messages import Attachment, Document
from shared.domain.privacy.callers import Caller
from shared.domain.sending.drafting import Answered
from shared.domain.sending.subjects import Signing
from shared.ports.stores.filing import Attachments, Codes, MessageStore
from shared.services.filing.visibility import Visibility, no_message

_Attachments: TypeAlias = tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class ReadAnswered:
    """The mail, those of its records that the caller may see, and the code of its thread. Five reads at most.

    Who may not read it learns nothing else of the request.
    """

    visibility: Visibility
    messages: MessageStore
    attachments: Attachments
    codes: Codes
    code_keys: tuple[bytes, ...]

    def __call__(self, caller: Caller, key: str) -> Answered:
        """Raises Unknown for a mail that is not there, or not for this caller."""
        stored = self.visibility.message(caller, key)
        document = self.messages.document(caller.tenant_id, key)
        if document is None:
            raise no_message()
        links = self.visibility.links(caller, key, stored.decision.links)
        kept, lost = self._attachments(caller.tenant_id, key, document)
        records = tuple(link.ref for link in links)
        return Answered(key, replace(document, attachments=kept), records, lost=lost)

    def _attachments(self, tenant_id: str, key: str, document: Document) -> tuple[_Attachments, _Attachments]:
        """The attachments whose bytes are kept, and the others."""
        found = document.attachments
        ids = [attachment.id for attachment in found]
        lacking = self.attachments.lacking(tenant_id, key, ids) if ids else frozenset()
        kept = tuple(attachment for attachment in found if attachment.id not in lacking)
        return kept, tuple(attachment for attachment in found if attachment.id in lacking)

    def with_code(self, organisation: Organisation, answered: Answered) -> Answered:
        """With the genuine code of its subject, if it was issued for a mail here."""
        signing = signing_of(organisation, self.code_keys)
        code = signing.code_in(answered.document.subject)
        is_issued = code is not None and code.number in self.codes.get_many(signing.tenant_id, [code.number])
        return replace(answered, code=code) if is_issued else answered


def signing_of(organisation: Organisation, keys: tuple[bytes, ...]) -> Signing:
    """What the organisation's codes are read with."""
    return Signing(keys, organisation.tenant_id, organisation.code_prefixes)
