"""What intake mailboxes answer: every version stays; and counters that count a thing once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import Conflict
from shared.domain.intake.acknowledgements import Acknowledgement, Counter, Template
from tests.builders import NOW

HOUR = timedelta(hours=1)
ENGLISH = Acknowledgement(True, "en", (Template("en", "Re: {subject}", text="We have it."),), version=1)


class TestAcknowledgements:
    def test_each_version_stays_and_the_last_one_holds(self, storage, tenant):
        assert storage.acknowledgements.get(tenant, "box") is None
        first = storage.acknowledgements.save(tenant, "box", ENGLISH)
        second = replace(first, enabled=False, version=2)
        storage.acknowledgements.save(tenant, "box", second)
        found = storage.acknowledgements.get(tenant, "box")
        assert replace(found, etag="") == replace(second, etag="")
        assert storage.acknowledgements.get(tenant, "box", 1).enabled
        assert storage.acknowledgements.get(tenant, "other") is None

    def test_who_saves_over_another_s_version_is_told(self, storage, tenant):
        storage.acknowledgements.save(tenant, "box", ENGLISH)
        with pytest.raises(Conflict):
            storage.acknowledgements.save(tenant, "box", replace(ENGLISH, version=2))

    def test_a_full_counter_is_named_and_then_nothing_counts(self, storage, tenant):
        pair, sender = Counter("pair", 1, HOUR), Counter("sender", 2, 24 * HOUR)
        count = storage.acknowledgements.count
        assert count(tenant, [pair, sender], "a", NOW) is None
        assert count(tenant, [pair, sender], "a", NOW) is None
        assert count(tenant, [pair, sender], "b", NOW) == pair
        assert count(tenant, [pair, sender], "b", NOW + HOUR) is None
        assert count(tenant, [pair, sender], "c", NOW + 2 * HOUR) == sender
        assert count(tenant, [pair], "d", NOW + 2 * HOUR) is None

    def test_tenants_count_apart(self, storage, tenant):
        counter = Counter("pair", 1, HOUR)
        assert storage.acknowledgements.count(tenant, [counter], "a", NOW) is None
        assert storage.acknowledgements.count(tenant[:-4] + "0000", [counter], "b", NOW) is None
