"""What a reader may see of an HTML mail: nothing that runs, loads from elsewhere or leaves its box."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.mail import html
from shared.domain.mail.html import SafeHtml, safe_html
from tests.cpu import check_cost
from tests.html_audit import faults

_BLOCKS = (Path(__file__).parents[3] / "fixtures" / "xss.txt").read_text(encoding="utf-8").split("\n\n# ")[1:]
ATTACKS = {name: attack.rstrip("\n") for name, _, attack in (one.partition("\n") for one in _BLOCKS)}
VECTORS = list(ATTACKS.values())


def shown(source: str, *, remote_images: bool = False) -> SafeHtml:
    return safe_html(source, remote_images=remote_images, cid_url=lambda content_id: f"/inline/{content_id}")


def test_there_are_many_attacks_each_with_a_name_of_its_own() -> None:
    assert len(ATTACKS) == len(_BLOCKS) == 139


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_nothing_of_an_attack_survives(attack: str) -> None:
    assert faults(shown(attack).html) == []


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_nothing_of_an_attack_survives_in_a_chain_wherever_that_begins(attack: str) -> None:
    for start in range(0, len(attack), max(1, len(attack) // 4)):
        result = safe_html(attack, cid_url=lambda _: None, quote=html.Quote(start, folded=start % 2 == 0))
        assert faults(result.html, places=("div",)) == [], start


def test_nothing_survives_of_all_attacks_together() -> None:
    assert faults(shown("\n".join(VECTORS)).html) == []


@settings(deadline=None)
@given(st.lists(st.sampled_from(VECTORS) | st.text(max_size=20), max_size=6))
def test_nothing_survives_of_attacks_cut_together(parts: list[str]) -> None:
    first = shown("".join(part[: len(part) * 3 // 4] for part in parts))
    assert faults(first.html, places=("div",)) == []
    assert faults(shown(first.html).html, places=("div",)) == []


@pytest.mark.parametrize(
    "attack",
    [
        "<p onclick=alert(1)>",
        '<img src="https://evil.example/x">',
        '<div style="background:url(x)">',
        "<svg>",
        "<a href='javascript:x'>x</a>",
        "<a href='https://x.example'>x</a>",
        "<p id=location>x</p>",
        "<details open>x</details>",
        "<div style='position:fixed'>x</div>",
        "<div style='margin:-5px'>x</div>",
        "<div style='width:calc(1px)'>x</div>",
        "<div style='color:red {'>x</div>",
        '<img src="data:image/svg+xml;base64,x">',
        "<!-- x -->",
        "<math></math>",
    ],
)
def test_the_audit_of_these_tests_would_notice(attack: str) -> None:
    assert faults(attack)


def test_a_declaration_with_a_brace_is_left_out() -> None:
    result = shown("<div style='color:red; margin:1px {'>x</div>")
    assert result.html == '<div style="color:red">x</div>'


def test_remote_images_are_left_out_and_named_and_their_alternative_text_stays() -> None:
    result = shown('<img src="https://e.example/a.gif" alt="Logo"><img src="//e.example/b">')
    assert result == SafeHtml(
        '<img alt="Logo"><img>', ("https://e.example/a.gif", "https://e.example/b"), None
    )


def test_a_remote_image_used_twice_is_named_once() -> None:
    assert shown('<img src="https://e.example/a"><img src="https://e.example/a">').blocked_images == (
        "https://e.example/a",
    )


def test_remote_images_are_shown_to_who_asks_for_them() -> None:
    result = shown('<img src="https://e.example/a.gif">', remote_images=True)
    assert result == SafeHtml('<img src="https://e.example/a.gif">', (), None)


def test_inline_images_are_looked_up_by_decoded_content_id_in_its_own_case() -> None:
    assert shown('<img src="CID:Logo%40Mail">').html == '<img src="/inline/Logo@Mail">'


def test_an_inline_image_that_is_not_there_loses_its_source() -> None:
    assert safe_html('<img src="cid:gone" alt="x">', cid_url=lambda _: None).html == '<img alt="x">'


def test_layout_and_colours_of_business_mail_stay() -> None:
    source = '<p style="color:rgb(1, 2, 3);margin:0cm;font-size:11.0pt"><b>Hi</b></p>'
    assert shown(source).html == source


def test_links_open_elsewhere_without_opener() -> None:
    assert shown('<a href="https://x.example/?a=1">x</a>').html == (
        '<a href="https://x.example/?a=1" target="_blank" rel="noopener noreferrer">x</a>'
    )


def test_a_lone_surrogate_is_left_out() -> None:
    assert shown("a\ud800b").html == "ab"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("<div>" * 14_000, html.TOO_DEEP),
        ("<div><table><td></div></table>" * 5_000, html.TOO_DEEP),
        ("<b><div></b>" * 9_000, html.TOO_COSTLY),
        ("<p>" + "".join(f"<font size={n}>" for n in range(900)) + "</p><p>x" * 14_000, html.TOO_COSTLY),
        ("<div>" * 100_000, html.TOO_MANY_TAGS),
        ("<table>x" * 30_001, html.TOO_MANY_TAGS),
        ("<div " + " ".join(f"a{n}" for n in range(100_000)) + ">", html.TOO_MANY_ATTRIBUTES),
        ("&" * 50_001, html.TOO_MANY_AMPERSANDS),
        ("x" * 20_000_000, html.TOO_LONG),
        ("<p>a</p>" * 125_001, html.TOO_LONG),
    ],
    ids=[
        "nested div",
        "div kept open by table",
        "misnested",
        "font in every paragraph",
        "100,000 nested div",
        "text between table rows",
        "attributes",
        "ampersands",
        "20 MB",
        "just too long",
    ],
)
def test_what_is_too_much_is_withheld_at_once_and_says_why(source: str, sentence: str) -> None:
    assert shown(source) == SafeHtml("", (), sentence)
    check_cost(lambda: shown(source), at_most=10)


def test_many_elements_side_by_side_are_not_too_deep() -> None:
    assert shown("<span><p>x</span>" * 400 + "<div>y</div>" * 14_000).withheld is None


@settings(deadline=None)
@given(st.text())
def test_any_text_is_shown_or_withheld(source: str) -> None:
    assert faults(shown(source).html, places=("div",)) == []
