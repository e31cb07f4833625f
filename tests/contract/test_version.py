"""A storage account carries the version of its layout, and one of another version is refused with a sentence."""

import pytest

from shared.adapters.storage import version
from shared.adapters.storage.table import Table
from shared.adapters.storage.version import LAYOUT, STORE, refusal
from shared.domain import names
from tests.builders import an_organisation

pytestmark = pytest.mark.stack


@pytest.fixture(autouse=True)
def _unused(azure):
    """As provisioning leaves an account, and as the other tests of this process want it again."""
    for name in (names.ORGANISATIONS, names.RUNS):
        table = Table(azure.connection, name)
        for row in list(table.rows("PartitionKey ge ''")):
            table.delete(row["PartitionKey"], row["RowKey"])


def marked(azure, number):
    Table(azure.connection, names.RUNS).upsert({"PartitionKey": STORE, "RowKey": "layout", "version": number})


def test_an_empty_account_gets_the_mark_and_is_known_by_one_request_from_then_on(azure):
    assert refusal(azure.connection) == ""
    azure.organisations.put(an_organisation())
    azure.requests.clear()
    assert refusal(azure.connection) == ""
    assert azure.requests == ["GET 200"]


def test_an_account_of_before_the_mark_is_refused_and_not_marked(azure):
    azure.organisations.put(an_organisation())
    for _ in range(2):
        sentence = refusal(azure.connection)
        assert sentence.startswith(
            "The storage account holds data of layout 1, which this version cannot read"
        )
        assert "azd env new NAME" in sentence


def test_an_account_of_a_later_version_is_refused(azure):
    marked(azure, LAYOUT + 1)
    sentence = refusal(azure.connection)
    assert sentence.startswith(
        f"The storage account holds data of layout {LAYOUT + 1}, and this version reads"
    )
    assert "deploy the version that was deployed last" in sentence


def test_who_meets_the_first_organisation_of_another_process_reads_its_mark(azure, monkeypatch):
    """No mark yet; then the other process marks the account and takes an organisation in."""

    def used(_):
        marked(azure, LAYOUT)
        return True

    monkeypatch.setattr(version, "_is_used", used)
    assert refusal(azure.connection) == ""


def test_of_two_processes_that_mark_an_account_both_may_run(azure, monkeypatch):
    def used(_):
        marked(azure, LAYOUT)
        return False

    monkeypatch.setattr(version, "_is_used", used)
    assert refusal(azure.connection) == ""
