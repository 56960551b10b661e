"""Values of a person found in a text: as it is read, in any spelling, and not where they only happen to stand."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policykit.enforce.recital import recited


def finds(value, text, part="text"):
    return recited({part: text}, {"it": value}) == ("it",)


def test_attributes_are_named_in_order_whatever_the_part():
    content = {"subject": "Trail shoes, Ann?", "html": "<p>From Lyon</p>"}

    assert recited(content, {"city": "Lyon", "basket": "trail shoes", "name": "Ann", "pet": "cat"}) == (
        "basket", "city", "name",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Trail Shoes", "your TRAIL\n  shoes wait"),
        ("straße", "in der STRASSE 4"),
        ("café", "the cafe\u0301 nearby"),
        ("ﬁne art", "fine art"),
        ("İzmir", "nach İZMİR"),
        ("sneaker", "New sneakers"),
        ("Schwangerschaft", "Schwangerschaftstest"),
        ("\uff11\uff12\uff13\uff14\uff15", "code 12345."),
        ("new home", "new\u00a0home"),
        ("wardrobe", "ward\u00adrobe"),
        ("上海", "欢迎来到上海市"),
        ("Ann", "(Ann)"),
        ("42", "you are 42."),
        ("42", "42 km"),
        ("42", "a 42-inch screen"),
        ("2026-03-02", "on 2026-03-02, at noon"),
        ("1,250.00", "you owe 1,250.00 EUR"),
        ("c++", "you like C++!"),
        ("+33 6 12 34 56 78", "call +33 6 12 34 56 78"),
    ],
)
def test_a_value_is_found_however_it_is_written(value, text):
    assert finds(value, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ann", "annual"),
        ("Ann", "Hanna"),
        ("42", "142"),
        ("42", "42nd street"),
        ("42", "1.42"),
        ("42", "42,50"),
        ("42", "4 2"),
        ("1999", "31999"),
        ("1999", "1999.5"),
        ("2026-03-02", "2026-03-021"),
        ("trail shoes", "trail running shoes"),
        ("Lyon", "Paris"),
        ("7", "7 days left"),
        ("no", "no strings attached"),
        ("Yes", "yes, you can"),
        ("true", "it is true"),
        ("", "anything"),
        ("  ", "a  b"),
        (None, "None"),
    ],
)
def test_a_value_that_only_happens_to_stand_there_is_not(value, text):
    assert not finds(value, text)


@pytest.mark.parametrize(
    "markup",
    [
        "<p>Your trail shoes</p>",
        "<p>Your <b>tr</b>ail shoes</p>",
        "Your trail<br>shoes",
        "Your trail&nbsp;shoes",
        "&#84;rail shoes",
        "<td>trail</td><td>shoes</td>",
        "a < b, trail shoes > socks",
        '<img alt="Trail shoes" src="x.png">',
        "<a href='?q=1' title='your trail shoes'>here</a>",
        "<p>don't</p> trail shoes <p class=\"it's\">",
        '<p title="a > b">trail shoes</p>',
        "<SCRIPT>var x</SCRIPT>trail shoes",
        "<!-- old -->trail shoes",
    ],
)
def test_html_is_read_as_it_is_shown(markup):
    assert finds("trail shoes", markup, part="html")


@pytest.mark.parametrize(
    "markup",
    [
        "<a href='https://shop.example/trail shoes'>here</a>",
        "<!-- trail shoes -->",
        "<style>.trail shoes {}</style>",
        "<script>let a = 'trail shoes'</script>",
        "<p>trail</p><p>running</p><p>shoes</p>",
        "<!doctype trail shoes>",
        "<p data-name='trail shoes'>",
        "<template>trail shoes</template>",
    ],
)
def test_what_html_does_not_show_is_not_read(markup):
    assert not finds("trail shoes", markup, part="html")


def test_markup_in_a_text_part_is_text():
    assert finds("<b>", "a <b> c", part="text")


WORDS = st.text(st.characters(categories=["L", "N"]), min_size=4, max_size=12)


@given(st.lists(WORDS, max_size=4), WORDS, st.lists(WORDS, max_size=4))
def test_a_value_that_stands_by_itself_is_always_found(before, value, after):
    assume(value.casefold() not in ("true", "false", "none", "null", "unknown", "other"))

    assert finds(value, " ".join([*before, value, *after]))


@given(st.text(max_size=200), st.text(max_size=20))
def test_any_text_can_be_searched(text, value):
    for part in ("text", "html"):
        assert recited({part: text}, {"it": value}) in ((), ("it",))


_LONG = {
    "tags": "<b>" * 330_000,
    "tags that never end": "<a " * 330_000,
    "quotes that never end": "<a b='" * 160_000 + '<a b="' * 6_000,
    "scripts that never end": "<script>" * 125_000,
    "scripts that end badly": "<script>x</script" * 60_000,
    "comments": "<!--" * 250_000,
    "combining marks": "a" + "\u0301\u0316" * 250_000,
    "one digit": "1" * 1_000_000,
    "numbers": "42,42 " * 160_000,
    "entities": "&amp;" * 200_000,
    "soft hyphens": "tr\u00adail shoes" * 80_000,
    "spaces": " " * 1_000_000,
}


@pytest.mark.parametrize("text", _LONG.values(), ids=_LONG)
def test_a_megabyte_is_searched_in_linear_time(text):
    """Twice the text takes about twice the time, never four times; where it is quick, nobody cares."""
    values = {"a": "42", "b": "trail shoes", "c": "1" * 39, "d": "1" * 50 + "2", "e": "aa"}

    start = time.process_time()
    recited({"html": text[: len(text) // 2]}, values)
    half = time.process_time() - start
    recited({"html": text}, values)
    whole = time.process_time() - start - half

    assert whole < max(3.2 * half, 0.5)
