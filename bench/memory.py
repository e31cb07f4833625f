"""How much memory a worker needs: requests side by side in the HTTP group, and large mails in the group `mail`.

    python -m bench.memory [--requests 1 4 8 16] [--attachment 10] [--mails 20]

Every function group has a process of its own, as in Azure. For each number of requests: so many clients download the
same attachment (megabytes) at once, then so many read the same long mail. Then a group of large mails, each with an
attachment, comes at once. Megabytes are the peak of the group's process (VmHWM) since the line before; the Functions
host, a process of its own in Azure, is not in them.
"""

import argparse
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Final

from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, a_mail, eventually

CONTACT: Final = "buyer@fabrikam.example"
MEGABYTE: Final = 1024 * 1024
# Two hundred kilobytes of markup: a long thread with all that was quoted in it.
MARKUP: Final = "<p>We would like to see the <b>flat</b> again before we decide.</p>" * 3_000
ATTACHED: Final = 2  # megabytes beside each mail of the group


class Memory:
    """The peaks of one process."""

    def __init__(self, pid: int) -> None:
        self._directory = Path(f"/proc/{pid}")

    def resident(self) -> float:
        return self._megabytes("VmRSS")

    def peak_of(self, run: Callable[[], object]) -> float:
        """The most that the process holds while this runs."""
        # 5 sets the peak back to what is held now: proc(5).
        (self._directory / "clear_refs").write_text("5", "ascii")
        run()
        return self._megabytes("VmHWM")

    def _megabytes(self, name: str) -> float:
        lines = (self._directory / "status").read_text("ascii").splitlines()
        return float(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def large_mail(address: str, subject: str, megabytes: int) -> EmailMessage:
    mail = a_mail(CONTACT, address, subject)
    mail.add_alternative(MARKUP, subtype="html")
    content = os.urandom(megabytes * MEGABYTE)
    mail.add_attachment(content, maintype="application", subtype="pdf", filename="plan.pdf")
    return mail


def side_by_side(count: int, run: Callable[[], object]) -> None:
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(run) for _ in range(count)]:
            done.result()


def measure(requests: Iterable[int], attachment: int, mails: int) -> None:
    with Stack(StackOptions(timers=False, groups=True)) as stack:
        tenant = Tenant(stack.ready)
        address = tenant.agent("ann")
        tenant.contact("C-1", CONTACT)
        tenant.connect(address)
        groups: dict[str, list[int]] = stack.ready["host_groups"]
        web, worker = Memory(groups["http"][0]), Memory(groups["mail"][0])
        mail = large_mail(address, "Plans", attachment)
        tenant.deliver(address, mail)
        entry = tenant.entry("contact/C-1", mail, seconds=120)
        message = f"messages/{entry['message_id']}"
        [attached] = tenant.admin.call("GET", message)["attachments"]
        print(f"{'http':<38}{'MB':>8}")
        print(f"{'after the first requests':<38}{web.resident():>8.0f}", flush=True)
        for count in requests:
            for what, path in (
                (f"{attachment} MB of an attachment", f"{message}/attachments/{attached['id']}"),
                ("a mail of 200 KB", message),
            ):
                peak = web.peak_of(partial(side_by_side, count, partial(read, tenant, path)))
                print(f"{f'{count} x {what}':<38}{peak:>8.0f}", flush=True)
        print(f"{'mail':<38}{'MB':>8}")
        print(f"{'after the first mails':<38}{worker.resident():>8.0f}", flush=True)
        peak = worker.peak_of(lambda: come_at_once(tenant, address, mails))
        print(f"{f'a group of {mails} mails, {ATTACHED} MB each':<38}{peak:>8.0f}")


def read(tenant: Tenant, path: str) -> None:
    answer = tenant.admin.raw("GET", path)
    answer.raise_for_status()


def come_at_once(tenant: Tenant, address: str, mails: int) -> None:
    """Nobody is told of each mail; a walk then finds all of them."""
    tenant.control.put_faults(drop_notifications=1.0)
    for number in range(mails):
        tenant.deliver(address, large_mail(address, f"Plans {number}", ATTACHED))
    tenant.control.clear_faults()
    tenant.admin.call("POST", f"mailboxes/{address}/sync")
    eventually(lambda: len(tenant.timeline("contact/C-1", limit=200)) > mails, seconds=300, what="the mails")


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of the function groups.")
    parser.add_argument("--requests", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--attachment", type=int, default=10, help="megabytes")
    parser.add_argument("--mails", type=int, default=20)
    options = parser.parse_args()
    measure(options.requests, options.attachment, options.mails)


if __name__ == "__main__":
    main()
