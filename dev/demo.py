"""`python -m dev.demo`: a demo organisation on this machine, its mail on timelines, and where to go on from there.

Starts the whole stack, delivers the mail of `dev/seed`, shows what became of it and serves until Ctrl-C; with
`--exit` it ends after showing. Ends with 1 and a sentence where something expected did not come.
"""

import argparse
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from dev.azurite import ROOT
from dev.demo_intake import Enquiry, enquiries
from dev.demo_organisation import Demo, seed
from dev.demo_report import report
from dev.demo_sending import Exchange, exchange
from dev.stack import Stack, StackOptions

__all__ = ["seed"]

RENEW_TOKEN_EVERY = 1_800.0


def main() -> None:
    """Read the command line, start the stack, show the demo, wait for the end."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    started = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - started:5.1f} s  {text}", flush=True)

    demos: list[Demo] = []

    def fill(ready: dict[str, Any]) -> None:
        tell(f"storage, simulated Microsoft 365 and the app are up: {ready['api_url']}")
        demos.append(seed(ready, tell))
        tell("all mail is where it belongs")
        _show(demos[0], exchange(demos[0], tell), enquiries(demos[0], tell))

    tell("starting storage, simulated Microsoft 365 and the app")
    try:
        with Stack(StackOptions(data_dir=options.data_dir, app_dir=options.app, seed=fill)):
            if not options.exit:
                print("\nServing; Ctrl-C stops everything.", flush=True)
                _serve(demos[0])
    except RuntimeError as error:
        sys.exit(f"error: {error}")


def _show(demo: Demo, sent: Exchange, asked: list[Enquiry]) -> None:
    _write_tokens(demo)
    for block in report(demo, sent, asked, _token_directory(demo)):
        print(f"\n{block}", flush=True)


def _serve(demo: Demo) -> NoReturn:
    while True:
        threading.Event().wait(RENEW_TOKEN_EVERY)
        _write_tokens(demo)


def _write_tokens(demo: Demo) -> None:
    directory = _token_directory(demo)
    directory.mkdir(mode=0o700, exist_ok=True)
    for name, token in (("admin", demo.admin_token()), ("agent", demo.agent_token(demo.busiest))):
        file = directory / name
        file.touch(mode=0o600)
        file.write_text(token)


def _token_directory(demo: Demo) -> Path:
    return Path(demo.ready["log_dir"]).parent / "demo-tokens"


def _end(*_: object) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # stopping has begun; let it finish
    raise SystemExit(0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.demo", description=__doc__)
    parser.add_argument("--exit", action="store_true", help="end after showing")
    parser.add_argument("--data-dir", type=lambda text: Path(text).resolve(), help="keep storage there")
    parser.add_argument(
        "--app", type=lambda text: Path(text).resolve(), default=ROOT, help="an unpacked release to serve"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
