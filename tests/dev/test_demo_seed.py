"""The demo's mail says what its files claim, is always fresh, and its tables stay aligned."""

import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dev.demo_report import ENTRY, GAP, INBOX, LEDGER, LINE, fit, table, width
from dev.demo_seed import FOLDER, Mail, Seed, rounds
from dev.simulator.mime import read_mail
from shared.domain.connections.fields import Fields
from shared.domain.mail.addresses import domain_of
from shared.domain.records.records import Record, RecordRef

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
RESERVED = (".example", "example.com", "example.org", "example.net")


@pytest.fixture(scope="module")
def seed() -> Seed:
    return Seed.load()


@pytest.fixture(scope="module")
def mails(seed: Seed) -> dict[str, Mail]:
    return {Path(one.delivery.file).stem: one for one in seed.mails(NOW)}


def test_there_is_as_much_as_a_reader_needs_to_see(seed: Seed) -> None:
    threads = {one.delivery.file.partition("-")[0] for one in seed.mails(NOW) if one.answers}
    assert len(seed.deliveries) >= 12
    assert len(seed.organisation["mailboxes"]) == 3
    assert len(seed.records) >= 6
    assert threads == {"viewing", "lease", "naiken", "valuation"}


def test_every_file_is_delivered_once(seed: Seed) -> None:
    assert sorted(one.file for one in seed.deliveries) == sorted(file.name for file in FOLDER.glob("*.eml"))


def test_records_are_such_that_the_api_takes_them(seed: Seed) -> None:
    records = [
        Record.from_fields(RecordRef(one.pop("kind"), one.pop("id")), Fields(one))
        for one in (dict(record) for record in seed.records)
    ]
    refs = {str(one.ref) for one in records}
    assert {ref for one in seed.deliveries for ref in one.records} <= refs
    assert all(f"client/{one.client}" in refs for one in records if one.client)


def test_mail_goes_to_mailboxes_that_are_connected(seed: Seed) -> None:
    users = {one["address"] for one in seed.organisation["users"] if one["mailbox"]}
    assert set(seed.organisation["mailboxes"]) == users
    assert {place.address for one in seed.deliveries for place in one.places} == users


def test_times_are_put_in_relative_to_now(mails: dict[str, Mail]) -> None:
    plan = mails["viewing-3-plan"]
    assert plan.parsed["Date"] == "Mon, 02 Mar 2026 07:20:00 +0000"
    assert "Sent:</b> Monday, 02 March 2026 02:30<br>" in plan.parsed.get_body(("html",)).get_content()
    assert not [name for name, one in mails.items() if b"{{" in one.raw or b"}}" in one.raw]


def test_only_the_one_mail_that_shall_be_is_older_than_what_is_captured(mails: dict[str, Mail]) -> None:
    old = {name for name, one in mails.items() if one.at < NOW - timedelta(hours=23)}
    assert old == {"too-old"}
    assert not mails["too-old"].delivery.is_seen


def test_what_was_there_before_is_older_than_what_arrives(seed: Seed) -> None:
    connected = [one.delivery.connected for one in seed.mails(NOW)]
    assert connected == sorted(connected)


def test_message_ids_are_unique_and_answers_name_mail_of_the_demo(mails: dict[str, Mail]) -> None:
    ids = {one.message_id for one in mails.values()}
    assert len(ids) == len(mails)
    assert {one.answers for one in mails.values() if one.answers} <= ids


def test_everybody_lives_on_reserved_domains(mails: dict[str, Mail]) -> None:
    found = {
        address
        for one in mails.values()
        for address in re.findall(r"[\w.+-]+@[\w.-]*\w", one.raw.decode("ascii"))
    }
    assert {one for one in found if not domain_of(one).endswith(RESERVED)} == set()


def test_japanese_german_and_the_plan_can_be_read(mails: dict[str, Mail]) -> None:
    request = mails["naiken-1-request"]
    assert request.subject == "内見のお願い（ハーバー通り12番地）"
    assert "今週の木曜日の午後" in request.parsed.get_content()
    draft = mails["lease-1-draft"]
    assert draft.subject == "Mietvertrag für die Büroetage Lindenallee 5"
    assert "Größe der Fläche" in draft.parsed.get_body(("plain",)).get_content()


