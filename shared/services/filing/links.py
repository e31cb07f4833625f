"""Links by hand on any message that a person may read: added and taken away, audited, not undone by any rule."""

from dataclasses import dataclass

from shared.domain.filing import links
from shared.domain.filing.person_decisions import LINK, UNLINK
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import RecordRef
from shared.ports.stores.records import Records
from shared.ports.work import Clock
from shared.services.filing.change_by_person import Attribution, ChangeByPerson
from shared.services.filing.inbox import with_clients
from shared.services.filing.visibility import ShownMessage, Visibility


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """Put a message on a record, and on the client of a contact. Safe to run twice.

    Raises Unknown for a message that the caller may not read, InvalidInput for a record that is not there.
    """

    visibility: Visibility
    records: Records
    change_by_person: ChangeByPerson
    clock: Clock

    def __call__(self, caller: Caller, key: str, ref: RecordRef) -> ShownMessage:
        self.visibility.message(caller, key)
        found = with_clients(self.records, caller.tenant_id, [ref])
        new = links.links_to([ref], found, by=caller.shown_name)
        attribution = Attribution(LINK, caller.audit_name, self.clock(), tuple(link.ref for link in new))
        changed = self.change_by_person(
            caller.tenant_id, key, attribution, lambda stored: links.linked(stored, new)
        )
        return self.visibility.shown(caller, changed)


@dataclass(frozen=True, slots=True)
class UnlinkMessage:
    """Take a message from a record, for good. Taken from its last one, it waits in My Inbox again.

    Raises Unknown for a message that the caller may not read, or that is not on the record.
    """

    visibility: Visibility
    change_by_person: ChangeByPerson
    clock: Clock

    def __call__(self, caller: Caller, key: str, ref: RecordRef) -> ShownMessage:
        shown = self.visibility.shown(caller, self.visibility.message(caller, key))
        # The same answer as for a record that it is not on: nobody finds out by trying.
        hidden = {link.ref for link in shown.message.decision.links} - {link.ref for link in shown.links}
        if ref in hidden:
            raise links.not_on(ref)
        attribution = Attribution(UNLINK, caller.audit_name, self.clock(), (ref,))
        changed = self.change_by_person(
            caller.tenant_id, key, attribution, lambda stored: links.unlinked(stored, ref)
        )
        return self.visibility.shown(caller, changed)
