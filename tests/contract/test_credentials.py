"""Accounts with their passwords: sealed for their row, moved to a new key, gone for good."""

from dataclasses import replace

import pytest

from shared.adapters.secrets.sealing import Sealer
from shared.adapters.storage.stores.credentials import AzureCredentials
from shared.domain import names
from shared.domain.connections.accounts import MailAccount, Server
from shared.domain.errors import Rejected
from tests.builders import NOW

PASSWORD = "päss wörd-Vestergaard"
OLD, NEW = bytes(range(32)), bytes(range(1, 33))


def an_account(tenant: str, mailbox_id: str = "box") -> MailAccount:
    return MailAccount(
        tenant,
        mailbox_id,
        "CONTOSO\\ann",
        Server("mail.contoso.example", 993),
        smtp=Server("smtp.contoso.example", 587, "starttls"),
        saved_at=NOW,
    )


class TestCredentials:
    def test_an_account_comes_back_as_it_was_and_its_password_beside_it(self, storage, tenant):
        assert storage.credentials.get(tenant, "box") is None
        storage.credentials.put(an_account(tenant), PASSWORD)
        found = storage.credentials.get(tenant, "box")
        assert replace(found, sealed="", etag="") == an_account(tenant)
        assert storage.credentials.password(found) == PASSWORD
        assert PASSWORD not in repr(found)
        assert found.sealed not in repr(found)

    def test_a_password_that_is_copied_to_another_row_opens_nothing(self, storage, tenant):
        kept = storage.credentials.put(an_account(tenant), PASSWORD)
        with pytest.raises(Rejected):
            storage.credentials.password(replace(kept, mailbox_id="other"))

    def test_new_credentials_replace_the_old_ones_and_their_refusals(self, storage, tenant):
        kept = storage.credentials.put(an_account(tenant), "wrong")
        storage.credentials.note(kept.after(refused=True))
        refused = storage.credentials.get(tenant, "box")
        assert (refused.refusals, refused.is_parked) == (1, False)
        storage.credentials.note(refused.after(refused=True))
        assert storage.credentials.get(tenant, "box").is_parked
        storage.credentials.put(an_account(tenant), PASSWORD)
        # Who tried the old one was slow.
        storage.credentials.note(refused.after(refused=True))
        found = storage.credentials.get(tenant, "box")
        assert (found.refusals, storage.credentials.password(found)) == (0, PASSWORD)

    def test_what_is_deleted_is_gone_and_is_not_noted_back(self, storage, tenant):
        kept = storage.credentials.put(an_account(tenant), PASSWORD)
        storage.credentials.delete(tenant, "box")
        storage.credentials.delete(tenant, "box")
        storage.credentials.note(kept.after(refused=True))
        assert storage.credentials.get(tenant, "box") is None


@pytest.mark.stack
class TestKeys:
    def test_a_password_moves_to_the_newest_key_when_it_is_used(self, azure, tenant):
        AzureCredentials(azure.connection, Sealer([OLD])).put(an_account(tenant), PASSWORD)
        both = AzureCredentials(azure.connection, Sealer([NEW, OLD]))
        assert both.password(both.get(tenant, "box")) == PASSWORD
        alone = AzureCredentials(azure.connection, Sealer([NEW]))
        assert alone.password(alone.get(tenant, "box")) == PASSWORD

    def test_nothing_of_a_password_is_readable_in_the_table(self, azure, tenant):
        azure.credentials.put(an_account(tenant), PASSWORD)
        rows = list(azure.connection.table(names.CREDENTIALS).query_entities(f"PartitionKey eq '{tenant}'"))
        assert len(rows) == 1
        assert PASSWORD.encode() not in b"".join(
            value for value in rows[0].values() if isinstance(value, bytes)
        )
        assert PASSWORD not in str(azure.credentials.get(tenant, "box").sealed)
