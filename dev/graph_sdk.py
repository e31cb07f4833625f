"""Microsoft's own Graph SDK against the simulator, over TLS: `python -m dev.graph_sdk` (`make graph-sdk`).

The SDK has an environment of its own in `.graph-sdk`, since it brings a client that this project neither has nor
deploys. It walks the simulator as it walks Graph; what it cannot read, Graph does not say so.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dev.azurite import ROOT
from dev.certificates import make_certificates
from dev.processes import Child, wait_for_ready
from dev.simulator.client import Control

FOLDER: Final = ROOT / ".graph-sdk"
PYTHON: Final = FOLDER / "bin" / "python"
PACKAGES: Final = ROOT / "tests" / "graph_sdk" / "requirements.txt"
WALK: Final = ROOT / "tests" / "graph_sdk" / "walk.py"
_INSTALLED: Final = FOLDER / "requirements.txt"


def install() -> None:
    """The SDK in the versions that the list names, unless they are there. Raises SystemExit where pip fails."""
    if _INSTALLED.exists() and _INSTALLED.read_text("utf-8") == PACKAGES.read_text("utf-8"):
        return
    print("installing Microsoft's Graph SDK into .graph-sdk", flush=True)
    venv.create(FOLDER, with_pip=True, clear=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "-qq", "install", "-r", str(PACKAGES)]
    if subprocess.run(pip, check=False).returncode:
        raise SystemExit("pip could not install the SDK")
    _INSTALLED.write_text(PACKAGES.read_text("utf-8"), "utf-8")


def walk() -> int:
    """Start a simulator with a mailbox, and have the SDK walk it; the walk's own exit code."""
    with tempfile.TemporaryDirectory(prefix="postledger-sdk-") as name:
        place = Path(name)
        certificates = make_certificates(place / "tls")
        ready, log = place / "ready.json", place / "simulator.log"
        application = {"client": str(uuid.uuid4()), "secret": uuid.uuid4().hex, "home": str(uuid.uuid4())}
        files = ("--cert", certificates.certificate, "--key", certificates.key, "--ca", certificates.ca)
        known = ("--client-id", application["client"], "--client-secret", application["secret"])
        command = [sys.executable, "-m", "dev.simulator", *map(str, files), *known]
        command += ["--home-tenant", application["home"], "--ready-file", str(ready)]
        simulator = Child.start("simulator", command, log=log, cwd=ROOT)
        try:
            url = str(wait_for_ready(simulator, ready)["url"])
            world = _world(Control(url, str(certificates.ca)))
            told = {**application, **world, "url": url, "ca": str(certificates.ca)}
            return _run(told, str(certificates.bundle))
        finally:
            simulator.stop()


def _world(control: Control) -> Mapping[str, Any]:
    tenant = str(uuid.uuid4())
    control.organisations(tenant, "contoso.example")
    ids = {name: control.users(tenant, f"{name}@contoso.example", name.title()) for name in ("ann", "bob")}
    return {"tenant": tenant, "users": ids}


def _run(told: Mapping[str, Any], bundle: str) -> int:
    env = {**os.environ, "WORLD": json.dumps(told), "REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle}
    return subprocess.run([str(PYTHON), str(WALK)], cwd=ROOT, env=env, check=False).returncode


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.graph_sdk", description=__doc__)
    parser.add_argument("--install", action="store_true", help="only make .graph-sdk")
    given = parser.parse_args()
    install()
    if given.install:
        return
    started = time.monotonic()
    code = walk()
    print(f"{time.monotonic() - started:.0f} s", flush=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
