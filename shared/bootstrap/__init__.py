"""The only place that names adapters and services: puts the app together, once, when it is first needed.

Loading the function app builds nothing; FastAPI is imported by the first client request.
"""

import time
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING

from shared.triggers.queue import Outcomes

if TYPE_CHECKING:
    from azure.functions import AsgiMiddleware

    from shared.bootstrap.compose import UseCases
    from shared.bootstrap.ports import RealPorts
    from shared.config import Settings
    from shared.domain.commands.agenda import Item
    from shared.domain.commands.envelope import Command

# `cache` alone lets two first requests build the same thing twice.
_building = RLock()


def webhook_use_cases() -> "UseCases":
    """The use cases for who only queues, and whose caller waits: storage is not looked at before.

    Raises ConfigurationError when settings are missing or wrong.
    """
    with _building:
        return _use_cases()


def use_cases() -> "UseCases":
    """The use cases of this process. Raises ConfigurationError, also for a store of another layout.

    Raises what storage raises: the store is looked at once.
    """
    # Without the lock: storage may take its time, and a webhook's caller does not wait for it.
    _check_store()
    return webhook_use_cases()


def carry_out(command: "Command") -> None:
    """Do what is due where the tick has stopped coming, then run the use case of a command."""
    from shared.bootstrap import dispatch

    found = use_cases()
    found.stand_in(_do)
    found.heed_pause(command)
    dispatch.carry_out(found, command)


def tick() -> None:
    """Do what is due on the agenda."""
    use_cases().run_agenda(_do)


def outcomes() -> Outcomes:
    """Where failed commands of this process go, those too that find storage down: it is not looked at before."""
    return webhook_use_cases().part(Outcomes)


def api_app() -> "AsgiMiddleware":
    """The client API of this process."""
    _check_store()
    with _building:
        return _api_app()


@cache
def _settings() -> "Settings":
    from shared import telemetry
    from shared.bootstrap.build import build
    from shared.config import Settings
    from shared.telemetry.user_agent import name_version

    telemetry.keep_libraries_quiet()
    name_version(build().version)
    settings = Settings.from_environment()
    # Here and not while loading: the host keeps what is said during a function's run.
    telemetry.started(**asdict(build()), cpu_milliseconds=round(time.process_time() * 1000))
    return settings


@cache
def _ports() -> "RealPorts":
    from shared.bootstrap.ports import RealPorts

    return RealPorts(_settings())


def _check_store() -> None:
    """A store that lacks parts has no layout to look at: `health` names them, and what needs one fails by itself."""
    if not _lacks_parts():
        _check_layout()


@cache
def _lacks_parts() -> bool:
    """Looked at once a process, and told to the admin."""
    from shared import telemetry

    missing = webhook_use_cases().missing_parts()
    if missing:
        telemetry.alert(telemetry.STORAGE_INCOMPLETE, missing=missing)
    return bool(missing)


@cache
def _check_layout() -> None:
    """Once a process: what raises is not remembered, and is asked again."""
    from shared.adapters.storage.version import refusal
    from shared.config import ConfigurationError

    if sentence := refusal(_ports().connection):
        raise ConfigurationError(sentence)


@cache
def _use_cases() -> "UseCases":
    from shared.bootstrap.compose import UseCaseSettings, compose
    from shared.domain.sending.waits import Waits

    settings = _settings()
    needed = UseCaseSettings(
        settings.hash_key,
        settings.code_keys,
        settings.home_tenant_id,
        settings.public_url,
        Waits(settings.settled_after),
    )
    return compose(_ports(), needed, _now, _new_id)


@cache
def _api_app() -> "AsgiMiddleware":
    from azure.functions import AsgiMiddleware

    from shared.adapters.entra import EntraTokens
    from shared.api.app import create_app
    from shared.bootstrap.build import build

    settings, use_cases = _settings(), _use_cases()
    audiences = {settings.client_id, f"api://{settings.client_id}", settings.api_audience} - {""}
    verifier = EntraTokens(
        authority=settings.authority_url,
        audiences=frozenset(audiences),
        is_known_tenant=use_cases.served_tenants,
    )
    app = create_app(
        use_cases, verifier, build(), public_url=settings.public_url, cors_origins=settings.cors_origins
    )
    return AsgiMiddleware(app)  # type: ignore[no-untyped-call]


def _do(item: "Item") -> None:
    from shared.bootstrap import dispatch

    dispatch.do(use_cases(), item)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex
