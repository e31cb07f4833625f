"""`python -m dev.host`: serve a Functions app on a loopback port until SIGTERM."""

import argparse
import logging
import os
import sys
from pathlib import Path

from dev.host.configuration import HostError
from dev.host.server import HostArguments, run


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m dev.host", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument(
        "--app-dir", type=Path, default=Path(), help="where function_app.py and host.json are"
    )
    parser.add_argument(
        "--invisibility", type=float, default=600, help="seconds a running message stays hidden from others"
    )
    parser.add_argument("--no-timers", action="store_true", help="timers run only when asked for by hand")
    parser.add_argument("--reuse-port", action="store_true", help="several processes may serve one port")
    parser.add_argument("--ready-file", type=Path, help="gets the url and pid as JSON once the host serves")
    given = parser.parse_args()
    if given.invisibility < 1:
        parser.error("--invisibility must be 1 or more: storage counts whole seconds")
    arguments = HostArguments(
        app_dir=given.app_dir.resolve(),
        port=given.port,
        invisibility=given.invisibility,
        timers=not given.no_timers,
        reuse_port=given.reuse_port,
        ready_file=given.ready_file.resolve() if given.ready_file else None,
    )
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)
    os.chdir(arguments.app_dir)
    try:
        run(arguments)
    except HostError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
