"""Mail in folders that no walk has listed: made since the last walk, or never listed at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared import telemetry
from shared.domain.capture.folders import FolderState, may_ask, unlisted
from shared.domain.commands.commands import SyncMailbox
from shared.domain.errors import Conflict
from shared.ports.stores.capture import FolderStates
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import Scope


@dataclass(frozen=True, slots=True)
class UnlistedFolders:
    """Asks for a walk, which lists the folder and brings its mail, or else leaves it as what it is noted as here."""

    folders: FolderStates
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, folder_ids: Sequence[str]) -> dict[str, FolderState]:
        """The states under which mail in these is looked at; none before the first walk, which lists the most."""
        now = self.clock()
        if scope.mailbox.state.last_sync_at is None:
            self.queue.send(SyncMailbox.of(scope.mailbox, now))
            return {}
        states = {state.folder_id: state for state in self.folders.all(scope.mailbox)}
        if may_ask(states.values(), now):
            self.queue.send(SyncMailbox.of(scope.mailbox, now))
        return {folder_id: self._noted(scope, folder_id, states.get(folder_id)) for folder_id in folder_ids}

    def _noted(self, scope: Scope, folder_id: str, known: FolderState | None) -> FolderState:
        """A walk that lists it meanwhile is right."""
        now = self.clock()
        if known is not None and known.is_known(now):
            return known
        fresh = replace(unlisted(folder_id, now), etag=known.etag if known else "")
        try:
            noted = self.folders.put(scope.mailbox, fresh)
        except Conflict:
            return self.folders.get(scope.mailbox, folder_id) or fresh
        telemetry.event("folder_unlisted", mailbox=scope.mailbox.mailbox_id)
        return noted
