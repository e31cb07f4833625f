"""Each agent's list of notices: newest first by the order of writing, one for each mail, counted beside it."""

from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.storage.stores import notices as stored
from shared.adapters.storage.table import Operation, Table
from shared.domain import names
from shared.domain.notices.notices import Notice
from tests.builders import NOW, a_ref
from tests.builders import a_notice as build_notice

ANN, BEN = "aaaaaaaa-1111-4111-8111-111111111111", "bbbbbbbb-1111-4111-8111-111111111111"


def a_notice(number: int = 1, agent: str = ANN, **changes: Any) -> Notice:
    fields = {"agent": agent, "message_key": f"{number:032x}", "subject": f"Subject {number}", **changes}
    return build_notice(**fields)


def listed(storage, tenant, agent=ANN, limit=10, after=""):
    notices, last = storage.notices.page(tenant, agent, limit=limit, after=after)
    return [notice.subject for notice in notices], last


def newest(storage, tenant, agent=ANN):
    return storage.notices.page(tenant, agent, limit=1, after="")[0][0]


class TestNotices:
    def test_they_are_listed_newest_first_and_counted(self, storage, tenant):
        for number in (1, 2, 3):
            storage.notices.add(tenant, a_notice(number))
        assert storage.notices.count(tenant, ANN) == 3
        subjects, last = listed(storage, tenant, limit=2)
        assert subjects == ["Subject 3", "Subject 2"]
        assert listed(storage, tenant, limit=2, after=last) == (["Subject 1"], "")
        found = newest(storage, tenant)
        assert found == a_notice(3, id=found.id)

    def test_each_agent_has_an_own_list(self, storage, tenant):
        storage.notices.add(tenant, a_notice(1))
        mine = newest(storage, tenant)
        storage.notices.add(tenant, a_notice(1, BEN))
        storage.notices.add(tenant, a_notice(2, BEN))
        assert (storage.notices.count(tenant, ANN), storage.notices.count(tenant, BEN)) == (1, 2)
        assert storage.notices.count(tenant, "nobody") == 0
        assert storage.notices.told(tenant, "nobody", mine.id) is None
        assert storage.notices.told(tenant, BEN, newest(storage, tenant, BEN).id).stands
        assert storage.notices.told(tenant, ANN, newest(storage, tenant, BEN).id) is None

    def test_a_mail_has_one_notice_ever(self, storage, tenant):
        for _ in range(2):
            storage.notices.add(tenant, a_notice(1))
        assert storage.notices.count(tenant, ANN) == 1
        found = newest(storage, tenant)
        assert storage.notices.dismiss(tenant, ANN, found.id)
        assert not storage.notices.dismiss(tenant, ANN, found.id)
        storage.notices.add(tenant, a_notice(1))
        assert storage.notices.count(tenant, ANN) == 0
        told = storage.notices.told(tenant, ANN, found.id)
        assert (told.message_key, told.stands) == (found.message_key, False)

    def test_one_that_comes_in_meanwhile_is_not_dismissed_with_those_that_were_seen(self, storage, tenant):
        for number in (1, 2):
            storage.notices.add(tenant, a_notice(number))
        seen = newest(storage, tenant)
        # Its mail is older than all that were seen: it was late.
        storage.notices.add(tenant, a_notice(3, at=NOW.replace(year=2020)))
        dismissed = storage.notices.dismiss_until(tenant, ANN, seen.id)
        assert {notice.subject for notice in dismissed} == {"Subject 1", "Subject 2"}
        assert storage.notices.dismiss_until(tenant, ANN, seen.id) == []
        assert listed(storage, tenant) == (["Subject 3"], "")
        assert storage.notices.count(tenant, ANN) == 1

    def test_many_go_in_several_turns(self, storage, tenant):
        for number in range(1, 96):
            storage.notices.add(tenant, a_notice(number))
        seen = newest(storage, tenant)
        assert len(storage.notices.dismiss_until(tenant, ANN, seen.id)) == 90
        assert storage.notices.count(tenant, ANN) == 5
        assert len(storage.notices.dismiss_until(tenant, ANN, seen.id)) == 5
        assert storage.notices.count(tenant, ANN) == 0

    def test_a_notice_follows_its_mail(self, storage, tenant):
        storage.notices.add(tenant, a_notice(1))
        moved = a_notice(1, records=(a_ref("property/P-1"),), subject="Anew")
        storage.notices.refresh(tenant, moved)
        found = newest(storage, tenant)
        assert found == replace(moved, id=found.id)
        storage.notices.dismiss(tenant, ANN, found.id)
        storage.notices.refresh(tenant, moved)
        storage.notices.refresh(tenant, a_notice(2))
        assert storage.notices.count(tenant, ANN) == 0
        assert listed(storage, tenant) == ([], "")

    @pytest.mark.parametrize("for_good", [True, False])
    def test_a_notice_goes_with_its_mail(self, storage, tenant, for_good):
        storage.notices.add(tenant, a_notice(1))
        found = newest(storage, tenant)
        for _ in range(2):
            storage.notices.take_away(tenant, ANN, found.message_key, for_good=for_good)
        assert storage.notices.count(tenant, ANN) == 0
        assert (storage.notices.told(tenant, ANN, found.id) is None) is for_good
        storage.notices.add(tenant, a_notice(1))
        assert storage.notices.count(tenant, ANN) == for_good


def test_the_count_and_a_page_cost_two_requests_however_many_there_are(azure, tenant):
    def cost() -> list[str]:
        asked: list[str] = []
        table = azure.notices._table
        kept, rows, get = table, table.rows, table.get
        table.rows = lambda *given, **named: asked.append("rows") or rows(*given, **named)
        table.get = lambda *given, **named: asked.append("get") or get(*given, **named)
        try:
            azure.notices.count(tenant, ANN)
            azure.notices.page(tenant, ANN, limit=5, after="")
        finally:
            del kept.rows, kept.get
        return asked

    for number in range(10):
        azure.notices.add(tenant, a_notice(number))
    few = cost()
    for number in range(10, 150):
        azure.notices.add(tenant, a_notice(number))
    assert cost() == few == ["get", "rows"]
    assert azure.notices.count(tenant, ANN) == 150


@pytest.mark.parametrize("azure", ["direct"], indirect=True)
def test_a_count_and_a_page_cost_the_same_with_ten_as_with_ten_thousand(azure, tenant):
    """Laid down a hundred rows at once, as they stand after as many single ones."""
    table, partition = Table(azure.connection, names.NOTICES), stored._partition(tenant, ANN)

    def reads() -> int:
        azure.requests.clear()
        azure.notices.count(tenant, ANN)
        azure.notices.page(tenant, ANN, limit=50, after="")
        return len(azure.requests)

    for number in range(1, 11):
        azure.notices.add(tenant, a_notice(number))
    few = reads()
    rows = []
    for number in range(11, 10_001):
        notice = a_notice(number)
        rows += [stored._row(partition, notice, number), stored._mark(partition, notice, number)]
    for group in range(0, len(rows), 100):
        table.transact([Operation("create", row) for row in rows[group : group + 100]])
    table.merge({"PartitionKey": partition, "RowKey": "~count", "count": 10_000, "last": 10_000})
    assert azure.notices.count(tenant, ANN) == 10_000
    subjects, last = listed(azure, tenant, limit=50)
    assert (subjects[0], len(subjects), bool(last)) == ("Subject 10000", 50, True)
    assert reads() == few == 2
