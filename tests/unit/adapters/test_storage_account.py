"""Where an account's services are."""

import pytest

from shared.adapters.storage.direct.account import Account
from shared.adapters.storage.direct.bearer import Bearer
from shared.adapters.storage.direct.client import opened
from shared.adapters.storage.direct.exchange import Service
from shared.adapters.storage.direct.shared_key import SharedKey
from shared.adapters.storage.settings import StorageSettings
from shared.domain.errors import Unavailable

KEY = "bm90aGluZw=="


def test_addresses_follow_from_the_account_and_its_cloud():
    account = Account.of_connection_string(
        f"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn"
    )
    assert account.address(Service.TABLE) == "https://acc.table.core.chinacloudapi.cn"
    assert account.address(Service.QUEUE) == "https://acc.queue.core.chinacloudapi.cn"
    assert (account.name, account.key) == ("acc", KEY)


def test_an_explicit_address_wins_and_loses_its_slash():
    account = Account.of_connection_string(
        f"AccountName=acc;AccountKey={KEY};TableEndpoint=http://127.0.0.1:9/acc/;"
    )
    assert account.address(Service.TABLE) == "http://127.0.0.1:9/acc"
    assert account.address(Service.BLOB) == "https://acc.blob.core.windows.net"


def test_the_emulator_has_a_short_name():
    account = Account.of_connection_string("UseDevelopmentStorage=true;")
    assert account.address(Service.BLOB) == "http://127.0.0.1:10000/devstoreaccount1"
    assert account.address(Service.TABLE) == "http://127.0.0.1:10002/devstoreaccount1"
    assert account.name == "devstoreaccount1"


def test_a_string_without_a_key_is_for_the_sdk():
    with pytest.raises(Unavailable, match="POSTLEDGER_STORAGE"):
        Account.of_connection_string("TableEndpoint=https://acc.example;SharedAccessSignature=sv=1")


def test_an_address_that_was_not_given_is_missed_when_it_is_needed():
    account = Account.of_addresses(table="https://acc.example/", queue="", blob="")
    assert account.address(Service.TABLE) == "https://acc.example"
    with pytest.raises(Unavailable, match="queue"):
        account.address(Service.QUEUE)


def test_the_key_stands_in_no_text():
    assert KEY not in repr(Account.of_connection_string(f"AccountName=acc;AccountKey={KEY}"))


def test_a_string_brings_a_key_and_addresses_an_identity():
    by_string = StorageSettings(f"AccountName=acc;AccountKey={KEY}")
    assert isinstance(opened(by_string, lambda: pytest.fail("no identity is asked"))[1], SharedKey)
    by_identity = StorageSettings(table_uri="https://acc.table.core.windows.net")
    assert isinstance(opened(by_identity, lambda: None)[1], Bearer)


def test_a_token_never_travels_in_clear_text():
    settings = StorageSettings(table_uri="https://acc.example", queue_uri="http://acc.example")
    with pytest.raises(Unavailable, match="HTTPS"):
        opened(settings, lambda: pytest.fail("no token is asked for"))
