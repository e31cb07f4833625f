"""The whole set-up on one machine: Azurite, simulator, storage proxy and host processes, watched together.

`Stack` is what `dev.up`, the end-to-end tests and the benchmarks start. Everything listens on loopback
only, on free ports. The simulator keeps no state: users and mailboxes are gone with it, even where storage
is durable.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dev import keyless
from dev.azurite import ROOT, Ports, start_azurite
from dev.certificates import Certificates, make_certificates
from dev.dovecot import BINARY, Dovecot, running
from dev.hosts import HostOptions, Hosts
from dev.identity import Identity, identity_for
from dev.processes import PATIENCE, Child, wait_for, wait_for_ready, write_json

# Where the tools of web developers serve their pages: Vite, Next.js and others, Angular, Python's http.server.
PAGES = tuple(
    f"http://{host}:{port}" for port in (5173, 3000, 4200, 8000) for host in ("localhost", "127.0.0.1")
)
API = "/api/v1"
# What would lead a child past loopback or the throw-away authority.
_DROPPED = {"http_proxy", "https_proxy", "all_proxy", "curl_ca_bundle", "ssl_cert_file", "requests_ca_bundle"}


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How a stack is to run.

    `hosts`: instances; with `groups` each function group has so many, in processes of their own, as on Flex
    Consumption. `shorten` divides all of the hosts' times. `drain`: seconds that running functions get when a host is
    told to end.
    `data_dir`: storage, ids and keys live there and outlast the run; without it everything is in memory.
    `invisibility`: seconds that a running queue message stays hidden from other hosts (600, shortened).
    `identity`: storage and sign-in by managed identity, over HTTPS, without the proxy that makes storage fail.
    `watched`: texts that the proxy counts in what is written to tables (`texts` of the storage's counts).
    `settings`: further app settings, over those the stack makes. `seed`: called with `ready` once all is
    reachable. `ready_file`: written after that, and again whenever a process id changes.
    """

    hosts: int = 1
    groups: bool = False
    shorten: float = 1.0
    drain: float | None = None
    timers: bool = True
    invisibility: float | None = None
    identity: bool = False
    data_dir: Path | None = None
    ready_file: Path | None = None
    app_dir: Path = ROOT
    watched: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    seed: Callable[[dict[str, Any]], object] | None = None


