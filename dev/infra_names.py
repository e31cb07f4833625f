"""Writes `infra/names.json`: the tables, queues and containers that the infrastructure makes, from the code's own list.

`python -m dev.infra_names` after a change of `shared/domain/names.py`; a test compares the two.
"""

import json
from pathlib import Path

from dev.azurite import ROOT
from shared.domain.names import ATTACHMENTS, BODIES, CONTAINERS, POISON_SUFFIX, QUEUES, TABLES

FILE = ROOT / "infra" / "names.json"


def content() -> str:
    """What the file is to hold."""
    names = {
        "tables": TABLES,
        "queues": QUEUES,
        "poisonSuffix": POISON_SUFFIX,
        "containers": CONTAINERS,
        # Where the content of mail lies: what lifecycle rules may move and delete.
        "mailContainers": [f"{one}/" for one in (BODIES, ATTACHMENTS)],
    }
    return json.dumps(names, indent=2) + "\n"


def write(file: Path = FILE) -> None:
    file.write_text(content(), "utf-8")


if __name__ == "__main__":
    write()
