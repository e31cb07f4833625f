"""Writes the API's description as it is served, without serving it: `python -m dev.description FILE`.

What generates clients on a machine without Azurite reads it, and a release carries it.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from shared.api.app import create_app
from shared.bootstrap.build import build


def description(public_url: str) -> dict[str, Any]:
    """The OpenAPI document of a deployment at this address."""
    nothing: Any = None  # no request is answered
    found: dict[str, Any] = create_app(nothing, nothing, build(), public_url=public_url).openapi()
    return found


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(prog="python -m dev.description", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--public-url", default="https://postledger.example", help="the deployment's address")
    given = parser.parse_args()
    text = json.dumps(description(given.public_url), ensure_ascii=False, indent=1) + "\n"
    given.file.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
