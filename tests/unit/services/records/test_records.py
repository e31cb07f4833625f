"""Loading records: what is asked of the index, and what a line that cannot be stored does."""

import json

from tests.builders import AGENT, TENANT, an_organisation
from tests.composed import use_cases_over
from tests.fakes import FakePorts


def load(storage: FakePorts, *rows: dict[str, object]) -> list[str]:
    """The refusals, a line each."""
    body = "\r\n".join(json.dumps(one) for one in rows).encode()
    return [one.refusal for one in use_cases_over(storage).load_records(TENANT, body).results]


def test_staff_is_looked_up_once_for_all_lines() -> None:
    storage = FakePorts()
    rows = [{"kind": "contact", "id": f"C-{n}", "addresses": [f"c{n}@x.example"]} for n in range(200)]
    assert load(storage, *rows) == [""] * 200
    assert storage.faults.reads.count("RecordIndex.staff_among") == 1
    assert storage.faults.writes == ["Records.write"]


def test_a_record_too_long_to_store_is_refused_alone() -> None:
    storage = FakePorts()
    many = [f"{'x' * 50}{number}@fabrikam.example" for number in range(900)]
    refusals = load(
        storage,
        {"kind": "contact", "id": "C-1", "addresses": many},
        {"kind": "contact", "id": "C-2", "addresses": many[:300]},
    )
    assert "too long" in refusals[0]
    assert refusals[1] == ""
    assert [ref.id for _, ref in storage.records.rows] == ["C-2"]


def test_a_refused_line_does_not_replace_a_good_one_before_it() -> None:
    storage = FakePorts()
    storage.organisations.put(an_organisation())
    refusals = load(
        storage,
        {"kind": "contact", "id": "C-1", "name": "good"},
        {"kind": "contact", "id": "C-1", "name": "bad", "addresses": [AGENT]},
    )
    assert [bool(one) for one in refusals] == [False, True]
    assert [one.name for one in storage.records.rows.values()] == ["good"]


def test_an_empty_body_writes_nothing() -> None:
    storage = FakePorts()
    assert load(storage) == []
    assert storage.faults.writes == []
