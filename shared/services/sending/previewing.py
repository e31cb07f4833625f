"""A mail as it would leave, and what would be refused of it: for who writes it, before it is sent."""

from dataclasses import dataclass
from typing import Final

from shared.domain.mail.codes import Code
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import RecordRef
from shared.domain.sending.checking import Reason
from shared.domain.sending.drafting import Draft
from shared.domain.sending.from_addresses import Chosen, Refused
from shared.domain.sending.subjects import subject_of
from shared.domain.sending.wanted import MailWanted
from shared.services.sending.answering import signing_of
from shared.services.sending.asking import with_choices
from shared.services.sending.preparing import Prepared, PrepareMail

# As long as a code, and none: the number is claimed only once the mail is asked for.
_UNCLAIMED: Final = "......-...."


@dataclass(frozen=True, slots=True)
class MailPreview:
    """What would leave. `chosen` is None where no mailbox sends it; `reasons` say why it would be refused."""

    chosen: Chosen | None
    subject: str
    draft: Draft
    records: tuple[RecordRef, ...]
    choices: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class PreviewMail:
    """Show a mail before it is sent. Writes nothing, claims no number."""

    prepare: PrepareMail
    code_keys: tuple[bytes, ...]

    def __call__(self, caller: Caller, wanted: MailWanted) -> MailPreview:
        """Raises what `PrepareMail` raises; what is against the mail itself is part of the preview."""
        prepared = self.prepare(caller, wanted)
        chosen = prepared.settled.chosen
        refused = chosen if isinstance(chosen, Refused) else None
        unsent = (Reason(f"from_{refused.kind}", with_choices(refused)),) if refused else ()
        return MailPreview(
            chosen=chosen if isinstance(chosen, Chosen) else None,
            subject=self._subject(prepared),
            draft=prepared.draft,
            records=prepared.settled.records,
            choices=refused.choices if refused else (),
            reasons=(*unsent, *prepared.reasons),
        )

    def _subject(self, prepared: Prepared) -> str:
        organisation = prepared.house.organisation
        kept = prepared.answered.code if prepared.answered else None
        code = kept or Code(0, f"{organisation.code_prefix}-{_UNCLAIMED}")
        return subject_of(prepared.draft.subject, code, signing_of(organisation, self.code_keys))
