"""`python -m dev.up`: start everything on this machine and serve until SIGTERM.

Writes the ready file once all is reachable (and seeded). Its keys are `api_url`, `simulator_url`, `ca_file`,
`home_tenant_id`, `storage_connection_string` (Azurite itself, past the fault proxy), `client_id` and `pids`;
beyond these `client_secret`, `host_url`, `host_groups` (process ids by function group), `log_dir`, `timers` (whether
the tick comes by itself), of the fault proxy `storage_stats_url`, `storage_dam_url` and `storage_faults_url`, and
`imap` (`host`, `port`, `starttls_port` of a Dovecot; null where there is none) and `smtp` beside it (`host`, `port`,
`security`).
With `--data-dir` storage, ids and keys outlast the run; the simulator's tenants, users and mailboxes do not. With
`--identity` there is no connection string, no secret, and no proxy that makes storage fail.
"""

import argparse
import importlib
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from dev.azurite import ROOT
from dev.stack import Stack, StackOptions


def main() -> None:
    """Read the command line, start the stack, wait for SIGTERM or Ctrl-C."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        with Stack(options) as stack:
            print(f"serving {stack.ready['api_url']}", flush=True)
            threading.Event().wait()
    except RuntimeError as error:
        sys.exit(f"error: {error}")


def _end(*_: object) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # stopping has begun; let it finish
    raise SystemExit(0)


def _options() -> StackOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.up", description=__doc__)
    parser.add_argument("--ready-file", type=Path, required=True, help="gets the addresses as JSON")
    parser.add_argument("--data-dir", type=Path, help="keep storage, ids and keys there across runs")
    parser.add_argument("--seed", choices=("none", "demo"), default="none", help="what to begin with")
    parser.add_argument("--no-timers", action="store_true", help="timers run only when asked for by hand")
    parser.add_argument("--hosts", type=int, default=1, help="app processes behind one address")
    parser.add_argument(
        "--groups", action="store_true", help="a process for each function group, as on Flex Consumption"
    )
    parser.add_argument(
        "--drain", type=float, help="seconds that running functions get when a host is ended (10)"
    )
    parser.add_argument(
        "--invisibility", type=float, help="seconds a running command stays hidden from others (600)"
    )
    parser.add_argument(
        "--shorten", type=float, default=1.0, help="divide all of the hosts' times by this, 1 to 4"
    )
    parser.add_argument(
        "--identity", action="store_true", help="storage and sign-in by managed identity: no key, no secret"
    )
    parser.add_argument("--app", type=Path, default=ROOT, help="an unpacked release to serve")
    given = parser.parse_args()
    return StackOptions(
        app_dir=given.app.resolve(),
        hosts=given.hosts,
        groups=given.groups,
        shorten=given.shorten,
        drain=given.drain,
        timers=not given.no_timers,
        invisibility=given.invisibility,
        identity=given.identity,
        data_dir=given.data_dir.resolve() if given.data_dir else None,
        ready_file=given.ready_file.resolve(),
        seed=_demo_seed() if given.seed == "demo" else None,
    )


def _demo_seed() -> Callable[[dict[str, Any]], object]:
    seed: Callable[[dict[str, Any]], object] = importlib.import_module("dev.demo").seed
    return seed


if __name__ == "__main__":
    main()
