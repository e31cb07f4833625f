"""A small synchronous client of the control API, for tests, the demo and benchmarks."""

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

import requests

from dev.processes import PATIENCE

Json = Any


class ControlError(Exception):
    """The simulator refused; the text says why."""


class Control:
    """What people and the weather do to the simulated tenant. Every method raises ControlError when refused."""

    def __init__(self, url: str, ca_file: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca_file

    def __enter__(self) -> "Control":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def call(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **query: object
    ) -> Json:
        """Any control call; keyword arguments that are None are left out."""
        parameters = {name: str(value) for name, value in query.items() if value is not None}
        answer = self._session.request(
            method, f"{self.url}/_control/{path}", params=parameters, json=body, data=raw, timeout=PATIENCE
        )
        if not answer.ok:
            raise ControlError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def organisations(self, tenant_id: str, domain: str, *, consented: bool = True, **more: object) -> Json:
        """Makes or changes a tenant."""
        return self.call(
            "POST",
            "organisations",
            {"tenant_id": tenant_id, "domain": domain, "consented": consented, **more},
        )

    def users(
        self,
        tenant_id: str,
        address: str,
        name: str = "",
        *,
        aliases: Sequence[str] = (),
        purpose: str = "user",
        roles: Sequence[str] = (),
        mailbox: bool = True,
        **more: object,
    ) -> str:
        """Makes or changes a user; returns the object id."""
        body = {
            "tenant_id": tenant_id,
            "address": address,
            "name": name or address,
            "aliases": list(aliases),
            "purpose": purpose,
            "roles": list(roles),
            "mailbox": mailbox,
            **more,
        }
        return str(self.call("POST", "users", body)["id"])

    def folders(
        self,
        address: str,
        name: str,
        parent: str = "msgfolderroot",
        container_class: str = "IPF.Note",
        **more: object,
    ) -> str:
        """Makes a folder, or with `search` (the body of a mailSearchFolder) a kept search; returns its id."""
        body = {
            "address": address,
            "name": name,
            "parent": parent,
            "container_class": container_class,
            **more,
        }
        return str(self.call("POST", "folders", body)["id"])

    def tokens(
        self,
        tenant_id: str,
        address: str | None = None,
        *,
        client_id: str | None = None,
        roles: Sequence[str] | None = None,
        **more: object,
    ) -> str:
        """An access token for our API: of a user, or app-only."""
        given = {
            "tenant_id": tenant_id,
            "address": address,
            "client_id": client_id,
            "roles": None if roles is None else list(roles),
        }
        body = {name: value for name, value in {**given, **more}.items() if value is not None}
        return str(self.call("POST", "tokens", body)["access_token"])

    def applications(self, client_id: str, secret: str, *roles: str) -> Json:
        """Registers an application of the home tenant that has these roles of our API."""
        return self.call(
            "POST", "applications", {"client_id": client_id, "secret": secret, "roles": list(roles)}
        )

    def person(self, tenant_id: str, act: str = "grant", **more: object) -> Json:
        """How whoever opens a consent or sign-in link of this tenant acts: grant, decline, not_admin, ..."""
        return self.call("PUT", "people", {"tenant_id": tenant_id, "act": act, **more})

    def consent(self, tenant_id: str, **changes: object) -> Json:
        """What an administrator changes later: consented, roles, rbac_scope, groups; unnoticed."""
        return self.call("POST", "consent", {"tenant_id": tenant_id, **changes})

    def delegate(self, address: str, account: str, *rights: str) -> Json:
        """The rights of an account to a mailbox: full_access, send_as, send_on_behalf; none takes them away."""
        return self.call(
            "POST", "delegates", {"address": address, "account": account, "rights": list(rights)}
        )

    def sign_ins(self, address: str) -> list[dict[str, Json]]:
        """What a person has granted, with how often each was refreshed."""
        return list(self.call("GET", "sign-ins", address=address))

    def revoke_sign_ins(self, address: str) -> Json:
        """As an administrator does: tokens of all sorts end at once."""
        return self.call("POST", "sign-ins/revoke", {"address": address})

    def expire_sign_ins(self, address: str) -> Json:
        """The refresh tokens have not been used for too long."""
        return self.call("POST", "sign-ins/expire", {"address": address})

    def deliver(
        self,
        address: str,
        raw: bytes,
        folder: str = "inbox",
        *,
        received: datetime | str | None = None,
        **more: object,
    ) -> Json:
        """Puts a mail into a folder; returns id (immutable), mutableId, internetMessageId ..."""
        moment = received.isoformat() if isinstance(received, datetime) else received
        return self.call("POST", "deliver", raw=raw, address=address, folder=folder, received=moment, **more)

    def move(self, address: str, item_id: str, folder: str) -> Json:
        """As the person would in Outlook."""
        return self.call("POST", "move", {"address": address, "id": item_id, "folder": folder})

    def delete(self, address: str, item_id: str, *, hard: bool = False) -> Json:
        """Into Deleted Items, or for good."""
        return self.call("POST", "delete", {"address": address, "id": item_id, "hard": hard})

    def update(self, address: str, item_id: str, **changes: object) -> Json:
        """isRead, categories, flag."""
        return self.call("POST", "update", {"address": address, "id": item_id, **changes})

    def imap_users(self, address: str, password: str) -> Json:
        """Makes a user of the IMAP server, or gives one a new password."""
        return self.call("POST", "imap_users", {"address": address, "password": password})

    def imap_deliver(
        self, address: str, raw: bytes, folder: str = "inbox", *, received: datetime | None = None
    ) -> Json:
        """Puts a mail into a folder on the IMAP server."""
        moment = received.isoformat() if received else None
        return self.call("POST", "imap_deliver", raw=raw, address=address, folder=folder, received=moment)

    def imap_messages(self, address: str) -> list[dict[str, Json]]:
        """What lies in a user's folders on the IMAP server: folder, subject, isRead."""
        return list(self.call("GET", "imap_messages", address=address))

    def imap_move(self, address: str, source: str, folder: str) -> Json:
        """Moves every mail of a folder on the IMAP server into another one."""
        return self.call("POST", "imap_move", {"address": address, "from": source, "folder": folder})

    def smtp_outbound(self) -> list[dict[str, Json]]:
        """Every mail that left by SMTP: sender, recipients, raw."""
        return list(self.call("GET", "smtp_outbound"))

    def put_smtp(self, **script: object) -> Json:
        """`rcpt`: replies by recipient; `answers`: replies behind the next mails; `files_sent_copy`."""
        return self.call("PUT", "smtp", dict(script))

    def outbound(self) -> list[dict[str, Json]]:
        """Every mail that left through Graph, in order."""
        return list(self.call("GET", "outbound"))

    def messages(self, address: str) -> list[dict[str, Json]]:
        """What is in a mailbox, newest first."""
        return list(self.call("GET", "messages", address=address))

    def lifecycle(
        self, event: str, *, subscription_id: str | None = None, address: str | None = None
    ) -> Json:
        """Sends missed, subscriptionRemoved or reauthorizationRequired."""
        given = {"event": event, "subscription_id": subscription_id, "address": address}
        return self.call(
            "POST", "lifecycle", {name: value for name, value in given.items() if value is not None}
        )

    def subscriptions(self) -> list[dict[str, Json]]:
        """All living subscriptions of all tenants, client state included."""
        return list(self.call("GET", "subscriptions"))

    def expire_subscriptions(self, address: str | None = None) -> Json:
        """Drops them without a word."""
        return self.call("POST", "subscriptions/expire", {"address": address} if address else {})

    def put_faults(self, **faults: object) -> Json:
        """Replaces all faults; what is not named is off."""
        return self.call("PUT", "faults", faults)

    def faults(self) -> Json:
        """The settings, and under `struck` how often each struck."""
        return self.call("GET", "faults")

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def put_answers(self, *answers: Json) -> Json:
        """What sending is answered with next: objects of call, status, does, times, code and headers."""
        return self.call("PUT", "answers", {"answers": list(answers)})

    def put_habits(self, **habits: object) -> Json:
        """Replaces the switches for what sources disagree about; what is not named has its default."""
        return self.call("PUT", "habits", habits)

    def stats(self) -> Json:
        """What the app did since the last `clear_stats`."""
        return self.call("GET", "stats")

    def clear_stats(self) -> None:
        self.call("DELETE", "stats")
