"""Writes on a mail of the outbox whom it did not reach, as a report of non-delivery says."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.campaigns.consent import Reason, Silence
from shared.domain.mail.bounces import Bounce
from shared.domain.sending import transitions
from shared.domain.sending.states import Event, may
from shared.domain.sending.undelivered import Meaning, undelivered
from shared.ports.stores.campaigns import Silences
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock
from shared.services.capture.scopes import hasher_of
from shared.services.sending.change_mail import ChangeMail


@dataclass(frozen=True, slots=True)
class NoteUndelivered:
    """Mark a mail as bounced, address by address. Safe to run twice; nothing where the row is gone by now."""

    outbox: Outbox
    change: ChangeMail
    silences: Silences
    clock: Clock
    hash_key: bytes

    def __call__(self, tenant_id: str, mail_id: str, bounces: Sequence[Bounce]) -> None:
        mail = self.outbox.get(tenant_id, mail_id)
        if mail is None or not may(mail.state, Event.BOUNCE):
            return
        recipients = [person.address for person in mail.recipients]
        found = undelivered(bounces, recipients)
        told = " ".join(dict.fromkeys(each.sentence for each in found))
        # To whom a recipient has it forwarded, nobody wrote: that is told, and on no list.
        failed = tuple(each.address for each in found if each.meaning is not Meaning.FORWARDED)
        dead = tuple(each.address for each in found if each.silenced)
        hasher = hasher_of(self.hash_key, tenant_id)
        # Ahead of the row: a repeat finds the report unnoted, and writes the same again.
        for hashed in hasher.addresses(dead):
            self.silences.put(tenant_id, Silence(hashed, Reason.BOUNCED))
        bounced = self.change.quietly(mail, transitions.bounced(self.clock(), failed, told, dead))
        # The report is unnoted as well until this has been told.
        self.change.announce_all([bounced])
