"""The README's path with a client that is generated from openapi.json; prints what it has seen as JSON.

What stands between ">> ... <<" and ">> end <<" is shown in docs/api.md, where a test compares it.
"""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from typing import Any, TypeVar

# >> types <<
import httpx
from postledger_client import AuthenticatedClient
from postledger_client.api.inbox import get_inbox
from postledger_client.api.mailboxes import get_mailbox, put_mailbox
from postledger_client.api.messages import get_thread
from postledger_client.api.privacy import list_audit
from postledger_client.api.records import load_records, put_record
from postledger_client.api.timelines import get_timeline
from postledger_client.models.entry_filter import EntryFilter
from postledger_client.models.entry_model import EntryModel
from postledger_client.models.mailbox_fields import MailboxFields
from postledger_client.models.mailbox_model import MailboxModel
from postledger_client.models.problem import Problem
from postledger_client.models.record_fields import RecordFields
from postledger_client.models.record_kind import RecordKind
from postledger_client.models.record_line import RecordLine

# >> end <<

T = TypeVar("T")

API = os.environ["API"]
MAILBOX = os.environ["MAILBOX"]
TOKEN_URL = os.environ["TOKEN_URL"]
CLIENT_ID = os.environ["CLIENT_ID"]
SECRET = os.environ["SECRET"]
POSTLEDGER_CLIENT_ID = os.environ["POSTLEDGER_CLIENT_ID"]
ORGANISATION = os.environ["ORGANISATION"]
ADMIN = AuthenticatedClient(API, os.environ["ADMIN"])
AGENT = AuthenticatedClient(API, os.environ["AGENT"])
CONTACT = RecordKind.CONTACT


# >> token <<
def service_token() -> str:
    """The token of a CRM's back end. It is good for an hour: ask for another before it ends."""
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "scope": f"api://{POSTLEDGER_CLIENT_ID}/.default",
    }
    answer = httpx.post(TOKEN_URL, data=form).raise_for_status()
    return str(answer.json()["access_token"])


SERVICE = AuthenticatedClient(API, service_token(), headers={"Postledger-Organisation": ORGANISATION})
# >> end <<


# >> error <<
def content(answer: T | Problem | None) -> T:
    """The answer's content; an error is raised with the sentence of its problem."""
    if answer is None or isinstance(answer, Problem):
        raise RuntimeError(answer.detail if answer else "no answer")
    return answer


# >> end <<


# >> pages <<
def entries_of(contact: str) -> Iterator[EntryModel]:
    """Every entry of a contact's timeline, newest first, page by page."""
    cursor: str | None = ""
    wanted = [EntryFilter.REPLY, EntryFilter.SYNCED]
    while cursor is not None:
        page = content(
            get_timeline.sync(CONTACT, contact, client=SERVICE, filter_=wanted, limit=1, cursor=cursor)
        )
        yield from page.entries
        cursor = page.cursor


# >> end <<


# >> update <<
def poll_every(address: str, minutes: int) -> MailboxModel:
    """Changes one setting of a mailbox; what is not named stays as it is."""
    return content(put_mailbox.sync(address, client=ADMIN, body=MailboxFields(poll_minutes=minutes)))


# >> end <<


# >> stream <<
def audit() -> Iterator[dict[str, Any]]:
    """The audit, line by line: one JSON object each, as long as it may be."""
    with ADMIN.get_httpx_client().stream("GET", "/audit/export") as answer:
        for line in answer.raise_for_status().iter_lines():
            yield json.loads(line)


# >> end <<


def deliver(number: int) -> None:
    lines = ["From: Sam Poe <sam.poe@example.com>", f"To: {MAILBOX}", "Subject: Keys"]
    lines += [f"Message-ID: <keys-{number}-{MAILBOX}>"]
    lines += [f"In-Reply-To: <keys-1-{MAILBOX}>"] if number > 1 else []
    lines += ["", "When may I have the keys?"]
    request = urllib.request.Request(os.environ["DELIVER"], "\r\n".join(lines).encode(), method="POST")
    urllib.request.urlopen(request).close()


def main() -> None:
    contact = RecordFields(name="Sam Poe", addresses=["sam.poe@example.com"])
    content(put_record.sync(CONTACT, "sam-poe", client=SERVICE, body=contact))
    deliver(1)
    deliver(2)
    entries = list(entries_of("sam-poe"))
    # The answer may be taken in before what it answers; it is told of that then.
    while len(entries) < 2 or not any(entry.in_reply_to for entry in entries):
        time.sleep(0.2)
        entries = list(entries_of("sam-poe"))
    thread = content(get_thread.sync(entries[0].message_id, client=SERVICE))
    before = content(get_mailbox.sync(MAILBOX, client=ADMIN))
    after = poll_every(MAILBOX, before.poll_minutes + 1)
    lines = [RecordLine(kind=RecordKind.CLIENT, id="CL-7", name="Fabrikam")]
    load = content(load_records.sync(client=SERVICE, body=lines))
    inbox = content(get_inbox.sync(client=AGENT))
    refusal = list_audit.sync(client=AGENT)
    seen = {
        "entries": [entry.to_dict() for entry in entries],
        "thread": [(entry.in_reply_to, entry.answers) for entry in thread.entries],
        "before": before.to_dict(),
        "after": after.to_dict(),
        "written": load.written,
        "inbox": [item.to_dict() for item in inbox.items],
        "refusal": refusal.detail if isinstance(refusal, Problem) else None,
        "audited": [line["what"] for line in audit()],
    }
    print(json.dumps(seen))


main()
