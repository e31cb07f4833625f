"""HTML that an agent wrote is sent as it is, or refused with what is unsafe in it."""

from pathlib import Path

import pytest

from shared.domain.sending.own_html import MOST_NAMED, unsafe_in

FIXTURES = Path(__file__).parents[3] / "fixtures"


@pytest.mark.parametrize(
    ("html", "named"),
    [
        ("<p>a</p><script>1</script>", "<script>"),
        ("<svg><script>1</script></svg>", "<script>"),
        ('<img src=x alt=">" onerror=alert(1)>', "the attribute onerror"),
        ("<p ONCLICK='x'>a</p>", "the attribute onclick"),
        ('<a href=" java\nscript:x">a</a>', "an address in href that runs"),
        ('<a href="data:text/html,x">a</a>', "an address in href that runs"),
        ("<form action=x><input name=y></form>", "<form>"),
        ("<iframe src=x></iframe>", "<iframe>"),
        ("<base href='https://x.example'>", "<base>"),
        ("<meta http-equiv=Refresh content='0; url=x'>", "<meta http-equiv=refresh>"),
        ("<div>" * 3_000, "more than can be checked"),
        ("x" * 1_000_001, "more than can be checked"),
    ],
)
def test_what_is_unsafe_is_named(html: str, named: str) -> None:
    assert unsafe_in(html)[0] == named


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<p>Hello</p>",
        "<style>p { color: red }</style><p style='margin:0'>a</p>",
        "<!--[if mso]><xml><o:p></o:p></xml><![endif]--><o:p>&nbsp;</o:p>",
        '<a href="https://x.example/?onclick=1">javascript:</a><a href="mailto:a@b.example">b</a>',
        '<img src="cid:a@b"><img src="data:image/png;base64,AAAA"><img src="https://x.example/a.png">',
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><body bgcolor=white>x</body>',
        "<table data-onload=x><tr><td align=center>1</td></tr></table>",
    ],
)
def test_what_people_write_may_leave_as_it_is(html: str) -> None:
    assert unsafe_in(html) == ()


def test_few_faults_are_named() -> None:
    html = "".join(f"<p on{name}=1>x</p>" for name in ("a", "b", "c", "d", "e", "f", "g"))
    assert len(unsafe_in(html)) == MOST_NAMED
