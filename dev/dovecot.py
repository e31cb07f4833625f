"""A real IMAP server, Debian's Dovecot, on loopback: TLS from the first octet and STARTTLS, its mail in a folder.

Runs as whoever starts it; root's processes give their rights up to `nobody`. Users are told in a file.
"""

import getpass
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from dev import guard
from dev.processes import PATIENCE, wait_for

BINARY: Final = next(
    (path for path in ("/usr/sbin/dovecot", shutil.which("dovecot") or "") if Path(path).is_file()), ""
)


_TRIES: Final = 5
# Written once it listens, and not where a port is taken.
_STARTED: Final = " starting up for imap"


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server. `port` speaks TLS, `starttls_port` begins in the clear; `ca_file` signed its certificate."""

    root: Path
    port: int
    starttls_port: int
    ca_file: Path
    pid: int

    def add_user(self, name: str, password: str) -> None:
        """A user, or a new password; the mailbox is made when it is first opened."""
        users = self.root / "users"
        kept = [line for line in users.read_text("utf-8").splitlines() if not line.startswith(f"{name}:")]
        draft = users.with_suffix(".part")
        draft.write_text("\n".join([*kept, f"{name}:{{PLAIN}}{password}", ""]), "utf-8")
        # The server must not read half of it.
        draft.replace(users)

    def password_of(self, name: str) -> str | None:
        lines = (self.root / "users").read_text("utf-8").splitlines()
        prefix = f"{name}:{{PLAIN}}"
        return next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), None)

    def number_anew(self, name: str) -> None:
        """Number every folder anew, as a server does that was rebuilt."""
        for numbers in self.home(name).rglob("dovecot-uidlist"):
            first = numbers.read_text().partition("\n")[0]
            validity = int(first.split()[1].removeprefix("V"))
            for index in numbers.parent.glob("dovecot.index*"):
                index.unlink(missing_ok=True)
            numbers.write_text(f"3 V{validity + 1} N1 G{os.urandom(16).hex()}\n")

    def cut_lines(self) -> int:
        """End every session at once, in the middle of whatever it says; how many there were."""
        ended = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError, ValueError):
                lines = dict(
                    line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line
                )
                if lines["Name"] == "imap" and int(lines["PPid"]) == self.pid:
                    os.kill(int(lines["Pid"]), signal.SIGKILL)
                    ended += 1
        return ended

    def home(self, name: str) -> Path:
        return self.root / "mail" / name


def config(root: Path, port: int, starttls_port: int, *, cert: Path, key: Path) -> str:
    """What Dovecot is told; users without a system account, one mail a file."""
    me = getpass.getuser()
    mail_user = "nobody" if os.geteuid() == 0 else me
    group = grp.getgrgid(pwd.getpwnam(mail_user).pw_gid).gr_name
    return f"""
base_dir = {root}/run
state_dir = {root}/run
log_path = {root}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
default_login_user = {mail_user}
default_internal_user = {mail_user}
default_internal_group = {group}
mail_fsync = never
mail_max_userip_connections = 50
first_valid_uid = 1
mail_location = maildir:{root}/mail/%u:LAYOUT=fs
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {root}/users
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={group} home={root}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    auto = create
    special_use = \\Drafts
  }}
  mailbox Junk {{
    auto = create
    special_use = \\Junk
  }}
  mailbox Trash {{
    auto = create
    special_use = \\Trash
  }}
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Marked {{
    auto = create
    special_use = \\Flagged
  }}
  mailbox Archive {{
    auto = create
    special_use = \\Archive
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls_port}
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@contextmanager
def running(*, cert: Path, key: Path, ca_file: Path) -> Iterator[Dovecot]:
    """A server until the block ends, with a folder of its own that the rights it runs with may enter."""
    with TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name in ("mail", "run"):
            (root / name).mkdir()
        (root / "users").touch()
        if os.geteuid() == 0:
            shutil.chown(root / "mail", "nobody")
        process, port, starttls_port = _start(root, cert, key)
        try:
            yield Dovecot(root, port, starttls_port, ca_file, process.pid)
        finally:
            _stop(process)


def _start(root: Path, cert: Path, key: Path) -> tuple[subprocess.Popen[bytes], int, int]:
    """The server and its ports. Another program may take a free port first: then others are tried."""
    file, log = root / "dovecot.conf", root / "dovecot.log"
    for _ in range(_TRIES):
        port, starttls_port = _free_port(), _free_port()
        file.write_text(config(root, port, starttls_port, cert=cert, key=key), "utf-8")
        process = subprocess.Popen(
            [BINARY, "-F", "-c", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # Who started it may be killed before the block ends.
        guard.watch(process.pid)
        try:
            if _listens(log, process):
                return process, port, starttls_port
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    raise RuntimeError(f"Dovecot does not start: {log.read_text() if log.exists() else 'no log'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=PATIENCE)
    guard.release(process.pid)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _listens(log: Path, process: subprocess.Popen[bytes]) -> bool:
    """Whether it has got its ports, once it says so or has ended."""

    def look() -> bool | None:
        if process.poll() is not None:
            return False
        return True if log.exists() and _STARTED in log.read_text() else None

    return wait_for(look, "Dovecot does not start", every=0.05)
