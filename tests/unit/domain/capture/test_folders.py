"""Folders: captured or not by well-known id or container class, in any language."""

import pytest

from shared.domain.capture.folders import EXCLUDED_WELL_KNOWN, Folder, FolderState, classify

WELL_KNOWN = {"i": "inbox", "s": "sentitems", "d": "drafts", "x": "deleteditems", "y": "syncissues"}


def told(*folders: Folder) -> dict[str, FolderState]:
    return {one.folder_id: one for one in classify(list(folders), WELL_KNOWN)}


def test_inbox_sent_items_and_folders_people_made_are_captured() -> None:
    states = told(Folder("i", "root"), Folder("s", "root"), Folder("p", "root"), Folder("q", "i"))
    assert {key: (one.kind, one.captured) for key, one in states.items()} == {
        "i": ("inbox", True),
        "s": ("sentitems", True),
        "p": ("folder", True),
        "q": ("folder", True),
    }


def test_a_folder_inside_an_excluded_one_is_excluded_with_it() -> None:
    states = told(Folder("x", "root"), Folder("old", "x"), Folder("older", "old"))
    assert [(one.kind, one.captured) for one in states.values()] == [("deleteditems", False)] * 3


@pytest.mark.parametrize(
    "container_class",
    [
        "IPF.Appointment",
        "IPF.Contact",
        "IPF.Task",
        "IPF.StickyNote",
        "IPF.Journal",
        "IPF.Note.OutlookHomepage",
    ],
)
def test_folders_that_hold_no_mail_are_told_by_their_class(container_class: str) -> None:
    state = told(Folder("f", "root", container_class))["f"]
    assert (state.kind, state.captured) == (container_class, False)


def test_a_folder_without_a_class_holds_mail() -> None:
    assert told(Folder("f", "root", ""))["f"].captured


def test_a_ring_of_parents_ends() -> None:
    assert told(Folder("a", "b"), Folder("b", "a"))["a"].captured


@pytest.mark.parametrize("name", EXCLUDED_WELL_KNOWN)
def test_every_excluded_well_known_folder_is_left_out(name: str) -> None:
    state = classify([Folder("f", "root")], {"f": name})[0]
    assert (state.kind, state.captured) == (name, False)
