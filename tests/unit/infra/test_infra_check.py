"""What `make infra` takes for a problem."""

from typing import Any

from dev.infra_check import judge

EXCUSED = [{"check": "CKV_1", "resource": "a.b", "reason": "because"}]


def report(*failed: tuple[str, str], parsing_errors: int = 0, resources: int = 9) -> dict[str, Any]:
    checks = [
        {"check_id": check, "resource": resource, "file_path": "/main.bicep", "check_name": "be safe"}
        for check, resource in failed
    ]
    summary = {"parsing_errors": parsing_errors, "resource_count": resources}
    return {"summary": summary, "results": {"failed_checks": checks}}


def test_a_finding_with_a_reason_is_no_problem() -> None:
    assert judge(report(("CKV_1", "a.b")), EXCUSED) == []


def test_a_finding_without_a_reason_is_one() -> None:
    assert judge(report(("CKV_1", "a.b"), ("CKV_1", "a.c")), EXCUSED) == ["/main.bicep: CKV_1 a.c: be safe"]


def test_a_reason_without_a_finding_is_one() -> None:
    assert judge(report(), EXCUSED) == ["CKV_1 a.b is excused, but not found any more"]


def test_a_file_that_could_not_be_parsed_is_one() -> None:
    [problem] = judge(report(("CKV_1", "a.b"), parsing_errors=1), EXCUSED)
    assert problem.startswith("checkov could not parse everything")


def test_a_run_that_saw_nothing_is_one() -> None:
    [problem] = judge(report(("CKV_1", "a.b"), resources=0), EXCUSED)
    assert problem.startswith("checkov could not parse everything")
