"""Bugs planted in the soak's hosts, so that it can be seen to find them. The product's own code stays as it is.

A host is started on a directory made here, whose `function_app.py` plants the bug and then loads the product's.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.soak_door_plants import DOOR_PLANTS
from bench.soak_host import PLANT, mails_kill
from bench.soak_planting import plant
from dev.azurite import ROOT

_APP = """import importlib.util
import sys

from bench.soak_plants import PLANTS

PLANTS[{name!r}]()
spec = importlib.util.spec_from_file_location("product_app", {app!r})
product = importlib.util.module_from_spec(spec)
sys.modules["product_app"] = product
spec.loader.exec_module(product)
app = product.app
"""


def planted_app(name: str, directory: Path) -> Path:
    """A directory to start hosts on. Raises KeyError for a bug that is not known."""
    if name not in PLANTS:
        raise KeyError(name)  # here, not in the hosts
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "host.json", directory / "host.json")
    app = _APP.format(name=name, app=str(ROOT / "function_app.py"))
    (directory / "function_app.py").write_text(app)
    return directory


def cursor_too_early() -> None:
    """The cursor of a page is stored before its mails stand in the worklist."""
    from shared.ports.mail import Listed
    from shared.services.capture.arrivals import is_unsettled
    from shared.services.capture.sync import Sync

    def changes(self: Any, scope: Any, state: Any, since: Any, progress: Any) -> tuple[Any, bool]:
        page = self.mail.open(scope.mailbox).changes(state.folder_id, state.cursor, since)
        stored = self.folders.put(scope.mailbox, replace(state, cursor=page.cursor))
        heads = [*page.heads, *self.arrivals.heads(scope, page.partial)]
        listed = [*page.bare, *(Listed(one.item, one.received_at, one) for one in heads)]
        new = self.arrivals.in_doubt(scope, listed, is_unsettled)
        self.arrivals.take(scope, self.arrivals.complete(scope, new), state, progress.lane)
        return stored, page.more

    plant(Sync, "_changes", changes)


def conflict_is_somebody_else() -> None:
    """A create's 409 is taken for another worker's row: nothing is left to do."""
    from shared.domain.filing.filing import DONE
    from shared.ports.stores.filing import Claim
    from shared.services.filing.filing import Filing

    original: Callable[..., Claim] = Filing._claim

    def claim(self: Any, *given: Any) -> Claim:
        found = original(self, *given)
        return found if found.created else replace(found, message=replace(found.message, state=DONE))

    plant(Filing, "_claim", claim)


def receipt_of_its_own() -> None:
    """Whoever adopts a stored mail files it under the time at which the own copy came."""
    from shared.services.filing.filing import Filing

    original = Filing._merge

    def merge(self: Any, scope: Any, stored: Any, mine: Any) -> Any:
        return replace(original(self, scope, stored, mine), at=mine.at, state="pending")

    plant(Filing, "_merge", merge)


def bodies_first() -> None:
    """Bodies are fetched before it is decided whether a mail is kept."""
    from shared.services.capture.fetching import FetchMail

    original = FetchMail.__call__

    def fetch(self: Any, scope: Any, command: Any) -> Any:
        return original(self, scope, replace(command, screened=True))

    plant(FetchMail, "__call__", fetch)


def nobody_waits() -> None:
    """A reply that comes before its parent leaves no word."""
    from shared.adapters.storage.stores.messages import AzureMessageStore

    def wait_for(self: Any, *given: Any, **_: Any) -> Any:
        stored = self.get(*given[:2])
        return stored if stored is not None and stored.is_filed else None

    plant(AzureMessageStore, "wait_for", wait_for)


PLANTS: dict[str, Callable[[], None]] = {
    PLANT: mails_kill,
    "cursor-too-early": cursor_too_early,
    "conflict-is-somebody-else": conflict_is_somebody_else,
    "receipt-of-its-own": receipt_of_its_own,
    "bodies-first": bodies_first,
    "nobody-waits": nobody_waits,
    **DOOR_PLANTS,
}
