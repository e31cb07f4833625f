"""Notices, in memory."""

from dataclasses import replace

from shared.domain.notices.notices import Notice
from shared.ports.stores.notices import Told
from tests.fakes.faults import Faults

_TOGETHER = 90


class FakeNotices:
    """`rows` by agent: each notice that stands, by id. `marks`: the id of the notice that a mail has had."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], dict[str, Notice]] = {}
        self.marks: dict[tuple[str, str], dict[str, str]] = {}
        self.numbers: dict[tuple[str, str], int] = {}

    def add(self, tenant_id: str, notice: Notice) -> None:
        with self.faults.write("Notices.add"):
            place = tenant_id, notice.agent
            if notice.message_key in self.marks.get(place, {}):
                return
            self.numbers[place] = self.numbers.get(place, 0) + 1
            notice_id = f"{10**15 - 1 - self.numbers[place]:015d}-{notice.message_key}"
            self.marks.setdefault(place, {})[notice.message_key] = notice_id
            self.rows.setdefault(place, {})[notice_id] = replace(notice, id=notice_id)

    def refresh(self, tenant_id: str, notice: Notice) -> None:
        with self.faults.write("Notices.refresh"):
            place = tenant_id, notice.agent
            notice_id = self.marks.get(place, {}).get(notice.message_key, "")
            if notice_id in self.rows.get(place, {}):
                self.rows[place][notice_id] = replace(notice, id=notice_id)

    def take_away(self, tenant_id: str, agent: str, message_key: str, *, for_good: bool) -> None:
        with self.faults.write("Notices.take_away"):
            place = tenant_id, agent
            self.rows.get(place, {}).pop(self.marks.get(place, {}).get(message_key, ""), None)
            if for_good:
                self.marks.get(place, {}).pop(message_key, None)

    def count(self, tenant_id: str, agent: str) -> int:
        self.faults.read("Notices.count")
        return len(self.rows.get((tenant_id, agent), {}))

    def page(self, tenant_id: str, agent: str, *, limit: int, after: str) -> tuple[list[Notice], str]:
        self.faults.read("Notices.page")
        found = [notice for notice in self.of(tenant_id, agent) if notice.id > after]
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def told(self, tenant_id: str, agent: str, notice_id: str) -> Told | None:
        self.faults.read("Notices.told")
        place, key = (tenant_id, agent), notice_id.partition("-")[2]
        if self.marks.get(place, {}).get(key) != notice_id:
            return None
        return Told(notice_id, key, notice_id in self.rows.get(place, {}))

    def dismiss(self, tenant_id: str, agent: str, notice_id: str) -> bool:
        with self.faults.write("Notices.dismiss"):
            return self.rows.get((tenant_id, agent), {}).pop(notice_id, None) is not None

    def dismiss_until(self, tenant_id: str, agent: str, notice_id: str) -> list[Notice]:
        with self.faults.write("Notices.dismiss_until"):
            found = [notice for notice in self.of(tenant_id, agent) if notice.id >= notice_id][:_TOGETHER]
            for notice in found:
                del self.rows[tenant_id, agent][notice.id]
            return found

    def of(self, tenant_id: str, agent: str) -> list[Notice]:
        """An agent's notices, newest first: for tests."""
        rows = self.rows.get((tenant_id, agent), {})
        return [rows[key] for key in sorted(rows)]
