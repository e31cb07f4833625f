"""What a mail costs from delivery to a readable row: requests, CPU and delay, live and from history.

    python -m bench.pipeline [--rows alone bursts walk backfill skipped forty] [--where] [--json FILE]
    python -m bench.pipeline --against COMMIT [--rounds 3]

Mail comes in threads (see `bench.correspondence`), each with another customer. Counts come from the simulator (Graph)
and the storage proxy (storage, the host's own requests included, empty polls not); rows are looked for behind the
proxy, so that looking is not counted. CPU is that of all host processes. Each row has a stack of its own.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import against, history, live
from bench.costs import HEADER, Cost


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured. `every`: seconds from one live mail or burst to the next."""

    alone: int
    bursts: int
    every: float
    threads: int
    length: int
    mailboxes: int


ROWS: dict[str, Callable[[Options], Cost]] = {
    "alone": lambda given: live.alone(given.alone, given.every),
    "bursts": lambda given: live.bursts(given.bursts, given.every),
    "walk": lambda given: history.first_walk(given.threads, given.length),
    "backfill": lambda given: history.backfill(given.threads, given.length),
    "skipped": lambda given: history.skipped(given.threads * given.length),
    "forty": lambda given: live.beside_first_walks(given.mailboxes),
}


def main() -> None:
    given = _parser().parse_args()
    if given.against:
        against.live_mail(given.against, given.rounds)
        return
    options = Options(
        alone=given.alone,
        bursts=given.bursts,
        every=given.every,
        threads=given.threads,
        length=given.length,
        mailboxes=given.mailboxes,
    )
    print(HEADER)
    costs = []
    for name in given.rows:
        costs.append(ROWS[name](options))
        print(costs[-1].row(), flush=True)
        if given.where:
            print_where(costs[-1])
    if given.json:
        given.json.write_text(json.dumps([cost.as_json() for cost in costs], indent=1) + "\n")


def print_where(cost: Cost) -> None:
    """Where the requests of a mail go: storage by table and verb, Graph by endpoint."""
    shown = cost.as_json()
    for part in ("storage", "rows", "graph"):
        counts = shown[part]
        assert isinstance(counts, dict)
        for name, count in counts.items():
            print(f"    {part:<8}{count:>8.3f}  {name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Cost of a mail from delivery to row.")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--alone", type=int, default=6, help="live mails one after another")
    parser.add_argument("--bursts", type=int, default=4, help="live bursts of ten")
    parser.add_argument("--every", type=float, default=20, help="seconds between live mails or bursts")
    parser.add_argument("--threads", type=int, default=60, help="threads of history")
    parser.add_argument("--length", type=int, default=5, help="mails of a thread")
    parser.add_argument("--mailboxes", type=int, default=40, help="first walks beside live mail")
    parser.add_argument("--where", action="store_true", help="show requests by table, verb and endpoint")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--against", help="a commit whose live mail is measured in turn with this copy's")
    parser.add_argument("--rounds", type=int, default=3, help="with --against: the least of so many counts")
    return parser


if __name__ == "__main__":
    main()
