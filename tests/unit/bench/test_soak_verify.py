"""The soak's verdict: whatever is lost, doubled or misplaced is seen."""

from collections.abc import Mapping

from bench.soak_report import Report
from bench.soak_script import Expected, Place
from bench.soak_verify import Findings, Seen, verify

HERE: Place = ("contoso.example", "contact/C1")
THERE: Place = ("contoso.example", "contact/C2")
ELSEWHERE: Place = ("northwind.example", "contact/C1")


def filed(**more: object) -> Expected:
    return Expected("#00001", "thread", must={HERE: 1}, message_ids={"<1@x>"}, **more)  # type: ignore[arg-type]


def skipped() -> Expected:
    return Expected("#00001", "stranger", message_ids={"<1@x>"})


def found(
    expected: Expected,
    entries: Mapping[Place, list[str]],
    rows: list[tuple[str, str]] | None = None,
    bodies: Mapping[str, int] | None = None,
) -> Findings:
    shown = {place: [(one, "synced") for one in subjects] for place, subjects in entries.items()}
    seen = Seen(shown, rows or [], bodies or {})
    return verify({expected.token: expected}, seen)


def counts(findings: Findings) -> tuple[int, int, int, int]:
    return len(findings.lost), len(findings.doubled), len(findings.wrong), len(findings.bodies)


def test_a_mail_where_it_must_be_is_right() -> None:
    rows = [("contoso.example", "re: offer #00001")]

    assert counts(found(filed(), {HERE: ["Offer #00001"]}, rows, {"<1@x>": 3})) == (0, 0, 0, 0)


def test_a_missing_row_is_lost() -> None:
    findings = found(filed(), {HERE: []})

    assert counts(findings) == (1, 0, 0, 0)
    assert findings.lost == ["#00001 (thread) on contoso.example/contact/C1: 0 of 1"]


def test_one_of_two_expected_rows_is_lost() -> None:
    expected = Expected("#00001", "list", must={HERE: 2})

    assert counts(found(expected, {HERE: ["[x] #00001"]})) == (1, 0, 0, 0)


def test_a_second_row_on_one_timeline_is_doubled() -> None:
    assert counts(found(filed(), {HERE: ["#00001", "[tag] #00001"]})) == (0, 1, 0, 0)


def test_a_second_stored_message_is_doubled() -> None:
    rows = [("contoso.example", "#00001"), ("contoso.example", "#00001")]

    assert counts(found(filed(), {HERE: ["#00001"]}, rows)) == (0, 1, 0, 0)


def test_a_row_on_another_record_is_wrong() -> None:
    assert counts(found(filed(), {HERE: ["#00001"], THERE: ["#00001"]})) == (0, 0, 1, 0)


def test_a_row_in_another_organisation_is_wrong() -> None:
    assert counts(found(filed(), {HERE: ["#00001"], ELSEWHERE: ["#00001"]})) == (0, 0, 1, 0)


def test_a_row_that_may_be_is_right_once() -> None:
    assert counts(found(filed(may={THERE}), {HERE: ["#00001"], THERE: ["#00001"]})) == (0, 0, 0, 0)
    assert counts(found(filed(may={THERE}), {HERE: ["#00001"], THERE: ["#00001"] * 2})) == (0, 1, 0, 0)


def test_a_skipped_mail_on_a_timeline_or_in_store_is_wrong() -> None:
    assert counts(found(skipped(), {HERE: ["#00001"]})) == (0, 0, 1, 0)
    assert counts(found(skipped(), {}, [("contoso.example", "#00001")])) == (0, 0, 1, 0)


def test_a_mail_that_nobody_wrote_is_wrong() -> None:
    assert counts(found(filed(), {HERE: ["#00001", "#00099", "no token"]})) == (0, 0, 2, 0)


def test_the_body_of_a_skipped_mail_that_was_read_is_told() -> None:
    assert counts(found(skipped(), {}, bodies={"<1@x>": 1})) == (0, 0, 0, 1)


def test_a_message_id_that_kept_mail_shares_does_not_tell_whose_body_was_read() -> None:
    other = Expected("#00002", "thread", must={HERE: 1}, message_ids={"<1@x>"})
    findings = verify(
        {"#00001": skipped(), "#00002": other}, Seen({HERE: [("#00002", "synced")]}, [], {"<1@x>": 1})
    )

    assert counts(findings) == (0, 0, 0, 0)


def test_an_answer_that_is_not_shown_as_a_reply_is_told() -> None:
    truth = {"#00001": filed(is_reply=True)}

    assert verify(truth, Seen({HERE: [("#00001", "reply")]}, [], {})).kinds == []
    assert len(verify(truth, Seen({HERE: [("#00001", "synced")]}, [], {})).kinds) == 1


def test_mail_deleted_early_is_counted_apart() -> None:
    expected = Expected("#00001", "deleted early", may={HERE})

    assert found(expected, {HERE: ["#00001"]}).deleted_early == {"filed": 1}
    assert found(expected, {HERE: []}).deleted_early == {"skipped": 1}
    assert counts(found(expected, {HERE: ["#00001", "#00001"]})) == (0, 1, 0, 0)


def test_a_report_fails_by_what_is_not_zero() -> None:
    report = Report()
    report.figure("mails", 1)
    report.zero("pending", 0)
    assert report.verdict == "PASSED"

    report.findings("After quiet", found(filed(), {HERE: []}))
    assert report.verdict == "FAILED: lost"
    assert "0 of 1" in str(report)
