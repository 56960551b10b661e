"""A campaign's templates as texts: values in, nothing of what was stripped, bounded, the same every time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.enforce.render import render, typed
from policykit.errors import Place, PolicykitError, UnrenderableContent
from policykit.language.template import Template, read_template
from policykit.model import Attribute, Offer


def rendered(text, values=(), without=(), part="body"):
    return render({part: Template(part, text)}, dict(values), without)[part]


def test_every_part_is_rendered():
    templates = {"subject": Template("subject", "For {{ name }}"), "text": Template("text", "Hello {{ name }}\n")}

    assert render(templates, {"name": "Ann"}) == {"subject": "For Ann", "text": "Hello Ann\n"}


@pytest.mark.parametrize("name", ["basket", "attributes.basket"])
def test_a_value_is_known_by_both_its_names(name):
    assert rendered(f"Your {{{{ {name} }}}}", {"basket": "tent"}) == "Your tent"


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_not_known_is_false_and_shows_nothing(value):
    text = "[{{ basket }}]{% if basket %}yes{% else %}no{% endif %}{{ basket | default: 'things' }}"

    assert rendered(text, {"basket": value}) == "[]nothings"


@pytest.mark.parametrize("name", ["basket", "attributes.basket"])
def test_what_was_stripped_is_as_if_unknown(name):
    text = f"{{{{ {name} | default: 'things' }}}}{{% if {name} %}} and {{{{ {name} }}}}{{% endif %}} in {{{{ city }}}}"

    assert rendered(text, {"basket": "tent", "city": "Lyon"}, {"basket"}) == "things in Lyon"


def test_furnished_variables_are_left_to_the_sender():
    assert rendered("<{{ unsubscribe_url }}>", {"unsubscribe_url": "https://a.example/u?x=1&y=2"}) == (
        "<https://a.example/u?x=1&y=2>"
    )


@given(
    st.text(max_size=40), st.sampled_from(["{{ v }}", "{{ attributes.v }}", "{{ v | upcase }}", "{{ v | append: v }}"])
)
def test_no_value_can_become_markup(value, output):
    said = rendered(f"<p>{output}</p>", {"v": value}, part="html")

    inner = said.removeprefix("<p>").removesuffix("</p>")
    assert not set(inner) & set("<>\"'")


def test_values_are_not_escaped_where_there_is_no_html():
    assert rendered("{{ v }}", {"v": "<Ann & Bob>"}) == "<Ann & Bob>"


def test_the_markup_of_a_template_stays_as_it_is():
    text = '<p class="a">it\'s &amp; {{ v }}</p>\r\n'

    assert rendered(text, {"v": "1"}, part="html") == '<p class="a">it\'s &amp; 1</p>\r\n'


@pytest.mark.parametrize("part", ["subject", "preheader", "title"])
def test_headers_cannot_be_smuggled_into_a_line(part):
    said = rendered("For {{ v }} ", {"v": "Ann\r\nBcc: bob@example.com\u2028x"}, part=part)

    assert said == "For Ann Bcc: bob@example.com x"


# --- what templates may not do -----------------------------------------------------------------------------

_TOO_MUCH = {
    "loops": "{% for i in (1..1000000) %}x{% endfor %}",
    "loops in loops": "{% for i in (1..10000) %}{% for j in (1..10000) %}x{% endfor %}{% endfor %}",
    "a loop of a value's length": "{% for i in (1..n) %}x{% endfor %}",
    "output": "{% for i in (1..10000) %}{{ v }}{% endfor %}",
    "captured": "{% for i in (1..10000) %}{% capture w %}{{ w }}{{ v }}{% endcapture %}{% endfor %}",
    "doubled": "{% assign w = v %}{% for i in (1..60) %}{% assign w = w | append: w %}{% endfor %}",
}


@pytest.mark.parametrize("text", _TOO_MUCH.values(), ids=_TOO_MUCH)
def test_what_grows_without_end_is_stopped(text):
    with pytest.raises(UnrenderableContent, match="grows beyond"):
        rendered(text, {"v": "a secret value " * 100, "n": 10**15})


_ODD = {
    "compares words with numbers": "{% if v > 3 %}x{% endif %}",
    "divides by nothing": "{{ 1 | divided_by: 0 }}",
    "asks for the clock": "{{ 'now' | date: '%Y' }}",
}


@pytest.mark.parametrize("text", _ODD.values(), ids=_ODD)
def test_what_does_not_fit_a_value_is_an_error_that_quotes_nothing(text):
    with pytest.raises(UnrenderableContent) as caught:
        rendered(text, {"v": "a secret value"}, part="subject")

    assert isinstance(caught.value, PolicykitError)
    assert str(caught.value) == (
        "part `subject` of the content cannot be rendered: the template does not fit this person's values"
    )
    assert caught.value.__cause__ is None


def test_dates_are_what_the_value_says_and_nothing_of_today():
    assert rendered("{{ d | date: '%d.%m.%Y' }}", {"d": "2026-03-02"}) == "02.03.2026"
    assert rendered("{{ d | date: '%H:%M' }}", {"d": "2026-03-02T10:30:00+01:00"}) == "10:30"
    assert rendered("{{ d | date: '%d.%m.%Y' }}", {"d": "10"}) == "10"
    assert rendered("{{ d | date: '%d.%m.%Y' }}", {"d": "soon"}) == "soon"


@given(
    st.sampled_from(
        ["{{ v }}", "{% if v %}{{ v | upcase }}{% endif %}", "{{ v | size }}{{ v | split: ' ' | join: '-' }}"]
    ),
    st.text(max_size=30),
)
def test_rendering_twice_says_the_same(text, value):
    assert rendered(text, {"v": value}, part="html") == rendered(text, {"v": value}, part="html")


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=20)), st.sets(st.sampled_from(["a", "b"])))
def test_no_trace_of_a_stripped_value(values, without):
    """What is rendered without an attribute is what is rendered where nobody knows it."""
    text = "{{ a }}{% if b %}{{ b }}{% endif %}{% for x in a %}{{ x }}{% endfor %}{{ attributes.a | default: b }}"
    kept = {name: value for name, value in values.items() if name not in without}

    assert rendered(text, values, without) == rendered(text, kept)


@pytest.mark.parametrize("text", ["{{ a", "{% if a %}", "{% for %}"])
def test_templates_that_load_can_be_rendered(text):
    problems = []
    read_template("body", text, ["a"], lambda _: Place("x"), problems)

    assert problems
    with pytest.raises(UnrenderableContent):
        rendered(text, {"a": "1"})


# --- values with types -------------------------------------------------------------------------------------

_REGISTERED = {
    name: Attribute(name, None, "provided", (), None, type=type_)
    for name, type_ in {
        "vip": "bool",
        "visits": "int",
        "price": "double",
        "since": "timestamp",
        "word": "string",
    }.items()
}


def test_values_have_the_types_they_are_registered_with():
    texts = {"vip": "false", "visits": "12", "price": "2.50", "since": "2026-03-02T10:00:00Z", "word": "7", "new": "8"}

    assert typed(texts, _REGISTERED) == {
        "vip": False, "visits": 12, "price": Decimal("2.50"), "since": "2026-03-02T10:00:00Z", "word": "7", "new": "8",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [("vip", "yes"), ("visits", "1.5"), ("visits", "many"), ("price", "inf"), ("word", ""), ("word", None)],
)
def test_a_value_that_cannot_be_read_is_left_out(name, text):
    assert typed({name: text}, _REGISTERED) == {}


def test_conditions_compare_what_values_mean():
    values = typed({"vip": "false", "visits": "12", "price": "2.50"}, _REGISTERED)

    text = (
        "{% if vip %}vip{% else %}not{% endif %} {% if visits > 9 %}often{% endif %} {{ price }} {{ visits | plus: 1 }}"
    )

    assert rendered(text, values) == "not often 2.50 13"


OFFERS = (Offer("crib", ("basket",), text="A crib & more"), Offer("tea"))


def test_offers_are_shown_in_order_and_escaped_in_html():
    text = "{% for offer in offers %}[{{ offer.id }}: {{ offer.text }}]{% endfor %}"

    found = render({part: Template(part, text) for part in ("body", "html")}, {}, (), OFFERS)

    assert found == {"body": "[crib: A crib & more][tea: ]", "html": "[crib: A crib &amp; more][tea: ]"}


def test_offers_are_no_attribute_of_that_name():
    shown = render({"body": Template("body", "{{ offers.size }} {{ attributes.offers }}")}, {"offers": "x"}, (), OFFERS)

    assert shown == {"body": "2 x"}


def test_a_template_that_shows_offers_uses_no_attribute():
    problems = []
    text = "{% for offer in offers %}{{ offer.text }}{% endfor %}{% if offers %}!{% endif %}"

    read = read_template("body", text, ["basket"], lambda _: Place(""), problems)

    assert (read.uses, read.offers, problems) == ((), True, [])
