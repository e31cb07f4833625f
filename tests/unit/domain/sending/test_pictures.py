"""Pictures within the HTML become inline parts, and nothing else of it changes."""

from base64 import b64encode

import pytest

from shared.domain.sending.pictures import MOST_PICTURES, Pictured, without_data
from tests.cpu import check_cost

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
DATA = b64encode(PNG).decode()
DOMAIN = "harbour.example"


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="data:image/png;base64,{}">',
        "<img alt='a' src='data:image/png;base64,{}' width=3>",
        '<IMG  SRC = "DATA:image/PNG;base64,{}"/>',
        "<img src=data:image/png;base64,{}>",
        "<img src=data:image/png;base64,{} alt=b>",
    ],
)
def test_a_picture_is_named_by_its_content_id(tag: str) -> None:
    found = without_data(f"<p>See:</p>{tag.format(DATA)}<p>Thanks</p>", DOMAIN)
    [file] = found.files
    assert (file.content, file.content_type) == (PNG, "image/png")
    assert file.content_id.endswith("@harbour.example")
    assert file.name.endswith(".png")
    assert f"cid:{file.content_id}" in found.html
    assert "data:" not in found.html.lower()
    assert found.html.startswith("<p>See:</p>")
    assert found.html.endswith("<p>Thanks</p>")


def test_only_the_address_changes() -> None:
    html = f'<img alt="a &amp; b" src="data:image/jpeg;base64,{DATA}" width=3>\n'
    found = without_data(html, DOMAIN)
    assert found.html.replace(f"cid:{found.files[0].content_id}", f"data:image/jpeg;base64,{DATA}") == html
    assert found.files[0].name.endswith(".jpg")


def test_lines_and_escapes_within_the_data_are_none_of_it() -> None:
    wrapped = f"{DATA[:40]}\r\n {DATA[40:]}".replace("+", "%2B").replace("=", "%3D")
    assert without_data(f'<img src="data:image/png;base64,{wrapped}">', DOMAIN).files[0].content == PNG


def test_the_same_picture_is_sent_once_and_others_in_their_order() -> None:
    other = b64encode(PNG + b"x").decode()
    html = "".join(f'<img src="data:image/png;base64,{data}">' for data in (DATA, other, DATA))
    found = without_data(html, DOMAIN)
    assert [file.content for file in found.files] == [PNG, PNG + b"x"]
    assert without_data(html, DOMAIN) == found


@pytest.mark.parametrize(
    "html",
    [
        "<p>data:image/png;base64,AAAA</p>",
        '<img src="data:image/png;base64,AAA">',
        '<img src="data:image/png;base64,">',
        '<img src="data:text/html;base64,AAAA">',
        '<img src="data:image/svg+xml,%3Csvg%3E">',
        '<img src="https://x.example/data:image/png;base64,AAAA">',
        '<a href="data:image/png;base64,AAAA">x</a>',
    ],
)
def test_what_is_no_picture_stays(html: str) -> None:
    assert without_data(html, DOMAIN) == Pictured(html)


def test_of_very_many_pictures_the_first_ones_are_taken() -> None:
    tags = [
        f'<img src="data:image/png;base64,{b64encode(PNG + bytes([n, n >> 8])).decode()}">'
        for n in range(210)
    ]
    found = without_data("".join(tags), DOMAIN)
    assert len(found.files) == MOST_PICTURES
    assert found.html.count("data:") == 10


def test_large_and_broken_markup_costs_little() -> None:
    large = b64encode(b"x" * 3_000_000).decode()
    check_cost(lambda: without_data(f'<img src="data:image/png;base64,{large}">', DOMAIN), at_most=3)
    check_cost(lambda: without_data(f'<img src="data:image/png;base64,{large}', DOMAIN), at_most=3)
    check_cost(lambda: without_data("<img " * 100_000 + "data:", DOMAIN), at_most=10)
