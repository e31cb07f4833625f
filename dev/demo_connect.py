"""How the demo's organisation is connected: the way that every customer goes, with a simulated administrator.

Enabled by the operator, consented to by somebody with no account here, verified, its mailboxes tested.
"""

import re
from collections.abc import Callable
from typing import Any, Protocol

import requests

from dev.processes import PATIENCE
from dev.simulator.client import Control


class Caller(Protocol):
    """The API as the organisation's admin sees it."""

    def call(self, method: str, path: str, body: object = None) -> Any: ...


def open_link(link: str, ca_file: str) -> str:
    """The link as a person opens it: Entra's page, then ours. Returns our page's heading."""
    with requests.Session() as browser:
        browser.trust_env = False
        sent = browser.get(link, verify=ca_file, allow_redirects=False, timeout=PATIENCE)
        page = browser.get(sent.headers["location"], timeout=PATIENCE)
    found = re.search(r"<h1>(.*?)</h1>", page.text)
    if found is None:
        raise RuntimeError(f"the consent callback was answered with {page.status_code}")
    return found[1]


def connect(
    admin: Caller,
    control: Control,
    tenant_id: str,
    mailbox: str,
    *,
    ca_file: str,
    tell: Callable[[str], None],
) -> None:
    """Ask for a link, have the simulated administrator open it, and see that the organisation is verified."""
    asked = admin.call("POST", "connect", {"mode": "admin_consent", "mailbox": mailbox})
    tell(f"POST connect gives a link for an administrator of the tenant, good once ({_short(asked['link'])})")
    control.person(tenant_id, "grant")
    heading = open_link(asked["link"], ca_file)
    state = admin.call("GET", "organisation")["state"]
    tell(f'the administrator opens it and agrees: "{heading}"; the organisation is {state}')
    if state != "verified":
        raise RuntimeError(f"the organisation should be verified, and is {state}")


def show_tests(admin: Caller, good: list[str], bad: str, tell: Callable[[str], None]) -> None:
    """Test mailboxes before they are added: those that will be, and one that cannot be."""
    outcomes = {one: admin.call("POST", f"mailboxes/{one}/test")["outcome"] for one in good}
    tell("mailbox tests: " + ", ".join(f"{one.partition('@')[0]} {said}" for one, said in outcomes.items()))
    refused = admin.call("POST", f"mailboxes/{bad}/test")
    tell(
        f"mailbox test of one without a mailbox: {refused['outcome']}, {refused['detail'].partition(': ')[0]}"
    )
    if set(outcomes.values()) != {"ok"}:
        raise RuntimeError(f"the mailbox tests should all be ok: {outcomes}")


def _short(link: str) -> str:
    return "..." + link.partition("?")[0].rpartition("/")[2]
