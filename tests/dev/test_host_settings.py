from pathlib import Path

import pytest

from dev.host.configuration import HostError, QueueOptions, read_host_json
from dev.host.connections import Connections
from dev.host.functions import resolve
from dev.host.times import Times

ROOT = Path(__file__).resolve().parents[2]


def test_the_product_s_host_json_holds_the_values_chosen_on_purpose() -> None:
    options = read_host_json(ROOT / "host.json")
    assert options.route_prefix == "api"
    assert options.queues == QueueOptions(
        batch_size=8,
        new_batch_threshold=4,
        max_dequeue_count=10,
        visibility_timeout=10,
        max_polling_interval=1,
        base64=True,
    )


def test_what_host_json_leaves_out_has_the_host_s_defaults(tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text('{"version": "2.0"}')
    assert read_host_json(file).queues == QueueOptions(16, 8, 5, 0, 60, True)


def test_a_batch_that_storage_would_refuse_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text('{"extensions": {"queues": {"batchSize": 33}}}')
    with pytest.raises(HostError, match="batchSize must be 1 to 32"):
        read_host_json(file)


def test_settings_between_percent_signs_are_resolved_and_a_missing_one_is_named() -> None:
    assert resolve("%NIGHT% and %DAY%", {"NIGHT": "0 0 3 * * *", "DAY": "x"}) == "0 0 3 * * * and x"
    with pytest.raises(HostError, match="the app setting NIGHT is missing"):
        resolve("%NIGHT%", {})


def test_a_connection_is_a_connection_string_or_addresses_with_an_identity() -> None:
    by_address = Connections(
        {
            "Store__queueServiceUri": "https://store.queue.core.windows.net",
            "Store__blobServiceUri": "https://store.blob.core.windows.net",
            "Store__credential": "managedidentity",
            "Store__clientId": "00000000-0000-0000-0000-000000000001",
        }
    )
    assert by_address.queues("Store").url.startswith("https://store.queue.core.windows.net")
    assert by_address.blobs("Store").url.startswith("https://store.blob.core.windows.net")
    assert type(by_address.queues("Store").credential).__name__ == "ManagedIdentityCredential"
    emulator = Connections({"Store": "UseDevelopmentStorage=true"})
    assert emulator.queues("Store").url.startswith("http://127.0.0.1:10001/devstoreaccount1")
    with pytest.raises(HostError, match="neither Store nor Store__queueServiceUri is set"):
        Connections({}).queues("Store")


def test_the_host_s_times_are_the_real_ones_and_are_shortened_by_one_factor() -> None:
    assert Times() == Times(
        invisibility=600, lease=60, renewal=30, look=60, drain=10, first_wait=0.8, no_answer=100, share=1
    )
    assert Times.shortened(4) == Times(
        invisibility=150, lease=15, renewal=7.5, look=15, drain=2.5, first_wait=0.2, no_answer=25, share=0.25
    )
    product = read_host_json(ROOT / "host.json").queues.shortened(0.25)
    assert (product.visibility_timeout, product.max_polling_interval) == (3, 0.25)


@pytest.mark.parametrize("factor", [0.5, 5])
def test_times_that_storage_does_not_allow_are_refused(factor: float) -> None:
    with pytest.raises(HostError, match="storage leases for 15 s at least"):
        Times.shortened(factor)
