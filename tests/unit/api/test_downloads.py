"""Headers of attachments: names and types that senders chose are not believed."""

import pytest

from shared.api.downloads import file_name, headers_of, media_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plan.pdf", "attachment; filename=\"plan.pdf\"; filename*=UTF-8''plan.pdf"),
        (
            "Plan für B.pdf",
            "attachment; filename=\"Plan fur B.pdf\"; filename*=UTF-8''Plan%20f%C3%BCr%20B.pdf",
        ),
        ("契約", "attachment; filename=\"attachment\"; filename*=UTF-8''%E5%A5%91%E7%B4%84"),
        (
            'a"; filename="b.exe',
            "attachment; filename=\"a filename_b.exe\"; filename*=UTF-8''a%20filename%3Db.exe",
        ),
    ],
)
def test_a_name_is_spelled_for_old_and_new_clients(name: str, expected: str) -> None:
    assert headers_of(name, "application/pdf")["Content-Disposition"] == expected


@pytest.mark.parametrize(
    "name",
    [
        "a\r\nSet-Cookie: x=1.pdf",
        'quote".pdf',
        "../../etc/passwd",
        "C:\\Windows\\evil.exe",
        "gnp.\u202eexe",
        "\x00\x01",
        "",
        "...",
        "\ud800.pdf",
    ],
)
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    for value in headers_of(name, "text/html\r\nX: y").values():
        value.encode("latin-1")
        assert not any(char in value for char in "\r\n\0")
        assert value.count('"') in (0, 2)
    assert not any(char in file_name(name) for char in '/\\"\u202e')


def test_a_path_is_cut_to_its_last_part() -> None:
    assert file_name("C:\\Windows\\evil.exe") == "evil.exe"
    assert file_name("../../etc/passwd") == "passwd"


def test_a_long_name_keeps_its_extension() -> None:
    assert file_name("x" * 500 + ".docx") == "x" * 145 + ".docx"
    assert len(file_name("x" * 500)) == 150


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("Image/PNG; name=x.png", "image/png"),
        ("application/pdf", "application/pdf"),
    ],
)
def test_only_harmless_types_are_passed_on(given: str, served: str) -> None:
    assert media_type(given) == served


def test_only_images_are_shown_in_place() -> None:
    assert headers_of("a.png", "image/png")["Content-Disposition"].startswith("inline")
    for other in ("application/pdf", "text/plain", "image/svg+xml"):
        assert headers_of("a", other)["Content-Disposition"].startswith("attachment")
