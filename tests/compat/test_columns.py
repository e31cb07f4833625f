"""Columns that a newer version wrote outlive every write of this one, and leave nothing of what is erased."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.storage.direct import writes
from shared.domain import names
from tests.builders import TENANT
from tests.compat.store import columns_added, columns_lost, filled, written_over
from tests.contract.test_nothing_left import BO, places_of

ROOT = Path(__file__).resolve().parent.parent.parent
STORES = ROOT / "shared/adapters/storage/stores"
# Tombstones, and rows that an erased person is taken out of: nothing may stay of what they were.
REPLACING = ["holdings.py", "messages.py"]


def test_only_what_must_lose_everything_replaces_its_row() -> None:
    replacing = [path.name for path in sorted(STORES.glob("*.py")) if '"replace"' in path.read_text()]
    assert replacing == REPLACING


@pytest.mark.stack
def test_no_write_takes_a_column_away_that_it_does_not_know(own_azurite: str) -> None:
    world = filled(own_azurite)
    storage: Any = world.storage
    places = columns_added(storage, names.TABLES)
    assert {table for table, _, _ in places} == set(names.TABLES)
    written_over(world)
    assert columns_lost(storage, places) == set()

    # A column of a newer version may hold the person, too; one beside a mail holds nothing readable.
    mails = {message.key for message in storage.messages.scan(TENANT, limit=50, after="")[0]}
    readable = (place for place in places if place[0] != names.MESSAGES or place[2] in mails)
    for table, partition, key in readable:
        row = {"PartitionKey": partition, "RowKey": key, "added_later": f"{BO.name} <{BO.address}>"}
        if partition.startswith(TENANT) and table not in (names.AUDIT, names.ERASURES):
            storage.connection.table(table).update_entity(row)
    world.ask_erasure(TENANT, BO.address, "admin")
    world.work()
    world.now += timedelta(hours=1)
    world.work()
    assert places_of(storage, BO.address) == {}


@pytest.mark.stack
def test_a_row_that_is_replaced_is_found(own_azurite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: upserts as they were."""
    from tests.contract.conftest import AzureStorage

    storage = AzureStorage(own_azurite, "direct")
    storage.signatures.put(TENANT, "planted", "<p>1</p>")
    places = columns_added(storage, [names.SIGNATURES])
    monkeypatch.setitem(writes._METHODS, "upsert", "PUT")
    storage.signatures.put(TENANT, "planted", "<p>2</p>")
    assert columns_lost(storage, places) == {(names.SIGNATURES, TENANT, "planted")}
