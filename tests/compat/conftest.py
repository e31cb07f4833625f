"""An Azurite of the module's own: everything in it was written by its tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.azurite import start_azurite
from tests.contract.conftest import provision


@pytest.fixture(scope="module")
def own_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log: Path = tmp_path_factory.mktemp("azurite") / "azurite.log"
    with start_azurite(log) as azurite:
        provision(azurite.connection_string)
        yield azurite.connection_string
