"""What is said about a deployment before Azure is asked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dev import deploy_check
from dev.deploy_check import environment_of, package_problems, rules_by_setting, setting_problems
from dev.processes import PATIENCE

INFRA = Path(__file__).resolve().parents[3] / "infra"


def test_every_setting_of_the_templates_has_a_rule() -> None:
    rules = rules_by_setting(INFRA)
    assert rules["POSTLEDGER_INSTANCE_MEMORY"].allowed == ("512", "2048", "4096")
    assert (rules["POSTLEDGER_LOG_DAYS"].least, rules["POSTLEDGER_LOG_DAYS"].most) == (30, 730)
    assert rules["POSTLEDGER_VNET"].type == "bool"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("POSTLEDGER_INSTANCE_MEMORY", "1024", "must be one of 512, 2048, 4096; it is 1024"),
        ("POSTLEDGER_LOG_DAYS", "7", "must be at least 30; it is 7"),
        ("POSTLEDGER_ALWAYS_READY", "21", "must be at most 20; it is 21"),
        ("POSTLEDGER_BUDGET", "fifty", "must be a whole number; it is fifty"),
        ("POSTLEDGER_VNET", "yes", "must be true or false; it is yes"),
        ("POSTLEDGER_CREDENTAIL", "secret", "is set, but nothing reads it: is the name misspelt?"),
    ],
)
def test_a_value_that_the_templates_would_refuse_is_told(name: str, value: str, told: str) -> None:
    assert list(setting_problems({name: value})) == [f"{name} {told}"]


def test_what_azd_and_the_scripts_keep_is_no_mistake() -> None:
    kept = {
        "AZURE_LOCATION": "swedencentral",
        "POSTLEDGER_API_URL": "https://func.example/api/v1",
        "POSTLEDGER_CLIENT_ID": "client",
        "POSTLEDGER_BUDGET_START": "2026-01-01",
        "POSTLEDGER_INSTANCE_MEMORY": "2048",
        "POSTLEDGER_CORS_ORIGINS": "",
    }
    assert list(setting_problems(kept)) == []


def test_the_settings_of_azd_s_default_environment_are_read(tmp_path: Path) -> None:
    assert environment_of(tmp_path) == {}
    (tmp_path / "config.json").write_text(json.dumps({"version": 1, "defaultEnvironment": "trial"}))
    assert environment_of(tmp_path) == {}
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / ".env").write_text('POSTLEDGER_VNET="true"\nAZURE_ENV_NAME=trial\n')
    assert environment_of(tmp_path) == {"POSTLEDGER_VNET": "true", "AZURE_ENV_NAME": "trial"}


def test_it_needs_no_package() -> None:
    code = "import dev.deploy_check"
    subprocess.run([sys.executable, "-S", "-c", code], cwd=INFRA.parent, check=True, timeout=PATIENCE)


def test_this_repository_could_be_packed() -> None:
    assert list(package_problems()) == []


def test_what_is_missing_or_left_out_of_the_package_is_told(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "names.json").write_text("{}")
    (tmp_path / ".funcignore").write_text("shared/\n")
    problems = list(package_problems(tmp_path))
    assert ".funcignore leaves out shared/, without which nothing runs" in problems
    assert "host.json is missing" in problems
    assert any("python -m dev.infra_names" in problem for problem in problems)


def test_a_tool_that_is_missing_or_old_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, version in {
        "az": "2.59.0",
        "azd": "1.24.0",
        "bash": "5",
        "curl": "8",
        "gh": "2.70.0",
        "git": "2",
    }.items():
        tool = tmp_path / name
        tool.write_text(f'#!/bin/sh\necho "{name} version {version}"\n')
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(deploy_check.tool_problems()) == [
        "az is 2.59.0; 2.60 or newer is needed",
        "openssl is not installed; docs/deployment.md, 'What you need', says where it is from",
    ]
