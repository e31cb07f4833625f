"""Which layout a storage account has: it carries a mark, and an account with another layout is refused.

Nothing was deployed before this layout, so no older one is migrated.
"""

from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.table import Table, where
from shared.domain import names
from shared.domain.errors import Conflict

# Raised when rows or queues of an earlier version would not be read right.
LAYOUT: Final = 3
_BEFORE_THE_MARK: Final = 1
STORE: Final = "store"
_MARK: Final = "layout"

_OLDER: Final = (
    "The storage account holds data of layout {found}, which this version cannot read (it reads layout {layout}), and "
    "nothing migrates it. Use a new, empty storage account (in Azure: azd env new NAME, then azd up; locally: another "
    "--data-dir), push the records again and add the mailboxes. If the data is a restored backup of this version, "
    "restore the table Runs as well."
)
_NEWER: Final = (
    "The storage account holds data of layout {found}, and this version reads layout {layout}: deploy the version "
    "that was deployed last, or a newer one."
)


def refusal(connection: Connection) -> str:
    """Why the app must not run on this account; '' if it may. An empty account gets the mark.

    One request for an account with a mark.
    """
    table = Table(connection, names.RUNS)
    found = _marked(table)
    if found is None and _is_used(connection):
        # Another process may have begun on the empty account, and marked it, in between.
        found = _marked(table) or _BEFORE_THE_MARK
    if found is None:
        _mark(table)
        return ""
    if found == LAYOUT:
        return ""
    return (_OLDER if found < LAYOUT else _NEWER).format(found=found, layout=LAYOUT)


def _marked(table: Table) -> int | None:
    row = table.get(STORE, _MARK, ("version",))
    return int(row["version"]) if row else None


def _is_used(connection: Connection) -> bool:
    """The first thing that anybody writes is an organisation."""
    organisations = Table(connection, names.ORGANISATIONS).rows(
        where(RowKey="organisation"), select=("RowKey",), page=1
    )
    return next(iter(organisations), None) is not None


def _mark(table: Table) -> None:
    try:
        table.write({"PartitionKey": STORE, "RowKey": _MARK, "version": LAYOUT}, "")
    except Conflict:
        return