class Stack:
    """Context manager: all is reachable inside, all is stopped after. `ready` is what the ready file says.

    A host process that ends is started again. Raises RuntimeError, with the end of the log, where a part does
    not start; the temporary directory with the logs is kept then.
    """

    def __init__(self, options: StackOptions | None = None) -> None:
        self.options = options or StackOptions()
        self.ready: dict[str, Any] = {}
        self.dovecot: Dovecot | None = None
        self.directory = self.options.data_dir or Path(tempfile.mkdtemp(prefix="postledger-"))
        self._resources = contextlib.ExitStack()
        self.hosts: Hosts | None = None
        self._keep = self.options.data_dir is not None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException as error:
            self._keep = isinstance(error, RuntimeError)
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop everything that was started: hosts first, storage last."""
        self._resources.close()

    def _start(self) -> None:
        identity = self._prepare_directory()
        certificates = make_certificates(self.directory / "tls")
        imap = self.dovecot = self._imap(certificates)
        arguments = _simulator_arguments(certificates, identity, imap)
        simulator, simulator_ready = self._module("simulator", *arguments)
        tls = certificates if self.options.identity else None
        azurite = start_azurite(self._log("azurite"), location=self._azurite_location(), tls=tls)
        self._resources.callback(azurite.stop)
        self.ready = {
            "ca_file": str(certificates.ca),
            "home_tenant_id": identity.home_tenant_id,
            "client_id": identity.client_id,
            "pids": {"host": [], "azurite": azurite.pid, "simulator": simulator.pid},
            "log_dir": str(self.directory / "logs"),
            "timers": self.options.timers,
            "imap": {"host": "localhost", "port": imap.port, "starttls_port": imap.starttls_port}
            if imap
            else None,
        }
        if imap:
            self.ready["pids"]["dovecot"] = imap.pid
        reach = self._by_identity if self.options.identity else self._by_key
        reached = reach(azurite.ports, certificates, (simulator, simulator_ready))
        if not self.options.identity:
            reached["POSTLEDGER_CLIENT_SECRET"] = self.ready["client_secret"] = identity.client_secret
        hosts = self.hosts = Hosts(self.directory, self._host_options(), self._announce)
        self._resources.callback(hosts.stop)
        simulator_url = self.ready["simulator_url"]
        self.ready["host_url"] = f"http://127.0.0.1:{hosts.port}"
        self.ready["api_url"] = f"{self.ready['host_url']}{API}"
        env = _environment(
            {
                **reached,
                "FUNCTIONS_WORKER_RUNTIME": "python",
                # As many threads as queue messages and requests at a time, so that neither starves the other.
                "PYTHON_THREADPOOL_THREAD_COUNT": "32",
                "POSTLEDGER_CLIENT_ID": identity.client_id,
                "POSTLEDGER_HOME_TENANT_ID": identity.home_tenant_id,
                "POSTLEDGER_GRAPH_URL": simulator_url,
                "POSTLEDGER_AUTHORITY_URL": simulator_url,
                "POSTLEDGER_PUBLIC_URL": f"http://localhost:{hosts.port}",
                "POSTLEDGER_HASH_KEY": identity.hash_key,
                "POSTLEDGER_CODE_KEYS": identity.code_key,
                "POSTLEDGER_TOKEN_KEYS": identity.token_key,
                "REQUESTS_CA_BUNDLE": str(certificates.bundle),
                # The mail server of this machine stands where no customer's may.
                "POSTLEDGER_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
                "POSTLEDGER_CORS_ORIGINS": ",".join(PAGES),
                # Taken from outside, so that every end-to-end test and the soak can run over either client.
                "POSTLEDGER_STORAGE": os.environ.get("POSTLEDGER_STORAGE", ""),
                **self.options.settings,
            }
        )
        hosts.start(env)
        wait_for(partial(self._answers, hosts), f"{self.ready['api_url']} does not answer")
        if self.options.seed is not None:
            self.options.seed(self.ready)
        self._announce(hosts)
        hosts.watch()

    def _by_key(
        self, azurite: Ports, certificates: Certificates, simulator: tuple[Child, Path]
    ) -> dict[str, str]:
        """Settings that open storage by connection string, through the proxy that can make it fail."""
        provisioning, _ = self._module("provision", env={keyless.STORAGE: azurite.connection_string})
        simulator_url = self._found(simulator)
        proxy, proxy_ready = self._module(
            "storage_proxy",
            *_proxy_arguments(azurite, simulator_url, certificates),
            *(f"--watch={text}" for text in self.options.watched),
        )
        proxied = wait_for_ready(proxy, proxy_ready)
        _finish(provisioning)
        self.ready["simulator_url"] = simulator_url
        self.ready["storage_connection_string"] = azurite.connection_string
        self.ready |= {f"storage_{name}_url": proxied[f"{name}_url"] for name in ("stats", "dam", "faults")}
        self.ready["pids"]["storage_proxy"] = proxy.pid
        storage = Ports(proxied["blob"], proxied["queue"], proxied["table"])
        return {keyless.STORAGE: storage.connection_string}

    def _found(self, simulator: tuple[Child, Path]) -> str:
        """The simulator's address, once it answers; what stands beside it is told as well."""
        found = wait_for_ready(*simulator)
        port = found.get("smtp_port")
        self.ready["smtp"] = {"host": "localhost", "port": port, "security": "starttls"} if port else None
        return str(found["url"])

    def _by_identity(
        self, azurite: Ports, certificates: Certificates, simulator: tuple[Child, Path]
    ) -> dict[str, str]:
        """Settings that open storage by managed identity; nothing is told of a key."""
        simulator_url = self._found(simulator)
        settings = keyless.settings(azurite, simulator_url)
        trusting = {**settings, "REQUESTS_CA_BUNDLE": str(certificates.bundle)}
        provisioning, _ = self._module("provision", env=trusting)
        _finish(provisioning)
        self.ready["simulator_url"] = simulator_url
        self.ready["storage_connection_string"] = ""
        return settings

    def _prepare_directory(self) -> Identity:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._resources.callback(self._clear_directory)
        return identity_for(self.options.data_dir)

    def _clear_directory(self) -> None:
        if not self._keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _imap(self, certificates: Certificates) -> Dovecot | None:
        """An IMAP server, where Dovecot is installed."""
        if not BINARY:
            return None
        files = {"cert": certificates.certificate, "key": certificates.key, "ca_file": certificates.ca}
        return self._resources.enter_context(running(**files))

    def _azurite_location(self) -> Path | None:
        return self.directory / "azurite" if self.options.data_dir else None

    def _log(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"

    def _module(self, name: str, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[Child, Path]:
        """Start `python -m dev.NAME`; says where its ready file will be."""
        ready = self.directory / f"{name}.ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", f"dev.{name}", *arguments]
        if arguments:
            command += ["--ready-file", str(ready)]
        child = Child.start(name, command, log=self._log(name), env=_environment(env or {}), cwd=ROOT)
        self._resources.callback(child.stop)
        return child, ready

    def _host_options(self) -> HostOptions:
        options = self.options
        return HostOptions(
            app_dir=options.app_dir,
            count=options.hosts,
            in_groups=options.groups,
            timers=options.timers,
            shorten=options.shorten,
            invisibility=options.invisibility,
            drain=options.drain,
        )

    def _answers(self, hosts: Hosts) -> bool | None:
        hosts.check_running()
        try:
            urllib.request.urlopen(f"{self.ready['api_url']}/health", timeout=PATIENCE).close()
        except urllib.error.HTTPError as error:
            return True if error.code < 500 else None
        except OSError:
            return None
        return True

    def _announce(self, hosts: Hosts) -> None:
        self.ready["pids"]["host"] = hosts.pids
        self.ready["host_groups"] = hosts.pids_by_group
        if self.options.ready_file is not None:
            write_json(self.options.ready_file, self.ready)


def _finish(provisioning: Child) -> None:
    if provisioning.process.wait(PATIENCE):
        provisioning.check_running()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without product settings, proxies and other authorities, plus `settings`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in _DROPPED and not name.startswith(("POSTLEDGER_", "AzureWebJobs", "IDENTITY_"))
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **settings}


def _simulator_arguments(
    certificates: Certificates, identity: Identity, imap: Dovecot | None
) -> Sequence[str]:
    tls = (
        "--cert",
        str(certificates.certificate),
        "--key",
        str(certificates.key),
        "--ca",
        str(certificates.ca),
    )
    # With any port, as Entra takes it: the hosts' one is not known yet. Another `POSTLEDGER_PUBLIC_URL` is refused.
    back = ("--redirect-uri", f"http://localhost{API}/connect/callback")
    app = ("--client-id", identity.client_id, "--client-secret", identity.client_secret, *back)
    beside = ("--imap-root", str(imap.root), "--imap-port", str(imap.port)) if imap else ()
    return ("--port", "0", *tls, "--home-tenant", identity.home_tenant_id, *app, *beside)


def _proxy_arguments(azurite: Ports, simulator_url: str, certificates: Certificates) -> Sequence[str]:
    ports = ("--blob-port", azurite.blob, "--queue-port", azurite.queue, "--table-port", azurite.table)
    return (*map(str, ports), "--simulator-url", simulator_url, "--ca", str(certificates.ca))
