"""What the demo prints: tables that stay aligned and within 120 columns, in any script."""

import textwrap
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dev import demo_intake, demo_sending
from dev.demo_intake import Enquiry
from dev.demo_organisation import Demo
from dev.demo_seed import Mail
from dev.demo_sending import Exchange
from shared.domain.capture.sightings import FILED

LINE = 120
GAP = "  "
_Columns = Mapping[str, int]
ENTRY: _Columns = {
    "when": 9, "dir": 3, "who": 16, "subject": 27, "kind": 6, "rule": 15, "evidence": 19, "@": 1, "agent": 6,
}  # fmt: skip
INBOX: _Columns = {"agent": 9, "when": 9, "who": 14, "subject": 26, "why": 16, "suggested": 30}
LEDGER: _Columns = {"mailbox": 12, "outcome": 7, "reason": 16, "copies": 6, "mails": 67}


def width(text: str) -> int:
    """How many terminal columns a text takes: two for a wide character, none for a combining one."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def fit(text: str, columns: int) -> str:
    """The text in exactly so many columns: cut with an ellipsis, or filled up."""
    text = " ".join(text.split())
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (columns - width(text))


def table(columns: _Columns, rows: Iterable[Sequence[str]]) -> str:
    """Rows under a heading, each cell in its column."""

    def line(cells: Sequence[str]) -> str:
        fitted = (fit(cell, size) for cell, size in zip(cells, columns.values(), strict=True))
        return GAP + GAP.join(fitted).rstrip()

    return "\n".join([line(list(columns)), *(line(row) for row in rows)])


def report(demo: Demo, sent: Exchange, asked: Iterable[Enquiry], tokens: Path) -> Iterator[str]:
    """All that the demo has to show, a block at a time."""
    yield _summary(demo)
    for record in demo.seed.records:
        yield _timeline(demo, record)
    yield demo_sending.told(sent)
    yield from map(demo_intake.told, asked)
    yield _inboxes(demo)
    yield _ledger(demo)
    shown = next(one for one in demo.mails if one.parsed.get_content_type() == "multipart/related")
    view = _view(demo, shown)
    yield _message(view)
    yield _next_steps(demo, view, tokens)


def _summary(demo: Demo) -> str:
    mailboxes = demo.seed.organisation["mailboxes"]
    return (
        f"{demo.seed.organisation['name']}: {len(mailboxes)} agents' mailboxes, {len(demo.seed.records)} "
        f"records, {len(demo.mails)} mails in {len(demo.delivered)} copies. Times are UTC, newest first."
    )


def _timeline(demo: Demo, record: Mapping[str, Any]) -> str:
    path = f"{record['kind']}/{record['id']}"
    title = f"{path} - {record['name']}"
    entries = demo.timeline(path)
    if entries:
        sent = {one.message_id.strip("<>"): one for one in demo.mails}
        return f"{title}\n{table(ENTRY, (_row(one, sent) for one in entries))}"
    if record["kind"] == "property":
        return f"{title}\n{GAP}no mail: on a property it is filed by code, by thread or by hand, not by address alone"
    return f"{title}\n{GAP}no mail"


def _row(entry: Mapping[str, Any], sent: Mapping[str, Mail]) -> list[str]:
    parent = sent.get(entry["evidence"]) if entry["rule"] == "thread" else None
    return [
        _when(datetime.fromisoformat(entry["at"])),
        entry["direction"],
        entry["from"]["name"] or entry["from"]["address"],
        entry["subject"],
        entry["kind"],
        entry["rule"],
        f"answers {_when(parent.at)}" if parent else entry["evidence"],
        "@" if entry["has_attachments"] else "",
        _local(entry["agent"]).partition(".")[0],
    ]


def _inboxes(demo: Demo) -> str:
    """My Inbox of each agent; each sees only the own."""
    rows = [
        [
            _local(agent).partition(".")[0],
            _when(datetime.fromisoformat(item["at"])),
            item["from"]["name"] or item["from"]["address"],
            item["subject"],
            item["reason"],
            ", ".join(f"{one['name'] or one['id']} ({one['rule']})" for one in item["suggestions"]) or "-",
        ]
        for agent in demo.seed.organisation["mailboxes"]
        for item in demo.inbox(agent)
    ]
    return f"My Inbox: mail that waits for its agent to link it, open a record for it, or note it\n{table(INBOX, rows)}"


def _ledger(demo: Demo) -> str:
    """Nothing readable is kept of skipped mail; the subjects are the demo's own knowledge of Graph's ids."""
    rows: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    ledger = demo.ledger()
    for (address, graph_id), seen in ledger.items():
        mail = demo.delivered.get((address, graph_id))
        reason = "" if seen.outcome == FILED else seen.reason
        rows[_local(address), seen.outcome, reason].append(mail.subject if mail else "-")
    shown = [
        [*key, str(len(subjects)), "" if key[1] == FILED else "; ".join(sorted(subjects))]
        for key, subjects in sorted(rows.items())
    ]
    title = "What every mailbox saw, and why some of it was not kept (of that only hashes are stored)"
    unseen = [mail for copy, mail in demo.delivered.items() if copy not in ledger]
    lines = [
        f"{GAP}never looked at, {one.delivery.minutes_ago // 60} h old when its mailbox was connected: {one.subject}"
        for one in unseen
    ]
    return "\n".join([title, table(LEDGER, shown), *lines, _graph_work(demo)])


def _graph_work(demo: Demo) -> str:
    """What all this took, as the simulator counted it."""
    stats = demo.control.stats()
    skipped = {one.message_id for one in demo.mails if one.delivery.skipped}
    bodies = sum(stats["bodies_read"].get(one, 0) for one in skipped)
    return f"{GAP}bodies read of skipped mail: {bodies}; requests to Graph in all: {stats['graph']['http_requests']}"


def _view(demo: Demo, mail: Mail) -> dict[str, Any]:
    entries = demo.timeline(mail.delivery.records[0])
    found = next(one for one in entries if one["internet_message_id"] == mail.message_id)
    view: dict[str, Any] = demo.api.call("GET", f"messages/{found['message_id']}")
    return view


def _message(view: Mapping[str, Any]) -> str:
    attachments = ", ".join(
        f"{one['name']} ({one['content_type']}{', inline' if one['inline'] else ''})"
        for one in view["attachments"]
    )
    links = ", ".join(f"{one['kind']}/{one['id']} by {one['rule']} ({one['score']})" for one in view["links"])
    copies = ", ".join(f"{one['mailbox']} {one['folder']}" for one in view["sightings"])
    return "\n".join(
        [
            f"One message whole: {view['subject']}",
            f"{GAP}from         {view['from']['name']} <{view['from']['address']}>",
            f"{GAP}filed on     {links}",
            f"{GAP}copies       {copies}",
            f"{GAP}attachments  {attachments or '-'}",
            f"{GAP}own text",
            _indented(view["own_text"], "      "),
            f"{GAP}quoted chain",
            _indented(view["quoted_text"], "    | "),
        ]
    )


def _indented(text: str, prefix: str) -> str:
    wrapped = (
        part
        for line in text.strip().splitlines()
        if line.strip()
        for part in textwrap.wrap(line, LINE - len(prefix))
    )
    return "\n".join(prefix + one for one in wrapped)


def _next_steps(demo: Demo, view: Mapping[str, Any], tokens: Path) -> str:
    ready = demo.ready
    curl = 'curl -s -H "$AUTH"'
    message = f"$API/messages/{view['message_id']}"
    agent = next(iter(demo.seed.organisation["mailboxes"]))
    steps = [
        f"export API={ready['api_url']} SIMULATOR={ready['simulator_url']}",
        f"export CA={ready['ca_file']}",
        f'export AUTH="Authorization: Bearer $(cat {tokens / "admin"})"',
        f'export AGENT="Authorization: Bearer $(cat {tokens / "agent"})"',
        f"{curl} $API/timelines/client/fabrikam",
        f'{curl} "$API/timelines/contact/julia-brandt?filter=synced&with_attachments=true"',
        f"{curl} {message}",
        *(f"{curl} {message}/attachments/{one['id']} -o {one['name']}" for one in view["attachments"]),
        f"{curl} $API/mailboxes",
        f'{curl} "$API/records?kind=case&origin=postledger"',
        "",
        f"what waits for {demo.busiest}, which opens to this agent alone:",
        'curl -s -H "$AGENT" $API/inbox',
        "",
        f"a mail of your own, raw, as if it came for {agent}:",
        "curl -s --cacert $CA --data-binary @mail.eml \\",
        f'  "$SIMULATOR/_control/deliver?folder=inbox&address={agent}"',
        "",
        f"API docs  {ready['api_url']}/docs",
        f"OpenAPI   {ready['api_url']}/openapi.json",
        f"logs      {ready['log_dir']}",
    ]
    title = "Go on from here with an admin's and an agent's token; the files are renewed while the demo runs"
    return "\n".join([title, *(f"{GAP}{one}" if one else "" for one in steps)])


def _when(at: datetime) -> str:
    return at.strftime("%a %H:%M")


def _local(address: str) -> str:
    return address.partition("@")[0]
