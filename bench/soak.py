"""Thousands of mails with known truth through two hosts while everything fails; then every timeline is counted.

    make soak [MAILS=3000] [MINUTES=5] [SEED=1] [MODE=faults|poll|notify|host] [PLANT=NAME]

`faults`: Graph, notifications and storage fail by turns and a host is killed every 20 s; then all are killed
between two writes, with a mail under way that nothing else brings. Intake and IMAP mailboxes take part, see
`soak_reception`. `poll`: no notification comes at all.
`notify`: no poll runs; then notifications are dropped and one sweep repairs it. `host`: see `soak_host`.
Ends with 1 where a figure that must be zero is not.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import soak_host
from bench.sending_answers import Answers
from bench.sending_load import Agent, SendingLoad
from bench.soak_faults import Weather
from bench.soak_gaps import GAPS, Gaps, gap_mail
from bench.soak_ledger import Ledger
from bench.soak_plan import make_plan
from bench.soak_plants import PLANTS, planted_app
from bench.soak_reception import Reception, Span
from bench.soak_report import Report
from bench.soak_run import Post, mailboxes_of, prepare, quiet, reconcile, repaired
from bench.soak_trace import Trace
from bench.soak_verify import Findings, token_of, verify
from bench.soak_world import COMPANIES
from dev.azurite import ROOT
from dev.stack import Stack, StackOptions
from dev.tenant import Api, Tenant

MOST_CONCURRENT = 4
POLL_SECONDS = 60.0
FEW = 50  # commands: nearly everything is done
LATER = 0.4  # of the time for the first quiet: by then little is left to do
SENT_SHARE = 6  # of so many mails one is sent by an agent
SENDERS = 4  # of each organisation, with mailboxes of their own
ENDS = 1.5  # of the time after which what a killed worker was about to hand over is sent again
WOKEN = 180.0  # on top: the tick comes each minute
GRACE = 30.0  # what a walk and its ingests may take on a busy machine


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    mails: int = 3_000
    minutes: float = 5.0
    seed: int = 1
    mode: str = "faults"
    plant: str = ""
    kills: bool = True
    hosts: int = 2
    quiet_minutes: float = 15.0
    timers: bool = True
    settles: int = 600


DEFAULTS = Options()


class Soak:
    """One run on a stack that is up."""

    def __init__(self, stack: Stack, options: Options) -> None:
        self.stack, self.options = stack, options
        self.report = Report()
        self.tenants: list[Tenant] = prepare(stack.ready)
        self.ledger = Ledger(stack.ready, self.tenants)
        self.control = self.tenants[0].control
        self.seconds = options.minutes * 60
        start = datetime.now(UTC)
        plan = make_plan(options.seed, options.mails, self.seconds, start)
        self.post = Post(self.control, plan)
        count = options.mails // SENT_SHARE if options.mode == "faults" else 0
        senders = senders_of(self.tenants) if count else []
        self.sending = SendingLoad(senders, count=count, seconds=self.seconds, seed=options.seed)
        self.answers = Answers(self.sending, self.control, readers_of(self.tenants, senders))
        self.reception: Reception | None = None

    def run(self) -> Report:
        modes: dict[str, Callable[[], None]] = {
            "faults": self._under_faults,
            "poll": self._by_polling,
            "notify": self._by_notifications,
            "host": self._under_the_host,
        }
        self._say(f"{len(self.post.plan.truth)} mails, {len(self.post.plan.steps)} steps")
        modes[self.options.mode]()
        self._promises()
        return self.report

    def _under_faults(self) -> None:
        options = self.options
        span = Span(options.seed, options.mails, self.seconds, datetime.now(UTC))
        reception = self.reception = Reception.prepared(self.stack, self.tenants, self.post, span)
        if self.stack.dovecot is None:
            self._say("Dovecot is not installed: IMAP mailboxes are left out")
        weather = Weather(
            self.stack.ready,
            self.ledger.poll_now,
            seed=options.seed,
            seconds=self.seconds,
            kills=options.kills,
        )
        started = time.monotonic()
        with weather.blowing():
            self.sending.start()
            self.answers.start()
            reception.start()
            self._deliver()
            self._work_in_bad_weather()
            reception.room.join()
        self._quiet("quiet after the faults")
        taken = time.monotonic() - started
        if options.kills:
            self._kill_in_gaps()
        rows = self.ledger.seen({}).entries.values()
        filed = {token_of(subject) for entries in rows for subject, _ in entries}
        self.report.figure("deleted once filed", self.post.delete_late(filed))
        self._sweep_by_poll()
        self._sent()
        self._received(reception)
        self._found("After quiet")
        self._reconcile()
        self.report.findings("After reconciliation", self._findings())
        self.report.title("Run")
        self.report.figure("hosts killed", weather.killed)
        self.report.figure("mails a second, from first delivery to quiet", len(self.post.plan.truth) / taken)
        self.report.counts("Faults that struck", self.control.faults()["struck"])

    def _kill_in_gaps(self) -> None:
        plan = gap_mail(self.options.seed, datetime.now(UTC), first=len(self.post.plan.truth))
        self.post.plan = self.post.plan.and_then(plan)
        self.control.put_faults(drop_notifications=1.0)
        unreached = Gaps(self.stack.ready, self.ledger, self.post).run(plan.steps)
        self._quiet("quiet after kills between two writes")
        self.control.clear_faults()
        self.report.figure("hosts killed between two writes, times", len(GAPS) - len(unreached))
        self.report.zero("writes that nothing led to", len(unreached), unreached)

    def _under_the_host(self) -> None:
        options = self.options
        plan = soak_host.killing_mail(options.seed, options.mails, self.seconds, datetime.now(UTC))
        killers = soak_host.Killers.beside(self.post, plan, self.tenants)
        weather = Weather(
            self.stack.ready,
            lambda: soak_host.at_once(self.ledger.poll_now),
            seed=options.seed,
            seconds=self.seconds,
            kills=options.kills,
            climate=soak_host.CLIMATE,
        )
        with weather.blowing():
            delivering = killers.delivering()
            self._deliver()
            delivering.join()
            self._work_in_bad_weather()
        self._quiet("quiet after the faults")
        self._kill_in_gaps()
        self._sweep_by_poll()
        self._found("After quiet")
        self._reconcile()
        self.report.findings("After reconciliation", self._findings())
        killers.judge(self.report, Path(self.stack.ready["log_dir"]))
        self.report.figure("hosts ended from outside", weather.killed)
        self.report.counts("Faults that struck", self.control.faults()["struck"])

    def _work_in_bad_weather(self) -> None:
        """Where hosts lag behind, most of the work must not be left for better weather."""
        started = time.monotonic()
        while sum(self.ledger.queued().values()) > FEW and time.monotonic() - started < self.seconds:
            time.sleep(1.0)
        self.report.figure("faults went on after the last delivery, seconds", time.monotonic() - started)

    def _sent(self) -> None:
        """What agents have sent meanwhile, once every row has ended."""
        self.sending.join()
        waiting = self.sending.wait(seconds=self.options.settles * ENDS + WOKEN)
        self.answers.finish()
        self._quiet("quiet after the last sent mail and its answer")
        self.report.title("Sent by agents")
        self.sending.report(self.report, self.control.outbound(), waiting)
        self.answers.report(self.report)

    def _received(self, reception: Reception) -> None:
        """What came to intake and IMAP mailboxes, once every acknowledgement and its answers have ended."""
        waiting = reception.settle(seconds=self.options.settles * ENDS + WOKEN)
        self.ledger.poll_now()
        self._quiet("quiet after the answers to acknowledgements")
        verdict = reception.report(self.report)
        self.report.zero("acknowledgements that have not ended", waiting)
        self._trace(verdict.tokens())

    def _trace(self, tokens: Collection[str]) -> None:
        """What is known of these mails; so that a loss is understood from the report alone."""
        received = self.reception
        steps = [*self.post.plan.steps, *(received.steps if received else ())]
        ids = {**self.post.ids, **(received.room.ids() if received else {})}
        trace = Trace(self.ledger, steps, ids, Path(self.stack.ready["log_dir"]))
        lines = trace.of([*tokens])
        if lines:
            self.report.title("Histories")
            self.report.lines += [f"      {line}" for line in lines]

    def _by_polling(self) -> None:
        self.control.put_faults(drop_notifications=1.0)
        self._deliver()
        waited = self._until_complete(POLL_SECONDS + GRACE)
        self._quiet("quiet")
        self.control.clear_faults()
        late = waited is None
        self.report.zero(f"not there {POLL_SECONDS + GRACE:.0f} s after the last mail", int(late))
        self.report.figure("seconds from the last mail until all was there", waited or "never")
        self._found("By polling alone")
        notified = self.control.stats()["notifications"]
        self.report.zero("notifications sent", notified["sent"])

    def _by_notifications(self) -> None:
        self._deliver()
        waited = self._until_complete(GRACE * 2)
        self.report.figure("seconds from the last mail until all was there", waited or "never")
        self._quiet("quiet")
        self._found("By notifications alone")
        second = make_plan(
            self.options.seed + 1,
            self.options.mails,
            self.seconds,
            datetime.now(UTC),
            first=len(self.post.plan.truth),
        )
        self.post.plan = self.post.plan.and_then(second)
        self.control.put_faults(drop_notifications=0.3, seed=self.options.seed)
        self.post.apply_decision(second.steps)
        self._quiet("quiet with a third of notifications dropped")
        self.control.clear_faults()
        dropped = verify(self.post.plan.truth, self.ledger.seen({}))
        self.report.figure("rows missing before the sweep", len(dropped.lost))
        self._reconcile()
        self._found("After the sweep")

    def _deliver(self) -> None:
        taken = self.post.apply_decision(self.post.plan.steps)
        self._say(f"delivered in {taken:.0f} s")
        self.report.title("Delivery")
        self.report.figure("mails", len(self.post.plan.truth))
        self.report.figure("copies delivered, moves and deletions", len(self.post.plan.steps))
        self.report.figure("seconds", taken)
        self.report.figure("fell behind by seconds at most", self.post.late)

    def _sweep_by_poll(self) -> None:
        self.ledger.poll_now()
        self._quiet("quiet after a poll", share=LATER)

    def _quiet(self, name: str, *, share: float = 1.0) -> None:
        waited = quiet(self.ledger, seconds=self.options.quiet_minutes * 60 * share)
        self._say(f"{name}: {'never' if waited is None else f'{waited:.0f} s'}")
        if waited is None:
            self.report.zero(f"{name}: never", 1)
        else:
            self.report.figure(f"{name}, seconds", waited)

    def _until_complete(self, seconds: float) -> float | None:
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            if not verify(self.post.plan.truth, self.ledger.seen({})).lost:
                return time.monotonic() - started
            time.sleep(2.0)
        return None

    def _found(self, title: str) -> None:
        left = self._left()
        findings = self._findings()
        self.report.findings(title, findings)
        self.report.zero("commands left in queues and poison", sum(left.values()), [*map(str, left.items())])
        self.report.lines += [f"      {one[:300]}" for one in self.ledger.poison()]
        self.report.zero("messages pending", self.ledger.pending())
        self.report.counts("Exceptions recorded, by code", self.ledger.exceptions())
        self.report.title("Truth")
        self.report.figure("timeline rows that must be", findings.expected)
        self.report.figure("mails that must be skipped", findings.skipped)
        self.report.counts("Deleted before it could be read, may end either way", findings.deleted_early)
        self._trace(findings.tokens())

    def _left(self) -> dict[str, int]:
        """What no worker takes away. A timer may have queued a walk since it was quiet: it gets time to run."""
        started = time.monotonic()
        while (left := self.ledger.queued()) and time.monotonic() - started < GRACE:
            time.sleep(1.0)
        return left

    def _findings(self) -> Findings:
        received = self.reception.truth if self.reception else {}
        seen = self.ledger.seen(self.control.stats()["bodies_read"])
        return verify(self.post.plan.truth | received, seen)

    def _reconcile(self) -> None:
        self.report.title("Reconciliation")
        mailboxes = mailboxes_of(self.tenants) + (self.reception.connected if self.reception else [])
        reconcile(mailboxes)
        self._quiet("quiet after reconciliation", share=LATER)
        self.report.figure("repaired, as the mailboxes say", repaired(mailboxes))

    def _promises(self) -> None:
        stats = self.control.stats()
        peaks: dict[str, int] = stats["peak_concurrency"]
        above = [f"{address}: {peak}" for address, peak in peaks.items() if peak > MOST_CONCURRENT]
        self.report.title("Promises to Graph and to people")
        self.report.figure("peak concurrency of a mailbox", max(peaks.values(), default=0))
        self.report.zero("mailboxes with more than four calls at once", len(above), above)
        early = stats["calls_before_retry_after"]
        self.report.zero("calls before Retry-After was over", early, stats["early_calls"])
        captured = {agent for company in COMPANIES for agent in company.agents}
        made: dict[str, int] = stats["writes"]
        writes = [f"{address}: {count}" for address, count in made.items() if address in captured]
        self.report.zero("writes to personal mailboxes", len(writes), writes)
        if self.reception:
            self.reception.leave_out_marked()
        touched = self.post.touched()
        self.report.zero("mailboxes with mail moved, read, gone or added", len(touched), touched)

    def _say(self, text: str) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def senders_of(tenants: Sequence[Tenant]) -> list[Agent]:
    """Agents who send, each to a contact of the organisation. Nothing else lies in their mailboxes."""
    found = []
    for tenant, company in zip(tenants, COMPANIES, strict=True):
        addresses = [tenant.agent(f"sender{number}") for number in range(1, SENDERS + 1)]
        tenant.connect(*addresses, poll_minutes=1)
        contacts = zip(addresses, company.contacts, strict=False)
        found += [Agent(tenant, address, contact.id, contact.address) for address, contact in contacts]
    return found


def readers_of(tenants: Sequence[Tenant], senders: Sequence[Agent]) -> list[tuple[str, Api]]:
    """Everybody who may have notices, with the API as they have it."""
    found = [(f"admin of {tenant.domain}", tenant.admin) for tenant in tenants]
    for tenant, company in zip(tenants, COMPANIES, strict=True):
        found += [(address, tenant.api_of(address)) for address in company.agents]
    return found + [(agent.address, agent.api()) for agent in senders]


def soak(options: Options) -> Report:
    """Start a stack, run, and report."""
    with tempfile.TemporaryDirectory(prefix="postledger-plant-") as directory:
        is_of_host = options.mode == "host"
        plant = options.plant or (soak_host.PLANT if is_of_host else "")
        app_dir = planted_app(plant, Path(directory)) if plant else ROOT
        timers = options.timers and options.mode != "notify"
        started = StackOptions(
            hosts=options.hosts,
            shorten=soak_host.SHORTEN,
            # As the rest of the host's times in its own mode; elsewhere a killed host's commands come back soon.
            invisibility=None if is_of_host else 20,
            timers=timers,
            app_dir=app_dir,
            settings={"POSTLEDGER_SETTLES_AFTER": str(options.settles)},
        )
        with Stack(started) as stack:
            failed = True
            try:
                report = Soak(stack, options).run()
                failed = bool(report.failures)
            finally:
                if failed:
                    _keep_logs(Path(stack.ready["log_dir"]))
            return report


def _keep_logs(logs: Path) -> None:
    kept = Path(tempfile.mkdtemp(prefix="postledger-soak-")) / "logs"
    shutil.copytree(logs, kept)
    print(f"logs: {kept}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A long run under faults, counted against the truth.")
    parser.add_argument("--mails", type=int, default=DEFAULTS.mails)
    parser.add_argument("--minutes", type=float, default=DEFAULTS.minutes)
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed)
    parser.add_argument("--mode", choices=("faults", "poll", "notify", "host"), default="faults")
    parser.add_argument("--plant", choices=sorted(PLANTS), default="")
    parser.add_argument("--no-kills", dest="kills", action="store_false")
    parser.add_argument("--hosts", type=int, default=DEFAULTS.hosts)
    parser.add_argument("--settles", type=int, default=DEFAULTS.settles, help="POSTLEDGER_SETTLES_AFTER")
    parser.add_argument("--quiet-minutes", type=float, default=DEFAULTS.quiet_minutes)
    report = soak(Options(**vars(parser.parse_args())))
    print(report)
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main()
