"""What is work that is left: not the commands that wait for minutes because they are meant to."""

import json

from bench.soak_ledger import all_queues, waiting_on_purpose


def message(queue: str, **content: object) -> dict[str, str]:
    return {"queue": queue, "text": json.dumps(content)}


def test_a_second_look_that_waits_for_its_time_is_no_work_yet() -> None:
    postponed = [
        message("rematches", command="RematchMessages", attempt=0, turn=1),
        message("rematches", command="RematchMessages", attempt=0, turn=1),
        message("late-contacts", command="JoinLateContacts", attempt=0),
    ]

    assert waiting_on_purpose(postponed) == {"rematches": 2, "late-contacts": 1}


def test_what_failed_and_waits_to_be_tried_again_is_work() -> None:
    postponed = [message("mail-ingest", command="IngestMessages", attempt=7)]

    assert not waiting_on_purpose(postponed)


def test_poison_is_looked_into_as_well() -> None:
    assert {queue + "-poison" for queue in all_queues() if not queue.endswith("-poison")} < set(all_queues())
