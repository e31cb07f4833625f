from dataclasses import replace

from bench.house import Shown, shown_of
from bench.instances import MODES, Run, Shape, failures
from bench.meter import Reading

PLAIN, GROUPS, _, KILLED = MODES


def a_run(operations: int, **more: object) -> Run:
    reading = Reading({"total": operations}, {}, {}, {}, 0)
    run = Run(PLAIN, 100, 10.0, reading, Shown(20, 20), "")
    return replace(run, **more)  # type: ignore[arg-type]


def test_a_backlog_that_costs_little_more_on_many_processes_is_well() -> None:
    assert failures([a_run(300), a_run(345, mode=GROUPS)], most=1.15) == []


def test_more_operations_than_allowed_are_named() -> None:
    assert failures([a_run(300), a_run(390, mode=GROUPS)], most=1.15) == ["a process a group: 1.30 times"]


def test_without_a_most_operations_are_shown_only() -> None:
    assert failures([a_run(300), a_run(3_000, mode=GROUPS)], most=0.0) == []


def test_what_a_killed_process_costs_is_allowed_what_it_loses_is_not() -> None:
    runs = [a_run(300), a_run(900, mode=KILLED, shown=Shown(20, 19, lost=1, doubled=2))]
    assert failures(runs, most=1.15) == [
        "two a group, one killed: 1 lost",
        "two a group, one killed: 2 doubled",
    ]


def test_a_thread_is_right_where_its_timeline_shows_each_mail_once_and_no_other() -> None:
    wanted = {"<a@x>", "<b@x>"}
    assert shown_of(wanted, ["<b@x>", "<a@x>"]) == Shown(threads=1, right=1)
    assert shown_of(wanted, ["<a@x>"]) == Shown(threads=1, lost=1)
    assert shown_of(wanted, ["<a@x>", "<b@x>", "<b@x>"]) == Shown(threads=1, right=1, doubled=1)
    assert shown_of(wanted, ["<a@x>", "<b@x>", "<c@x>"]) == Shown(threads=1)


def test_a_shape_counts_whole_threads() -> None:
    assert Shape("many", mailboxes=4, each=13).mails == 40
