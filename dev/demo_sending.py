"""The demo's mail from the CRM: an agent writes to a client about a property, and the client's mail program answers.

The answer has no header of a thread, and its subject is rewritten around the code: the code alone leads it home.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any, Final

import requests

from dev.demo_organisation import LOOK_EVERY, Api, Demo, Tell
from dev.processes import PATIENCE

AGENT: Final = "ben.ito@contoso-homes.example"
CLIENT: Final = "julia.brandt@fabrikam.example"
RECORDS: Final = ("contact/julia-brandt", "client/fabrikam", "property/lindenallee-5")
_MAIL: Final = {
    "to": [{"name": "Julia Brandt", "address": CLIENT}],
    "subject": "Viewing of Lindenallee 5",
    "html": "<p>Dear Ms Brandt,</p><p>would Thursday at four suit you to see the floor?</p>",
    "records": [{"kind": "property", "id": "lindenallee-5"}],
}


@dataclass(frozen=True)
class Exchange:
    """The mail as the outbox tells of it, the answer's subject, its entry by record, and each agent's notices."""

    outbox: Mapping[str, Any]
    answer_subject: str
    entries: Mapping[str, Mapping[str, Any]]
    notices: Mapping[str, int]


def exchange(demo: Demo, tell: Tell) -> Exchange:
    """Send the mail, answer it, and wait until the answer stands on all three timelines. Raises RuntimeError."""
    taken = _asked(demo)
    tell(f"Ben writes to Julia Brandt from the CRM: '{taken['subject']}'")
    outbox = until(lambda: _confirmed(demo, taken["outbox_id"]), "the mail's copy in Ben's Sent Items")
    code = taken["code"].lower().replace("-", "\u2013")
    subject = f"Antwort: Lindenallee ({code}) - gern am Donnerstag"
    answer = _answer(subject)
    demo.control.deliver(AGENT, answer.as_bytes(), "inbox", received=datetime.now(UTC))
    entries = until(lambda: _filed(demo, answer["Message-ID"]), "the answer on the three timelines")
    tell("she answers without any header of the thread: the code leads it to contact, client and property")
    notices = until(lambda: _noticed(demo), "the notice of the answer")
    tell(f"Ben has {notices[AGENT]} notice of it; his colleagues have none")
    return Exchange(outbox, subject, entries, notices)


def told(done: Exchange) -> str:
    """What happened, for the report."""
    mail = done.outbox
    steps = " > ".join(step["what"] for step in mail["steps"])
    filed = [
        f"  {record:<26}{entry['kind']:<8}{entry['rule']:<8}{entry['evidence']}"
        for record, entry in done.entries.items()
    ]
    return "\n".join(
        [
            "A mail from the CRM, and its answer by code alone",
            f"  sent       {mail['subject']}",
            f"  from       {mail['from_why']}",
            f"  outbox     {steps}",
            f"  answered   {done.answer_subject}",
            "  the answer's headers name no mail; it stands on",
            *filed,
            f"  notices    {', '.join(f'{_name(agent)} {count}' for agent, count in done.notices.items())}",
        ]
    )


def _asked(demo: Demo) -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {demo.agent_token(AGENT)}",
        # A key of one's own for each mail: asked again, it is the same mail.
        "Idempotency-Key": f"demo-{demo.tenant_id}",
    }
    with requests.Session() as session:
        session.trust_env = False
        url = f"{demo.ready['api_url']}/messages"
        answer = session.post(url, json=_MAIL, headers=headers, timeout=PATIENCE)
    if answer.status_code != requests.codes.accepted:
        raise RuntimeError(f"POST messages was answered with {answer.status_code}: {answer.text[:300]}")
    taken: dict[str, Any] = answer.json()
    return taken


def _confirmed(demo: Demo, outbox_id: str) -> dict[str, Any] | None:
    mail: dict[str, Any] = demo.api.call("GET", f"outbox/{outbox_id}")
    if mail["error"]:
        raise RuntimeError(f"the mail was not sent: {mail['error']['detail']}")
    return mail if mail["state"] == "confirmed" else None


def _answer(subject: str) -> EmailMessage:
    """As a mail program writes it that drops In-Reply-To and References."""
    mail = EmailMessage()
    mail["From"] = f"Julia Brandt <{CLIENT}>"
    mail["To"] = AGENT
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain="fabrikam.example")
    mail.set_content("Donnerstag um vier passt mir gut. Bis dann!")
    return mail


def _filed(demo: Demo, message_id: str) -> dict[str, dict[str, Any]] | None:
    found = {
        record: entry
        for record in RECORDS
        for entry in demo.timeline(record)
        if entry["internet_message_id"] == message_id and entry["kind"] == "reply"
    }
    return found if len(found) == len(RECORDS) else None


def _noticed(demo: Demo) -> dict[str, int] | None:
    """How many notices each agent has, once the one who wrote the mail has any. Raises RuntimeError for another's."""
    counts = {
        agent: int(Api(demo.ready["api_url"], demo.agent_token(agent)).call("GET", "notices")["count"])
        for agent in demo.seed.organisation["mailboxes"]
    }
    if any(count for agent, count in counts.items() if agent != AGENT):
        raise RuntimeError(f"a colleague has a notice that is not theirs: {counts}")
    return counts if counts[AGENT] else None


def _name(address: str) -> str:
    return address.partition(".")[0]


def until(probe: Callable[[], dict[str, Any] | None], what: str) -> dict[str, Any]:
    """What the probe finds, once it finds anything. Raises RuntimeError after a minute."""
    deadline = time.monotonic() + PATIENCE
    while (found := probe()) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {PATIENCE:g} s for {what}")
        time.sleep(LOOK_EVERY)
    return found
