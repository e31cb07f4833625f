"""What an intake mailbox answers, as its admin reads and changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.domain.connections.fields import Fields
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import InvalidInput
from shared.domain.intake.acknowledgements import Acknowledgement
from shared.domain.privacy.callers import Caller
from shared.ports.stores.intake import Acknowledgements
from shared.ports.work import Clock


@dataclass(frozen=True, slots=True)
class ManageAcknowledgement:
    """Read a mailbox's acknowledgement, and keep a further version of it."""

    acknowledgements: Acknowledgements
    clock: Clock

    def __call__(self, mailbox: Mailbox) -> Acknowledgement:
        """The settings that hold now; off, without templates, where none was saved."""
        return self.acknowledgements.get(mailbox.tenant_id, mailbox.mailbox_id) or Acknowledgement()

    def put(self, caller: Caller, mailbox: Mailbox, given: Mapping[str, Any]) -> Acknowledgement:
        """The next version. Raises InvalidInput, and Conflict where another one was saved meanwhile."""
        if mailbox.kind != INTAKE:
            raise InvalidInput("Only intake mailboxes acknowledge mail: set 'kind' to intake first.")
        wanted = self(mailbox).changed(Fields(given))
        wanted = replace(wanted, saved_at=self.clock(), saved_by=caller.audit_name)
        return self.acknowledgements.save(mailbox.tenant_id, mailbox.mailbox_id, wanted)
