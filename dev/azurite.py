"""Installs, starts and stops Azurite, Microsoft's storage emulator, on free loopback ports.

`python -m dev.azurite --install` fetches the pinned version; `start_azurite` runs it and says where.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dev.node import find_node, install_wheel
from dev.processes import Child, wait_for

if TYPE_CHECKING:
    from dev.certificates import Certificates

VERSION = "3.35.0"
ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / ".azurite"
SCRIPT = DIRECTORY / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"

# The account and key that Azurite documents for everyone; they open nothing but this emulator.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_LISTENING = re.compile(
    r"Azurite (Blob|Queue|Table) service is successfully listening at https?://127\.0\.0\.1:(\d+)"
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the three services of an Azurite (or of a proxy before it) listen on 127.0.0.1."""

    blob: int
    queue: int
    table: int
    scheme: str = "http"

    @property
    def addresses(self) -> dict[str, str]:
        """The account's address at each service."""
        ports = {"blob": self.blob, "queue": self.queue, "table": self.table}
        return {name: f"{self.scheme}://127.0.0.1:{port}/{ACCOUNT}" for name, port in ports.items()}

    @property
    def connection_string(self) -> str:
        """A storage connection string for these ports."""
        endpoints = "".join(f"{name.title()}Endpoint={uri};" for name, uri in self.addresses.items())
        return f"DefaultEndpointsProtocol={self.scheme};AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};{endpoints}"


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite; a context manager that stops it."""

    child: Child
    ports: Ports

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def connection_string(self) -> str:
        return self.ports.connection_string

    def stop(self) -> None:
        """End it gently, so that durable data is on disk."""
        self.child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_azurite(log: Path, *, location: Path | None = None, tls: "Certificates | None" = None) -> Azurite:
    """Start Azurite, in memory or durable in `location`, and wait until its three services listen.

    With `tls` it serves HTTPS and takes bearer tokens of Entra ID; it checks issuer, audience and expiry.
    Its output goes to the file `log`. Raises RuntimeError with the end of it where it does not start.
    """
    node = find_node()
    if node is None or not SCRIPT.exists():
        raise RuntimeError("Azurite is not installed; run `make setup`")
    storage = ["--location", str(location)] if location else ["--inMemoryPersistence"]
    ports = [f"--{service}Port=0" for service in ("blob", "queue", "table")]
    if tls is not None:
        storage += ["--oauth", "basic", "--cert", str(tls.certificate), "--key", str(tls.key)]
    options = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", *storage, *ports]
    child = Child.start("azurite", [node.program, str(SCRIPT), *options], log=log)
    try:
        scheme = "http" if tls is None else "https"
        found = wait_for(lambda: _ports(child, scheme), "Azurite did not start")
    except BaseException:
        child.stop()
        raise
    return Azurite(child, found)


def _ports(child: Child, scheme: str) -> Ports | None:
    child.check_running()
    found = {name.lower(): int(port) for name, port in _LISTENING.findall(child.output())}
    return Ports(**found, scheme=scheme) if len(found) == 3 else None


def install() -> None:
    """Fetch the pinned Azurite into `.azurite/` with npm. Raises RuntimeError where npm fails."""
    node = find_node() or install_wheel()
    print(f"installing Azurite {VERSION}", flush=True)
    DIRECTORY.mkdir(exist_ok=True)
    node.run_npm("install", "--prefix", str(DIRECTORY), "--loglevel=error", f"azurite@{VERSION}")
    if not SCRIPT.exists():
        raise RuntimeError(f"npm installed no {SCRIPT.name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", required=True, help="fetch the pinned version")
    parser.parse_args()
    try:
        install()
    except RuntimeError as error:
        sys.exit(f"error: {error}")