def test_the_simulator_sees_an_inline_image_and_a_pdf(mails: dict[str, Mail]) -> None:
    plan, draft = (read_mail(mails[name].raw) for name in ("viewing-3-plan", "lease-1-draft"))
    assert [(one.name, one.is_inline) for one in plan.attachments] == [("floor-plan.png", True)]
    assert [(one.name, one.is_inline) for one in draft.attachments] == [("Mietvertrag-Entwurf.pdf", False)]
    assert plan.attachments[0].data.startswith(b"\x89PNG\r\n")
    assert draft.attachments[0].data.startswith(b"%PDF-1.4\n")


def test_the_cross_reference_table_of_the_pdf_points_at_its_objects(mails: dict[str, Mail]) -> None:
    pdf = io.BytesIO(read_mail(mails["lease-1-draft"].raw).attachments[0].data).getvalue()
    offsets = [int(one) for one in re.findall(rb"(\d{10}) 00000 n", pdf)]
    assert [pdf[one : one + 7] for one in offsets] == [b"%d 0 obj" % number for number in range(1, 6)]


def test_outlook_threads_grow_by_five_bytes_an_answer(mails: dict[str, Mail]) -> None:
    indexes = [read_mail(mails[f"viewing-{name}"].raw).thread_index for name in ("2-answer", "3-plan")]
    assert [len(one or b"") for one in indexes] == [27, 32]
    assert (indexes[1] or b"")[:27] == indexes[0]


def test_no_mail_stands_in_one_round_with_the_mail_it_answers(mails: dict[str, Mail]) -> None:
    new = [one for one in mails.values() if one.delivery.connected]
    groups = rounds(new)
    assert [one for group in groups for one in group] == new
    assert all(not {one.answers for one in group} & {one.message_id for one in group} for group in groups)


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("内見", 4), ("Größe", 5), ("Gro\u0308ße", 5), ("（12）", 6), ("", 0)],
)
def test_wide_characters_take_two_columns_and_combining_ones_none(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "cell"),
    [("abc", "abc  "), ("abcdef", "abcd…"), ("内見の", "内見…"), ("a内見の", "a内… "), ("a\n b", "a b  ")],
)
def test_a_cell_has_exactly_its_width(text: str, cell: str) -> None:
    assert fit(text, 5) == cell


@pytest.mark.parametrize("columns", [ENTRY, INBOX, LEDGER])
def test_tables_fit_the_screen(columns: dict[str, int]) -> None:
    row = ["内見のお願い" * 20] * len(columns)
    assert max(width(line) for line in table(columns, [row]).splitlines()) <= LINE
    assert len(GAP) * len(columns) + sum(columns.values()) <= LINE


@pytest.mark.stack
def test_the_demo_shows_every_timeline_and_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dev.demo", "--exit", "--data-dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    output = done.stdout.decode()
    assert done.returncode == 0, output + done.stderr.decode()
    records = json.loads((FOLDER / "records.json").read_text("utf-8"))
    assert all(f"{one['kind']}/{one['id']} - {one['name']}" in output for one in records)
    path = [
        "enables Contoso Homes",
        "gives a link",
        '"Connected"; the organisation is verified',
        "ben.ito ok",
    ]
    path += ["no_mailbox", "the first mail: "]
    assert [output.find(one) for one in path] == sorted(output.find(one) for one in path)
    assert all(one in output for one in path)
    for record in ("contact/julia-brandt", "client/fabrikam", "property/lindenallee-5"):
        assert re.search(rf"^  {record} +reply +code ", output, re.MULTILINE)
    assert re.search(r"^  notices +anna 0, ben 1, clara 0$", output, re.MULTILINE)
    assert re.search(r"sent +Viewing of Lindenallee 5 \[PL-\w{6}-\w{4}\]$", output, re.MULTILINE)
    assert re.search(r"in +Reed, Daniel .*reply +thread", output)
    assert re.search(r"anna\.keller +skipped +staff_only +1 +Lunch on Thursday\?", output)
    assert re.search(r"ben\.ito +skipped +folder:junkemail +1 +You have won a holiday", output)
    assert re.search(r"ben +\w+ [\d:]+ +Nora Lind +Offices near the station +no_match", output)
    assert re.search(r"^    \| +Sent: ", output, re.MULTILINE)
