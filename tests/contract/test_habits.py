"""What tenants showed of the provider's habits: a row each, the last one counts."""

from datetime import timedelta

import pytest

from shared.domain import names
from shared.domain.connections.habits import Habit, Learnt
from tests.builders import NOW, an_organisation

TAKEN = Learnt(Habit.MAIL_WITH_ATTACHMENTS, holds=True, at=NOW)
REFUSED = Learnt(Habit.CHANGES_WITH_PROPERTIES, holds=False, at=NOW + timedelta(microseconds=1))


class TestHabits:
    def test_what_was_learnt_comes_back_by_habit(self, storage, tenant):
        assert storage.habits.of(tenant) == {}
        storage.habits.put(tenant, [TAKEN, REFUSED])
        assert storage.habits.of(tenant) == {TAKEN.habit: TAKEN, REFUSED.habit: REFUSED}

    def test_what_is_learnt_later_replaces_its_own_habit_alone(self, storage, tenant):
        storage.habits.put(tenant, [TAKEN, REFUSED])
        later = Learnt(TAKEN.habit, holds=False, at=NOW + timedelta(days=1))
        storage.habits.put(tenant, [later])
        assert storage.habits.of(tenant) == {TAKEN.habit: later, REFUSED.habit: REFUSED}

    def test_nothing_learnt_is_no_error(self, storage, tenant):
        storage.habits.put(tenant, [])
        assert storage.habits.of(tenant) == {}

    def test_tenants_keep_to_themselves_and_to_their_settings(self, storage, tenant):
        other = tenant[:-4] + "0000"
        organisation = storage.organisations.put(an_organisation(tenant_id=tenant))
        storage.habits.put(tenant, [TAKEN])
        storage.habits.put(other, [REFUSED])
        assert storage.habits.of(tenant) == {TAKEN.habit: TAKEN}
        assert storage.organisations.get(tenant) == organisation
        mine = [found for found in storage.organisations.all() if found.tenant_id in (tenant, other)]
        assert mine == [organisation]


@pytest.mark.stack
def test_a_habit_that_only_a_newer_version_knows_is_passed_over(azure, tenant):
    azure.habits.put(tenant, [TAKEN])
    row = {"PartitionKey": tenant, "RowKey": "habit:of_later", "holds": True, "at": NOW}
    azure.connection.table(names.ORGANISATIONS).create_entity(row)
    assert azure.habits.of(tenant) == {TAKEN.habit: TAKEN}
