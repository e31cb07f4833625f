"""Two versions on one store, as in an update and a roll-back: half old and half new, all new, all old again.

    make skew [OLD=COMMIT] [MAILS=150] [PLANT=retyped-column|renamed-member|written-by-replace]

The new side is this copy with `tests/compat/next.patch`: a column, a command, an envelope version, a kind of row of
the worklist, and a form of bodies that the old side does not know. The old one is the release before this copy, or
the commit of main before it. Keys are rotated while all are new. Ends with 1 where a figure that must be zero is not;
with a plant, where all are.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import requests
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from bench.checkout import PREVIOUS, previous
from bench.skew_builds import PLANTS, next_build, old_build
from bench.soak_ledger import Ledger
from bench.soak_plan import Plan, make_plan
from bench.soak_report import Report
from bench.soak_run import Post, prepare, quiet
from bench.soak_verify import verify
from dev.launching import launch_of
from dev.stack import Stack, StackOptions
from dev.tenant import Api, Tenant, a_mail, eventually
from shared.adapters.storage.encoding import unpacked
from shared.domain import names

QUIET: Final = 300.0
LONGEST: Final = 180.0
# Two polls, and what they bring.
STILL: Final = 40.0
COLUMN: Final = "walked_by"
# As the patch: such a mail's body is in the form that only the new side knows.
FORM_TWO: Final = "in form two"
ERASED: Final = "erased@tailspin.example"
_ROTATED: Final = "5a" * 32

# Run with the new side's code: what it may have left when all are old again.
_LEAVE: Final = """
import sys
from datetime import UTC, datetime
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.queue import AzureCommandQueue
from shared.adapters.storage.stores.pending import AzurePending
from shared.domain.capture.pending import PendingRow
from shared.domain.commands.commands import SummariseMailbox, WakeMailbox
account, tenant, mailbox = sys.argv[1:]
connection, now = Connection(StorageSettings(account)), datetime.now(UTC)
place = {"tenant_id": tenant, "mailbox_id": mailbox, "first_at": now}
queue = AzureCommandQueue(connection)
queue.send(SummariseMailbox(**place, of="queue"))
queue.send(WakeMailbox(**place, why="left behind"))
row = PendingRow.of_command(SummariseMailbox(**place, of="row"))
AzurePending(connection).put(tenant, mailbox, [row])
"""


class SkewLedger(Ledger):
    """Bears that instances are replaced."""

    def _timeline(self, reader: Api, record: str) -> dict[str, tuple[str, str]]:
        """Once more where an instance ended in the middle of an answer: others take its place."""
        return eventually(lambda: self._answered(reader, record), seconds=LONGEST, what=record)[0]

    def _answered(self, reader: Api, record: str) -> tuple[dict[str, tuple[str, str]]] | None:
        try:
            return (super()._timeline(reader, record),)
        except requests.ConnectionError:
            return None


class Skew:
    """One run on a stack whose first instance is old and whose second one is new."""

    def __init__(self, stack: Stack, old: Path, new: Path, mails: int, seed: int) -> None:
        self.stack, self.old, self.new = stack, old, new
        self.mails, self.seed = mails, seed
        self.report = Report()
        self.account = str(stack.ready["storage_connection_string"])
        self.deploy((old, new))
        self.tenants = prepare(stack.ready)
        self.ledger = SkewLedger(stack.ready, self.tenants)
        self.post = Post(self.tenants[0].control, Plan((), {}))
        self.columns: set[tuple[str, str]] = set()
        self.left: Counter[str] = Counter()
        self.tables = TableServiceClient.from_connection_string(self.account)

    def run(self) -> Report:
        """All phases."""
        tenant = self.tenants[0]
        self._say("half old, half new")
        self._phase("Half old, half new", 1, to_quiet=False)
        if self.report.failures:
            return self.report
        formed = [self._in_form_two(tenant, number) for number in range(3)]
        self._say("all new, keys rotated")
        keys = {name: f"{_ROTATED},{self._setting(name)}" for name in ("CODE_KEYS", "TOKEN_KEYS")}
        self.deploy((self.new, self.new), {f"POSTLEDGER_{name}": value for name, value in keys.items()})
        self._phase("All new", 2)
        self.columns = set(self._with_column())
        self.report.figure("rows with the new column", len(self.columns))
        self.report.zero("no row has the new column", int(not self.columns))
        self._say("all old again")
        self._roll_back(tenant)
        self._phase("All old again", 3, to_quiet=False)
        self._what_waits(tenant, formed)
        self._erase(tenant)
        return self.report

    def deploy(self, apps: tuple[Path, Path], settings: Mapping[str, str] | None = None) -> None:
        """Have both instances serve these apps, one after the other, and wait until both answer."""
        hosts = self.stack.hosts
        if hosts is None:
            raise RuntimeError("the stack is not up")
        for number, app in enumerate(apps):
            before = hosts.pids[number]
            hosts.deploy(number, app, settings)
            eventually(partial(self._is_replaced, number, before), seconds=LONGEST, what="a deployment")

    def _is_replaced(self, number: int, before: int) -> bool:
        hosts = self.stack.hosts
        return hosts is not None and hosts.pids[number] != before and hosts.is_ready(number)

    def _phase(self, title: str, number: int, *, to_quiet: bool = True) -> None:
        """Deliver, wait, and hold everything so far against the truth.

        Where one is old, newer commands wait: it is not quiet then, but still. What half and half is late for that is
        looked for when all are new.
        """
        seconds = self.mails / 4
        plan = make_plan(
            self.seed + number, self.mails, seconds, datetime.now(UTC), first=len(self.post.plan.truth)
        )
        self.post.plan = self.post.plan.and_then(plan)
        self.post.apply_decision(plan.steps)
        waited = quiet(self.ledger, seconds=QUIET) if to_quiet else self._until_still()
        findings = verify(self.post.plan.truth, self.ledger.seen({}))
        if number == 1:
            self._say(f"{len(findings.lost)} rows are not there yet")
            findings.lost.clear()
        self.report.findings(title, findings)
        self.report.figure("seconds after the last delivery", "never" if waited is None else waited)
        self.report.zero("not quiet", int(waited is None), [str(self.ledger.queued())])
        exceptions = self.ledger.exceptions()
        self.report.zero("exceptions", sum(exceptions.values()), [*map(str, exceptions.items())])
        self.report.zero("in poison", len(self.ledger.poison()), self.ledger.poison())
        faults = list(self._faults())
        self.report.zero("faults of ours in the hosts' logs", len(faults), faults)
        lost = self.columns - set(self._with_column())
        self.report.zero("rows that lost the new column", len(lost), [*map(str, lost)])
        self._say(f"{title}: {self.report.verdict}\n" + "\n".join(findings.lost[:20]))

    def _faults(self) -> Iterator[str]:
        """Lines of commands and rows that ended in a bug: another try may have hidden it from everything else."""
        for path in sorted(Path(self.stack.ready["log_dir"]).glob("host-*.log")):
            for line in path.read_text("utf-8", errors="replace").splitlines():
                if '"outcome": "raised"' in line or '"event": "row_failed"' in line:
                    yield line[:200]

    def _until_still(self) -> float | None:
        """Until nothing has changed for a while, whatever waits in the queues."""
        started = changed = time.monotonic()
        last: object = None
        while time.monotonic() - started < QUIET:
            if (now := (self.ledger.pending(), self.ledger.standing())) != last:
                last, changed = now, time.monotonic()
            elif time.monotonic() - changed > STILL:
                return changed - started
            time.sleep(1.0)
        return None

    def _in_form_two(self, tenant: Tenant, number: int) -> str:
        """Ask the new side alone to file such a mail; its Message-ID."""
        if not number:
            self.deploy((self.new, self.new))
            tenant.contact("C-erased", ERASED)
        agent = next(iter(self.ledger.mailboxes.of(tenant.tenant_id))).address
        # Marked as what the plan knows nothing of.
        mail = a_mail(ERASED, agent, f"Form two ~{number:05d}~", text=f"This is kept {FORM_TWO}, {ERASED}.")
        tenant.deliver(agent, mail)
        return str(tenant.entry("contact/C-erased", mail, seconds=LONGEST)["message_id"])

    def _roll_back(self, tenant: Tenant) -> None:
        """Pause, deploy the old one, leave behind what a newer version may leave, and go on."""
        self._pause(tenant, "PUT")
        self.deploy((self.old, self.old))
        mailbox = next(iter(self.ledger.mailboxes.of(tenant.tenant_id)))
        launch = launch_of(self.new)
        command = [*launch.python, "-c", _LEAVE, self.account, tenant.tenant_id, mailbox.mailbox_id]
        subprocess.run(command, env={"PYTHONPATH": str(self.new)}, cwd=launch.folder, check=True)
        self._pause(tenant, "DELETE")

    def _pause(self, tenant: Tenant, method: str) -> None:
        answer = tenant.operator.raw(method, "health/pause")
        self.report.figure(f"{method} health/pause", answer.status_code)

    def _what_waits(self, tenant: Tenant, formed: Sequence[str]) -> None:
        """What only the new version can do stands as it was left."""
        self.report.title("What waits for the new version")
        rows = [row for row in self._rows(names.PENDING) if row["kind"] == "SummariseMailbox"]
        tried = [f"{row['kind']}: {row['tries']}" for row in rows if row["tries"]]
        self.report.zero("rows of the worklist that are gone", 1 - len(rows))
        self.report.zero("rows of the worklist that were tried", len(tried), tried)
        lengths = {name: self._length(name) for name in (names.MAIL, names.WORK)}
        gone = [name for name, length in lengths.items() if length < 1]
        self.report.zero("commands that are gone", len(gone), gone)
        entries = tenant.timeline("contact/C-erased")
        self.report.zero("entries of mail in the new form that are gone", len(formed) - len(entries))
        answers = [tenant.admin.raw("GET", f"messages/{message}").status_code for message in formed]
        wrong = [str(status) for status in answers if status not in (200, 503)]
        self.report.counts("Bodies in the new form, by answer", Counter(map(str, answers)))
        self.report.zero("other answers than 200 and 503", len(wrong), wrong)

    def _erase(self, tenant: Tenant) -> None:
        """Asked of the old version, which may wait for the new one; then the new one is back, and nothing is left."""
        self.report.title("Erasing, and the new version again")
        tenant.admin.call("POST", "erase", json={"address": ERASED})
        self.deploy((self.new, self.old))
        started = time.monotonic()
        while (left := set(self._naming(ERASED))) and time.monotonic() - started < LONGEST:
            time.sleep(2.0)
        self.report.zero("places that name the erased person", len(left), sorted(left))
        self.report.figure("seconds until nothing named the person", time.monotonic() - started)
        waiting = self._until_nothing_waits()
        self.report.zero("commands and rows that still wait", waiting)
        self.report.zero("in poison", len(self.ledger.poison()), self.ledger.poison())

    def _until_nothing_waits(self) -> int:
        """The erasure's second turn comes a quarter of an hour later, and is not waited for."""
        self.deploy((self.new, self.new))
        started = time.monotonic()
        while (count := self._waits()) and time.monotonic() - started < QUIET:
            time.sleep(2.0)
        return count

    def _waits(self) -> int:
        rows = [row for row in self._rows(names.PENDING) if row["kind"] == "SummariseMailbox"]
        return len(rows) + self._length(names.MAIL)

    def _naming(self, text: str) -> Iterator[str]:
        """Tables and containers that name it, but for the request itself, which runs."""
        for table in names.TABLES:
            if table != names.ERASURES and any(
                text in said for row in self._rows(table) for said in _said(row)
            ):
                yield table
        service = BlobServiceClient.from_connection_string(self.account)
        for container in names.CONTAINERS:
            if any(text in name for name in service.get_container_client(container).list_blob_names()):
                yield container

    def _with_column(self) -> Iterator[tuple[str, str]]:
        for row in self._rows(names.SYNC_STATES):
            if row.get(COLUMN) == "next":
                yield row["PartitionKey"], row["RowKey"]

    def _rows(self, table: str) -> Iterator[Any]:
        return iter(self.tables.get_table_client(table).list_entities())

    def _length(self, queue: str) -> int:
        service = QueueServiceClient.from_connection_string(self.account)
        found = service.get_queue_client(queue).get_queue_properties()
        return int(found.approximate_message_count or 0)

    def _setting(self, name: str) -> str:
        hosts = self.stack.hosts
        return hosts.setting(f"POSTLEDGER_{name}") if hosts else ""

    def _say(self, text: str) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def _said(row: Mapping[str, Any]) -> Iterator[str]:
    """Every text of a row, keys and packed content included; a form that is not known here as it lies there."""
    for name, value in row.items():
        yield str(value)
        if name == "content":
            yield str(unpacked(row))


def skew(options: argparse.Namespace) -> Report:
    """Make both sides, start a stack with them, and report."""
    old, new = old_build(options.old, options.plant), next_build(options.plant)
    started = StackOptions(hosts=2, shorten=2, invisibility=20, app_dir=old)
    with Stack(started) as stack:
        failed = True
        try:
            report = Skew(stack, old, new, options.mails, options.seed).run()
            failed = bool(report.failures)
        finally:
            if failed:
                kept = Path(tempfile.mkdtemp(prefix="postledger-skew-")) / "logs"
                shutil.copytree(stack.ready["log_dir"], kept)
                print(f"logs: {kept}", flush=True)
        return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.skew", description=__doc__)
    parser.add_argument("--old", default=PREVIOUS, metavar="COMMIT", help="what is deployed now")
    parser.add_argument("--mails", type=int, default=150, help="of each phase")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=sorted(PLANTS), default="")
    options = parser.parse_args()
    if options.old == PREVIOUS:
        options.old = previous()
    print(f"old: {options.old}", flush=True)
    report = skew(options)
    print(report)
    sys.exit(bool(report.failures) is not bool(options.plant))


if __name__ == "__main__":
    main()
