"""Exceptions and explanations over HTTP."""

from datetime import timedelta

import pytest

from shared.domain.commands.commands import IngestMessages, SyncMailbox
from shared.domain.errors import Unavailable
from shared.domain.sending.outbox import Problem
from shared.services.commands import exceptions
from shared.services.commands.failures import failure_of_mail
from tests.builders import MAILBOX_ID, NOW, TENANT, a_failure, a_sighting, an_item, an_outbox_mail
from tests.fakes import FakeStorage
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api

INGEST = IngestMessages(
    tenant_id=TENANT,
    mailbox_id=MAILBOX_ID,
    first_at=NOW - timedelta(days=2),
    items=(an_item("a"), an_item("b")),
    attempt=7,
    silent=True,
    unbounded=True,
)
SYNC = SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW)


def failed(storage: FakeStorage, number: int = 1, **changes: object) -> str:
    fields = {"id": f"{number:032x}", "command": INGEST.to_json(), "queue": "mail", **changes}
    failure = a_failure(at=NOW - timedelta(minutes=number), **fields)
    storage.exceptions.record(failure)
    return failure.id


def test_exceptions_are_listed_newest_first_with_what_to_do(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    for number in range(1, 6):
        failed(storage, number, code="bug" if number == 3 else "ErrorAccessDenied")
    token = issuer.user("Admin")
    first = api.get("exceptions?limit=3", token).json()
    rest = api.get("exceptions", token, params={"cursor": first["cursor"]}).json()
    listed = [*first["exceptions"], *rest["exceptions"]]
    assert [int(one["id"], 16) for one in listed] == [1, 2, 3, 4, 5]
    assert rest["cursor"] is None
    assert listed[0] == {
        "id": f"{1:032x}",
        "at": "2026-03-02T08:59:00Z",
        "mailbox_id": MAILBOX_ID,
        "mailbox": "agent@contoso.example",
        "queue": "mail",
        "code": "ErrorAccessDenied",
        "error": "The mailbox is out of scope.",
        "advice": "Check that the application still has consent and that the mailbox is in its scope, then replay.",
        "ids": ["a", "b"],
        "outbox_id": None,
        "rules_version": 0,
        "command": INGEST.to_json(),
        "replayed_at": None,
    }


def test_a_mail_that_has_not_left_is_named_with_what_to_do(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    mail = an_outbox_mail()
    storage.exceptions.record(failure_of_mail(mail, Problem("ErrorAccessDenied", "It may not send."), NOW))
    [listed] = api.get("exceptions", issuer.user("Admin")).json()["exceptions"]
    assert (listed["outbox_id"], listed["queue"], listed["ids"]) == (mail.id, "outbound", [])
    # The advice on this code is about mail that came.
    assert listed["advice"].startswith("Do as the error says, then replay")


def test_exceptions_are_filtered_and_counted(
    api: Api, issuer: Issuer, storage: FakeStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(storage, 1, mailbox_id="ab" * 16)
    replayed = failed(storage, 2, code="bug")
    failed(storage, 3, queue="work")
    token = issuer.user("Admin")
    api.post(f"exceptions/{replayed}/replay", token)

    def found(**params: str) -> list[int]:
        page = api.get("exceptions", token, params=params).json()["exceptions"]
        assert api.get("exceptions/count", token, params=params).json() == {"count": len(page), "more": False}
        return [int(one["id"], 16) for one in page]

    assert found() == [1, 2, 3]
    assert found(mailbox="Agent@contoso.example") == [2, 3]
    assert found(waiting="true") == [1, 3]
    assert found(code="bug", waiting="true") == []
    assert found(since="2026-03-02T08:58:00Z") == [1, 2]
    assert found(until="2026-03-02T08:58:00Z", queue="work") == [3]
    assert api.get("exceptions/count", token, params={"mailbox": "no@contoso.example"}).status_code == 404
    monkeypatch.setattr(exceptions, "MOST", 2)
    assert api.get("exceptions/count", token).json() == {"count": 2, "more": True}


def test_they_are_listed_by_code_and_queue(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    failed(storage, 1, code="bug")
    failed(storage, 2, code="poison", queue="work", command=SYNC.to_json())
    token = issuer.user("Admin")
    assert [one["code"] for one in api.get("exceptions?code=bug", token).json()["exceptions"]] == ["bug"]
    [found] = api.get("exceptions?queue=work", token).json()["exceptions"]
    assert (found["code"], found["ids"]) == ("poison", [])
    assert api.get("exceptions?code=other", token).json() == {"exceptions": [], "cursor": None}


def test_a_replay_puts_the_command_back_as_new_and_keeps_what_it_is_for(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    failure_id = failed(storage)
    for _ in range(2):
        answer = api.post(f"exceptions/{failure_id}/replay", issuer.user("Admin"))
        assert (answer.status_code, answer.json()["replayed_at"]) == (200, "2026-03-02T09:00:00Z")
    [command] = storage.queue.take(IngestMessages)
    assert isinstance(command, IngestMessages)
    assert (command.attempt, command.replays, command.first_at) == (0, 1, NOW)
    assert (command.items, command.silent, command.unbounded) == ((an_item("a"), an_item("b")), True, True)
    assert (command.tenant_id, command.mailbox_id) == (TENANT, MAILBOX_ID)


def test_a_replay_that_could_not_be_noted_is_done_again(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    failure_id = failed(storage)
    storage.faults.clear()
    storage.faults.named["Exceptions.note_replayed"] = Unavailable("storage is down")
    assert api.post(f"exceptions/{failure_id}/replay", issuer.user("Admin")).status_code == 503
    storage.faults.clear()
    assert api.post(f"exceptions/{failure_id}/replay", issuer.user("Admin")).status_code == 200
    assert len(storage.queue.take(IngestMessages)) == 2


def test_what_cannot_be_replayed_says_so(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    failure_id = failed(storage, command="not json", code="malformed")
    answer = api.post(f"exceptions/{failure_id}/replay", issuer.user("Admin"))
    assert answer.status_code == 422
    assert "no command" in answer.json()["detail"]
    assert api.post("exceptions/nothing/replay", issuer.user("Admin")).status_code == 404
    assert storage.queue.sent == []


def test_all_of_a_kind_are_replayed_and_counted(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    for number in range(1, 251):
        failed(storage, number)
    failed(storage, 300, code="bug")
    failed(storage, 301, command="not json")
    token = issuer.user("Admin")
    answer = api.post("exceptions/replay?code=ErrorAccessDenied", token)
    assert answer.json() == {"replayed": 250, "more": False}
    assert api.post("exceptions/replay?code=ErrorAccessDenied", token).json()["replayed"] == 0
    assert len(storage.queue.take(IngestMessages)) == 250


def test_a_request_replays_so_many_and_says_that_others_wait(
    api: Api, issuer: Issuer, storage: FakeStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exceptions, "MOST", 2)
    for number in range(1, 4):
        failed(storage, number)
    token = issuer.user("Admin")
    assert api.post("exceptions/replay?code=ErrorAccessDenied", token).json() == {"replayed": 2, "more": True}
    assert api.post("exceptions/replay?code=ErrorAccessDenied", token).json() == {
        "replayed": 1,
        "more": False,
    }


def test_all_of_no_kind_is_refused(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    assert api.post("exceptions/replay", issuer.user("Admin")).status_code == 422
    assert api.post("exceptions/replay?code=", issuer.user("Admin")).status_code == 422


def test_another_organisations_exceptions_are_neither_seen_nor_replayed(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    failure_id = failed(storage)
    token = issuer.user("Admin", tenant=OTHER)
    assert api.get("exceptions", token).json()["exceptions"] == []
    assert api.post(f"exceptions/{failure_id}/replay", token).status_code == 404
    assert api.post("exceptions/replay?code=ErrorAccessDenied", token).json()["replayed"] == 0
    assert storage.queue.sent == []


def test_a_mail_is_explained(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    from shared.services.capture.scopes import hasher_of
    from tests.builders import HASH_KEY

    mailbox = storage.mailboxes.by_id(TENANT, MAILBOX_ID)
    assert mailbox is not None
    key = hasher_of(HASH_KEY, TENANT).message_id("m@x.example")
    sighting = a_sighting(outcome="skipped", reason="unknown_people", message_id_hash=key, received_at=NOW)
    storage.sightings.put(mailbox, [sighting])
    answer = api.get("explain", issuer.user("Admin"), params={"internet_message_id": "<m@x.example>"})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["outcome"], found["reason"], found["links"]) == ("skipped", "unknown_people", [])
    [copy] = found["sightings"]
    assert copy["mailbox"] == "agent@contoso.example"
    assert copy["received_at"] == "2026-03-02T09:00:00Z"
    assert len(found["steps"]) == 1


@pytest.mark.parametrize(("query", "status"), [("", 422), ("?internet_message_id=%3C%3E", 422)])
def test_a_mail_that_is_not_named_is_not_explained(api: Api, issuer: Issuer, query: str, status: int) -> None:
    assert api.get(f"explain{query}", issuer.user("Admin")).status_code == status
