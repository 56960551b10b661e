"""What a rendered text shows is recited, and what changes it is used: on generated templates (M14)."""

from __future__ import annotations

from html.parser import HTMLParser

import liquid
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.language.template import read_template
from policykit.language.yaml import Source
from tests.examples import examples

VALUES = {"basket": "B4SKET", "name": "N4ME", "city": "C1TY", "list": ["1TEM", "2TEM"]}
MARKS = {"basket": "B4SKET", "name": "N4ME", "city": "C1TY", "list": "TEM"}
OTHER = {"basket": "", "name": "Ann", "city": "Paris", "list": []}
NAMES = st.sampled_from(("basket", "name", "city", "a", "b", "item"))
HTML = ("x", " ", "<b>", "</b>", '<a href="', "<a href='", "<img src=", '" title="', '">', "'>", ">", "<", "=")
MORE = ("<!--", "-->", "/x", '<i alt="', " href ")
FILTERS = (
    "",
    " | upcase | upcase",
    " | default: 'you'",
    " | append: city",
    " | default: name",
    " | first",
    " | replace: 'x', name",
)

PIECES = st.recursive(
    st.one_of(
        st.sampled_from(HTML + MORE),
        st.tuples(NAMES, st.sampled_from(FILTERS)).map(lambda drawn: f"{{{{ {drawn[0]}{drawn[1]} }}}}"),
        st.tuples(st.sampled_from("ab"), NAMES, st.sampled_from(FILTERS)).map(
            lambda drawn: f"{{% assign {drawn[0]} = {drawn[1]}{drawn[2]} %}}"
        ),
        st.tuples(NAMES, NAMES).map(lambda drawn: f"{{% cycle {drawn[0]}, {drawn[1]} %}}"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=5).map("".join),
        st.tuples(st.sampled_from(("if", "unless")), NAMES, inner, inner).map(
            lambda drawn: f"{{% {drawn[0]} {drawn[1]} %}}{drawn[2]}{{% else %}}{drawn[3]}{{% end{drawn[0]} %}}"
        ),
        st.tuples(NAMES, inner, inner).map(
            lambda drawn: f"{{% case {drawn[0]} %}}{{% when city %}}{drawn[1]}{{% else %}}{drawn[2]}{{% endcase %}}"
        ),
        st.tuples(st.sampled_from(("list", "a", "(1..2)")), inner).map(
            lambda drawn: f"{{% for item in {drawn[0]} %}}{drawn[1]}{{% endfor %}}"
        ),
        st.tuples(st.sampled_from("ab"), inner).map(
            lambda drawn: f"{{% capture {drawn[0]} %}}{drawn[1]}{{% endcapture %}}"
        ),
    ),
    max_leaves=12,
)


class Shown(HTMLParser):
    """What can be seen of a page: all but the values of `href` and `src`."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(page)  # not closed: a tag that never ends shows nothing

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text += tag + "".join(f" {key} {value}" for key, value in attrs if key not in ("href", "src"))

    handle_startendtag = handle_starttag

    def handle_comment(self, data: str) -> None:
        self.text += data


def read(text: str, part: str):
    problems = []
    template = read_template(part, text, [*VALUES, "item", "a", "b"], Source("t", text).place, problems)
    assert problems == []
    return {use.attribute: use for use in template.uses}


def render(text: str, values) -> str:
    return str(liquid.Environment().from_string(text).render(**values))


@settings(max_examples=examples(200), deadline=None)
@given(PIECES)
def test_what_a_page_shows_is_recited(text):
    uses = read(text, "html")

    shown = Shown(render(text, VALUES)).text.upper()

    assert {name for name, mark in MARKS.items() if mark in shown} <= {
        name for name, use in uses.items() if use.recited
    }


@settings(max_examples=examples(200), deadline=None)
@given(PIECES, st.sampled_from(sorted(VALUES)))
def test_what_changes_a_text_is_used_and_what_it_shows_is_recited(text, name):
    uses = read(text, "body")

    before, after = render(text, VALUES), render(text, {**VALUES, name: OTHER[name]})

    assert before == after or name in uses
    assert MARKS[name] not in before.upper() or uses[name].recited
