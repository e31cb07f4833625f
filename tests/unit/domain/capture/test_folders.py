"""Folders: captured or not by their role or by what they hold, in any language."""

import pytest

from shared.domain.capture.folders import CAPTURED, Folder, FolderState, Role, classify


def told(*folders: Folder) -> dict[str, FolderState]:
    return {state.folder_id: state for state in classify(folders)}


def test_inbox_sent_items_and_folders_people_made_are_captured() -> None:
    states = told(
        Folder("i", "root", Role.INBOX), Folder("s", "root", Role.SENT), Folder("p", "root"), Folder("q", "i")
    )
    assert {key: (state.kind, state.captured) for key, state in states.items()} == {
        "i": ("inbox", True),
        "s": ("sentitems", True),
        "p": ("folder", True),
        "q": ("folder", True),
    }


def test_a_folder_inside_an_excluded_one_is_excluded_with_it() -> None:
    states = told(Folder("x", "root", Role.TRASH), Folder("old", "x"), Folder("older", "old"))
    assert [(state.kind, state.captured) for state in states.values()] == [("deleteditems", False)] * 3


def test_the_nearest_reason_counts() -> None:
    states = told(Folder("x", "root", Role.TRASH), Folder("c", "x", holds="IPF.Contact"), Folder("d", "c"))
    assert [state.kind for state in states.values()] == ["deleteditems", "IPF.Contact", "IPF.Contact"]


def test_folders_that_hold_no_mail_are_told_by_what_they_hold() -> None:
    state = told(Folder("f", "root", holds="IPF.Appointment"))["f"]
    assert (state.kind, state.captured) == ("IPF.Appointment", False)


def test_a_ring_of_parents_ends() -> None:
    assert told(Folder("a", "b"), Folder("b", "a"))["a"].captured


@pytest.mark.parametrize("role", sorted(set(Role) - CAPTURED))
def test_every_folder_of_another_role_is_left_out(role: Role) -> None:
    state = classify([Folder("f", "root", role)])[0]
    assert (state.kind, state.captured, state.role) == (role.value, False, role)
