"""An organisation and the folders of its mailboxes, as they stood five seconds ago at most."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.capture.folders import FolderState
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.ports.stores.capture import FolderStates
from shared.ports.stores.connections import Organisations
from shared.services.remembering.memories import Memories


@dataclass(frozen=True, slots=True)
class RecentRows:
    """For work that only reads them, mail after mail. Who changes a row, or acts on its change, reads it itself."""

    organisations: Organisations
    folders: FolderStates
    memories: Memories

    def organisation(self, tenant_id: str) -> Organisation | None:
        def load(_: list[str]) -> Mapping[str, Organisation]:
            found = self.organisations.get(tenant_id)
            return {tenant_id: found} if found else {}

        return self.memories.organisations.read([tenant_id], load).get(tenant_id)

    def folder(self, mailbox: Mailbox, folder_id: str) -> FolderState | None:
        place = (mailbox.tenant_id, mailbox.mailbox_id, folder_id)

        def load(_: list[tuple[str, str, str]]) -> Mapping[tuple[str, str, str], FolderState]:
            found = self.folders.get(mailbox, folder_id)
            return {place: found} if found else {}

        return self.memories.folders.read([place], load).get(place)
