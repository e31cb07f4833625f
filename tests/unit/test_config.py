"""Settings: complete or refused as a whole, with every problem named."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from shared.config import SETTINGS, ConfigurationError, Settings
from tests.builders import TENANT

GOOD = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "POSTLEDGER_CLIENT_ID": "client",
    "POSTLEDGER_HOME_TENANT_ID": TENANT,
    "POSTLEDGER_CLIENT_SECRET": "secret",
    "POSTLEDGER_PUBLIC_URL": "https://app.contoso.example/",
    "POSTLEDGER_HASH_KEY": "0f" * 32,
    "POSTLEDGER_CODE_KEYS": f"{'1e' * 32}, {'2d' * 32}",
}


def test_a_whole_set_is_read() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.public_url == "https://app.contoso.example"
    assert settings.graph_url == "https://graph.microsoft.com"
    assert settings.hash_key == b"\x0f" * 32
    assert settings.code_keys == (b"\x1e" * 32, b"\x2d" * 32)


def test_every_missing_name_stands_in_one_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({})
    for name in GOOD:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"POSTLEDGER_HASH_KEY": "short"}, "64 hexadecimal digits"),
        ({"POSTLEDGER_CODE_KEYS": ""}, "POSTLEDGER_CODE_KEYS is missing"),
        ({"POSTLEDGER_CODE_KEYS": f"{'1e' * 32},short"}, "separated by commas"),
        ({"POSTLEDGER_TOKEN_KEYS": "0f" * 32 + ",short"}, "POSTLEDGER_TOKEN_KEYS must be keys of 64"),
        ({"POSTLEDGER_HOME_TENANT_ID": "contoso"}, "not a tenant id"),
        ({"POSTLEDGER_CERTIFICATE": "a.pem"}, "exactly one of"),
        ({"POSTLEDGER_CLIENT_SECRET": ""}, "exactly one of"),
        ({"POSTLEDGER_STORAGE": "blobs"}, "POSTLEDGER_STORAGE must be direct or sdk"),
        ({"POSTLEDGER_SETTLES_AFTER": "soon"}, "POSTLEDGER_SETTLES_AFTER must be a whole number of seconds"),
        ({"POSTLEDGER_SETTLES_AFTER": "599"}, "only over a simulator on this machine"),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Settings.from_environment({**GOOD, **change})


def test_three_endpoints_stand_for_a_connection_string() -> None:
    uris = {
        f"AzureWebJobsStorage__{one}ServiceUri": f"https://{one}.example"
        for one in ("blob", "queue", "table")
    }
    settings = Settings.from_environment({**GOOD, "AzureWebJobsStorage": "", **uris})
    assert settings.storage.queue_uri == "https://queue.example"


def test_storage_is_asked_directly_unless_the_setting_says_otherwise() -> None:
    assert Settings.from_environment(GOOD).storage.calls == "direct"
    assert Settings.from_environment({**GOOD, "POSTLEDGER_STORAGE": "SDK"}).storage.calls == "sdk"


def test_token_keys_are_split_the_newest_first_and_none_is_needed() -> None:
    assert Settings.from_environment(GOOD).token_keys == ()
    keys = {"POSTLEDGER_TOKEN_KEYS": f"{'0f' * 32}, {'1a' * 32}"}
    assert Settings.from_environment({**GOOD, **keys}).token_keys == (b"\x0f" * 32, b"\x1a" * 32)


def test_a_mail_settles_in_ten_minutes_and_sooner_only_over_a_simulator() -> None:
    assert Settings.from_environment(GOOD).settled_after == timedelta(minutes=10)
    longer = Settings.from_environment({**GOOD, "POSTLEDGER_SETTLES_AFTER": "900"})
    assert longer.settled_after == timedelta(minutes=15)
    simulated = {"POSTLEDGER_GRAPH_URL": "https://127.0.0.1:5000", "POSTLEDGER_SETTLES_AFTER": "40"}
    assert Settings.from_environment({**GOOD, **simulated}).settled_after == timedelta(seconds=40)


def test_origins_are_split() -> None:
    origins = {"POSTLEDGER_CORS_ORIGINS": "https://a.example, https://b.example,"}
    assert Settings.from_environment({**GOOD, **origins}).cors_origins == (
        "https://a.example",
        "https://b.example",
    )


def test_nobody_else_reads_the_environment_and_every_name_is_listed() -> None:
    root = Path(__file__).parents[2]
    for path in [*root.glob("shared/**/*.py"), root / "function_app.py"]:
        text = path.read_text("utf-8")
        if path.name != "config.py":
            assert not re.search(r"os\.(environ|getenv)", text), path
    read = set(re.findall(r"POSTLEDGER_[A-Z_]+", (root / "shared/config.py").read_text("utf-8")))
    assert read <= set(SETTINGS)
