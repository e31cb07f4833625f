"""`python -m dev.host`: serve a Functions app on a loopback port.

SIGTERM drains it (no more polls, what runs may finish for `--drain` seconds), SIGUSR1 aborts it (what runs is cut
off and goes back into its queue as failed, as where only the worker process died), SIGKILL leaves everything hidden.
"""

import argparse
import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

from dev.host.configuration import HostError
from dev.host.functions import load_functions
from dev.host.groups import groups_of
from dev.host.server import HostArguments, run
from dev.host.times import Times


def main() -> None:
    """Read the command line and serve, or say which groups there are."""
    parser = _parser()
    given = parser.parse_args()
    arguments = HostArguments(
        app_dir=given.app_dir.resolve(),
        port=given.port,
        times=_times(parser, given),
        timers=not given.no_timers,
        reuse_port=given.reuse_port,
        ready_file=given.ready_file.resolve() if given.ready_file else None,
        group=given.group,
        instance=given.instance,
        held_file=given.held_file.resolve() if given.held_file else None,
    )
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)
    os.chdir(arguments.app_dir)
    try:
        if given.show_groups:
            print(json.dumps(groups_of(load_functions(arguments.app_dir))))
        else:
            run(arguments)
    except HostError as error:
        sys.exit(f"error: {error}")


def _times(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Times:
    try:
        times = Times.shortened(given.shorten)
    except HostError as error:
        parser.error(str(error))
    if given.invisibility is not None and given.invisibility < 1:
        parser.error("--invisibility must be 1 or more: storage counts whole seconds")
    chosen = {"invisibility": given.invisibility, "drain": given.drain, "look": given.look}
    return replace(times, **{name: value for name, value in chosen.items() if value is not None})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev.host", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument(
        "--app-dir", type=Path, default=Path(), help="where function_app.py and host.json are"
    )
    parser.add_argument(
        "--shorten", type=float, default=1.0, help="divide all of the host's times by this, 1 to 4"
    )
    parser.add_argument(
        "--invisibility", type=float, help="seconds a running message stays hidden from others (600)"
    )
    parser.add_argument("--no-timers", action="store_true", help="timers run only when asked for by hand")
    parser.add_argument("--reuse-port", action="store_true", help="several processes may serve one port")
    parser.add_argument("--ready-file", type=Path, help="gets the url and pid as JSON once the host serves")
    parser.add_argument("--group", default="", help="serve this function group alone: http, or a function")
    parser.add_argument("--show-groups", action="store_true", help="print the groups as JSON and end")
    parser.add_argument("--drain", type=float, help="seconds that running functions get after SIGTERM (10)")
    parser.add_argument(
        "--look", type=float, help="seconds until a timer's lease that another holds is asked for again (60)"
    )
    parser.add_argument("--instance", default="", help="names this one among the instances of the app")
    parser.add_argument(
        "--held-file",
        type=Path,
        help="notes what is held, and releases what a worker that died has left in it",
    )
    return parser


if __name__ == "__main__":
    main()
