"""Postledger beside other products over the same mails, in one run: CPU, mails a second, threads, duplicates.

    python -m bench.peers [--peers DIR] [--threads 100] [--length 5] [--duplicates 10] [--rounds 3]
        [--backfill] [--groups] [--fast] [--roundup]

The scripts that run each product are no part of this project: where their directory is not there, this says so and
ends. The peers are installed into `.peers`. They run with SQLite as it comes (durable) and, with `--fast`, without
fsync too. CPU is each product's own processes'; Azurite, which stands for Azure Storage, is shown beside it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.azurite import ROOT

PEERS = ROOT.parent / "shared" / "peers"
KEPT = ROOT / ".peers"
DURABLE, FAST = "FULL", "OFF"
PATIENCE = 1_800.0


@dataclass(frozen=True, slots=True)
class Product:
    """A product as its script runs it; `environment` holds its packages, "" for this project."""

    name: str
    script: str
    environment: str
    packages: tuple[str, ...] = ()


OURS = Product("postledger", "run_postledger.py", "")
DJANGO = ("django-helpdesk", "django-mailbox")
HELPDESK = Product("django-helpdesk", "run_helpdesk.py", "django", DJANGO)
MAILBOX = Product("django-mailbox", "run_mailbox.py", "django", DJANGO)
ROUNDUP = Product("roundup", "run_roundup.py", "roundup", ("roundup",))


@dataclass(frozen=True, slots=True)
class Result:
    """One product's line of one round, as its script printed it."""

    product: str
    sync: str
    said: Mapping[str, Any]

    @property
    def cpu_ms(self) -> float:
        return float(self.said["cpu_ms_per_mail"])

    @property
    def mails_per_second(self) -> float:
        return float(self.said["mails"]) / float(self.said["wall_s"])

    @property
    def azurite_ms(self) -> float:
        return float(self.said.get("others_cpu_ms_per_mail", {}).get("azurite", 0.0))

    def row(self) -> str:
        name = f"{self.product} {self.sync}".rstrip()
        storage = self.said.get("storage_per_mail", "-")
        return (
            f"{name:<26}{self.said['mails']:>6}{self.cpu_ms:>9.1f}{self.azurite_ms:>9.1f}"
            f"{self.mails_per_second:>9.1f}{storage:>9}{self.said['threads_right']:>7}/{self.said['threads']}"
            f"{self.said['duplicates_stored']:>9}"
        )


HEADER = f"{'':<26}{'mails':>6}{'CPU ms':>9}{'Azurite':>9}{'mails/s':>9}{'storage':>9}{'threads':>11}{'doubled':>9}"


def environment(product: Product) -> Path:
    """The Python of a product's packages, installed once."""
    if not product.environment:
        return Path(sys.executable)
    python = KEPT / product.environment / "bin" / "python"
    whole = KEPT / product.environment / ".whole"
    if not whole.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
        subprocess.run([*pip, *product.packages], check=True)
        whole.touch()
    return python


def run(product: Product, scripts: Path, corpus: Path, *, sync: str, more: Sequence[str] = ()) -> Result:
    """One product over the corpus. Raises SystemExit with the end of its output where it fails."""
    python = environment(product)
    command = [str(python), str(scripts / product.script), str(corpus)]
    if product.environment:
        command += [str(KEPT / "work" / product.name)]
        command += [str(python.parent)] if product is ROUNDUP else []
        command += ["--sync", sync]
    ended = subprocess.run(
        [*command, *more], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        raise SystemExit(f"{product.name} failed:\n{ended.stderr[-2000:]}")
    return Result(product.name, sync, json.loads(lines[-1]))


def one_round(given: argparse.Namespace, corpus: Path) -> list[Result]:
    """Every product once, ours last."""
    peers = [HELPDESK, MAILBOX, *([ROUNDUP] if given.roundup else [])]
    syncs = [DURABLE, *([FAST] if given.fast else [])]
    results = []
    for peer in peers:
        for sync in syncs:
            results.append(run(peer, given.peers, corpus, sync=sync))
            print(results[-1].row(), flush=True)
    more = [*(["--backfill"] if given.backfill else []), *(["--groups"] if given.groups else [])]
    results.append(run(OURS, given.peers, corpus, sync="", more=more))
    print(results[-1].row(), flush=True)
    return results


def ratios(rounds: Sequence[Sequence[Result]]) -> list[str]:
    """For each peer the least over all rounds of its CPU over ours, and of our speed over its."""
    lines = []
    for number, peer in enumerate(rounds[0][:-1]):
        pairs = [(results[number], results[-1]) for results in rounds]
        cpu = min(theirs.cpu_ms / ours.cpu_ms for theirs, ours in pairs)
        speed = min(ours.mails_per_second / theirs.mails_per_second for theirs, ours in pairs)
        lines.append(
            f"{peer.product} {peer.sync}: its CPU a mail is {cpu:.2f} times ours, we file {speed:.2f} times its mails "
            f"a second (least of {len(pairs)})"
        )
    ours = [results[-1] for results in rounds]
    share = min(result.azurite_ms * result.mails_per_second / 1_000 for result in ours)
    lines.append(f"Azurite uses {share:.0%} of a processor while we file")
    return lines


def main() -> None:
    given = _parser().parse_args()
    if not (given.peers / OURS.script).exists():
        print(f"no peers in {given.peers}: nothing to stand beside")
        return
    with tempfile.TemporaryDirectory(prefix="postledger-peers-") as name:
        corpus = Path(name) / "corpus"
        size = ["--threads", str(given.threads), "--length", str(given.length)]
        size += ["--duplicates", str(given.duplicates)]
        subprocess.run(
            [sys.executable, str(given.peers / "corpus.py"), str(corpus), *size],
            check=True,
            capture_output=True,
        )
        print(HEADER)
        rounds = [one_round(given, corpus) for _ in range(given.rounds)]
    print("\n".join(ratios(rounds)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Postledger and its peers over the same mails.")
    parser.add_argument("--peers", type=Path, default=PEERS, help="where the peers' scripts are")
    parser.add_argument("--threads", type=int, default=100)
    parser.add_argument("--length", type=int, default=5)
    parser.add_argument("--duplicates", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fast", action="store_true", help="the peers without fsync too")
    parser.add_argument("--roundup", action="store_true", help="roundup too")
    parser.add_argument(
        "--backfill", action="store_true", help="Postledger by backfill, not by its first walk"
    )
    parser.add_argument(
        "--groups", action="store_true", help="Postledger with a process for each function group"
    )
    return parser


if __name__ == "__main__":
    main()
