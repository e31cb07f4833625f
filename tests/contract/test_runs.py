"""The agenda's runs: claimed by one worker, ended by the same, whatever answers are lost."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.domain.commands.agenda import Run
from tests.builders import NOW


@pytest.fixture
def run():
    """Of an item that no other test has: the whole table has one partition."""
    return Run(f"item {uuid4()}", NOW, NOW + timedelta(seconds=1), "first")


def stored(storage, run):
    return next((found for found in storage.runs.all() if found.item == run.item), None)


class TestRuns:
    def test_a_claim_comes_back_as_it_was_made(self, storage, run):
        assert stored(storage, run) is None
        claimed = storage.runs.claim(run)
        assert claimed.etag
        assert stored(storage, run) == claimed == replace(run, etag=claimed.etag)

    def test_an_ended_run_says_when_and_in_what(self, storage, run):
        claimed = storage.runs.claim(run)
        storage.runs.end(replace(claimed, finished=NOW + timedelta(minutes=1)))
        found = stored(storage, run)
        assert (found.finished, found.error) == (NOW + timedelta(minutes=1), "")
        claimed = storage.runs.claim(replace(found, by="second", finished=None))
        storage.runs.end(replace(claimed, error="Unavailable"))
        found = stored(storage, run)
        assert (found.finished, found.error, found.by) == (None, "Unavailable", "second")

    def test_of_two_claims_upon_one_reading_one_is_given(self, storage, run):
        assert storage.runs.claim(run) is not None
        assert storage.runs.claim(replace(run, by="second")) is None
        read = stored(storage, run)
        assert storage.runs.claim(replace(read, by="second")) is not None
        assert storage.runs.claim(replace(read, by="third")) is None
        assert stored(storage, run).by == "second"

    def test_who_was_taken_over_ends_nothing(self, storage, run):
        claimed = storage.runs.claim(run)
        other = storage.runs.claim(replace(claimed, by="second"))
        storage.runs.end(replace(claimed, finished=NOW))
        assert stored(storage, run) == other

    def test_a_claim_whose_answer_was_lost_is_found_as_its_own(self, storage, run):
        """It was written, then tried again, and met itself."""
        claimed = storage.runs.claim(run)
        assert storage.runs.claim(run) == claimed
        again = replace(claimed, by="second", due=NOW + timedelta(minutes=1))
        second = storage.runs.claim(again)
        assert storage.runs.claim(again) == second
