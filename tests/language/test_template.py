"""Templates read without rendering: uses, recital, need, and what is refused (M14)."""

from __future__ import annotations

import liquid
import pytest

from policykit.language.template import read_template
from policykit.language.yaml import Source

ATTRIBUTES = {"basket": "B4SKET", "name": "N4ME", "city": "C1TY", "items": ["1TEM"]}


def read(text, part="html"):
    problems = []
    template = read_template(part, text, ATTRIBUTES, Source("t.html", text).place, problems)
    return template, [str(problem) for problem in problems]


def uses(text, part="html"):
    template, problems = read(text, part)
    assert problems == []
    return {use.attribute: (bool(use.recited), use.required) for use in template.uses}


RECITED, SELECTS, NEEDED = (True, False), (False, False), (True, True)
URL = (False, True)

# template, attribute -> (recited, required)
FLOWS = [
    ("Hello", {}),
    ("Hi {{ name }}", {"name": NEEDED}),
    ("Hi {{ attributes.name }}", {"name": NEEDED}),
    ("Hi {{ name.first[0] }}", {"name": NEEDED}),
    ("Hi {{ name | default: 'you' }}", {"name": RECITED}),
    ("Hi {{ name | default: city }}", {"name": RECITED, "city": NEEDED}),
    ("Hi {{ name | upcase | default: 'you' | downcase }}", {"name": RECITED}),
    ("Hi {{ 'dear ' | append: name }}", {"name": NEEDED}),
    # conditions select
    ("{% if basket %}It waits{% endif %}", {"basket": SELECTS}),
    ("{% if basket %}{{ basket }}{% endif %}", {"basket": RECITED}),
    ("{% unless name %}Hi{% else %}{{ name }}{% endunless %}", {"name": RECITED}),
    (
        "{% if city == 'Paris' and basket contains 'x' %}{{ name }}{% endif %}",
        {"city": SELECTS, "basket": SELECTS, "name": NEEDED},
    ),
    ("{% if city %}a{% elsif name %}{{ name }}{% else %}{{ city }}{% endif %}", {"city": RECITED, "name": RECITED}),
    ("{% case city %}{% when name %}x{% else %}{{ city }}{% endcase %}", {"city": RECITED, "name": SELECTS}),
    ("{% if basket %}{{ basket }}{% endif %}{{ basket }}", {"basket": NEEDED}),
    # variables carry values on
    ("{% assign n = name %}{{ n }}", {"name": NEEDED}),
    ("{% assign n = name %}Hello", {"name": SELECTS}),
    ("{% assign n = name | default: 'you' %}{{ n }}", {"name": RECITED}),
    ("{% if name %}{% assign n = name %}{% endif %}{{ n }}", {"name": RECITED}),
    ("{% if city %}{% assign n = name %}{% endif %}{{ n }}", {"name": NEEDED, "city": SELECTS}),
    ("{% capture c %}Hi {{ name }}{% endcapture %}{{ c }}", {"name": NEEDED}),
    ("{% capture c %}Hi {{ name }}{% endcapture %}", {"name": SELECTS}),
    ("{% assign a = b %}{% assign b = name %}{{ a }}", {"name": NEEDED}),
    ("{% for i in (1..3) %}{{ a }}{% assign a = b %}{% assign b = name %}{% endfor %}", {"name": NEEDED}),
    ("{% assign name = city %}{{ name }}", {"city": NEEDED, "name": NEEDED}),
    # loops
    ("{% for item in items %}{{ item.title }}{% endfor %}", {"items": NEEDED}),
    ("{% for item in items %}*{% endfor %}", {"items": SELECTS}),
    ("{% for i in (1..basket.size) %}{{ i }}{% endfor %}", {"basket": NEEDED}),
    (
        "{% for item in items %}{{ forloop.index }}{% else %}{{ name }}{% endfor %}",
        {"items": SELECTS, "name": NEEDED},
    ),
    ("{% for item in items %}{{ forloop.length }}{% endfor %}", {"items": NEEDED}),
    ("{% for i in items %}{% assign n = forloop['rindex'] %}{% endfor %}{{ n }}", {"items": NEEDED}),
    ("{% for i in items %}{{ forloop[city] }}{% endfor %}", {"items": NEEDED, "city": NEEDED}),
    (
        "{% for i in items %}{% for j in (1..2) %}{{ forloop.parentloop.length }}{% endfor %}{% endfor %}",
        {"items": NEEDED},
    ),
    ("{% tablerow i in items %}{{ i }}{% endtablerow %}", {"items": NEEDED}),
    ("{% tablerow i in items %}{{ tablerowloop.length }}{% endtablerow %}", {"items": NEEDED}),
    ("{% cycle basket: 'x', 'y' %}", {"basket": SELECTS}),
    ("{% cycle name, 'x' %}", {"name": NEEDED}),
    ("{% liquid\nassign n = name\necho n\n%}", {"name": NEEDED}),
    # URLs select
    ('<a href="https://x.example/{{ basket }}">go</a>', {"basket": URL}),
    ("<a href='{{ basket }}'>{{ name }}</a>", {"basket": URL, "name": NEEDED}),
    ("<img src={{ basket }} alt={{ name }}>", {"basket": URL, "name": NEEDED}),
    ('<a href="x" title="{{ name }}">', {"name": NEEDED}),
    ('<A HREF = "{{ basket }}">', {"basket": URL}),
    ('<a href="{{ basket }}">{{ basket }}</a>', {"basket": NEEDED}),
    ('<a href="{% if city %}x">{% else %}">{% endif %}{{ name }}', {"city": SELECTS, "name": NEEDED}),
    ('<a href="{% case city %}{% when 1 %}">{% endcase %}{{ name }}', {"city": SELECTS, "name": NEEDED}),
    ('<a href="{% for i in items %}">{% endfor %}{{ name }}', {"items": SELECTS, "name": NEEDED}),
    ('{% if city %}<a href="{% else %}<b>{% endif %}{{ name }}', {"city": SELECTS, "name": NEEDED}),
    ('{% capture u %}<a href="{{ basket }}">go</a>{% endcapture %}{{ u }}', {"basket": URL}),
    ('{% capture u %}<a href="{{ basket }}">go</a>{% endcapture %}{{ u | escape }}', {"basket": NEEDED}),
    ('{% for i in items %}<a href="{% endfor %}{{ name }}', {"items": SELECTS, "name": NEEDED}),
    ('<!-- <a href=" -->{{ name }}', {"name": NEEDED}),
    ("1 < 2 href={{ name }}", {"name": NEEDED}),
    # what looks like a tag inside an element of text is none
    ('<title><a href="</title><p>{{ name }}', {"name": NEEDED}),
    ("<script>x = '<a href=\"'</script>{{ name }}", {"name": NEEDED}),
    ('<TextArea rows=2><a href="{{ name }}', {"name": NEEDED}),
    ('<script src="{{ basket }}">"<img src={{ name }}"', {"basket": URL, "name": NEEDED}),
    ('<style>/* <a href=" */</STYLE ><a href="{{ basket }}">', {"basket": URL}),
    ('<titles><a href="{{ basket }}">', {"basket": URL}),
    ('<title></titles><a href="</title>{{ name }}', {"name": NEEDED}),
    # nothing of a person
    ("{{ unsubscribe_url }}{% comment %}{{ nobody }}{% endcomment %}{% raw %}{{ nobody }}{% endraw %}", {}),
    ("{% increment name %}", {}),
]


@pytest.mark.parametrize(("text", "expected"), FLOWS, ids=[row[0] for row in FLOWS])
def test_how_an_attribute_reaches_a_text(text, expected):
    assert uses(text) == expected


@pytest.mark.parametrize("text", [row[0] for row in FLOWS])
def test_what_rendering_shows_is_recited(text):
    """The analysis may see a flow that cannot happen, but never misses one that does."""
    secrets = {"basket": "B4SKET", "name": "N4ME", "city": "C1TY", "items": [{"title": "1TEM"}]}
    for known in (secrets, {**secrets, "city": ""}, {**secrets, "city": "Paris", "basket": "x-B4SKET"}):
        shown = liquid.Environment().from_string(text).render(**known, attributes=known)
        template, _ = read(text, "body")  # no part of a push is a URL that nobody sees

        recited = {use.attribute for use in template.uses if use.recited}
        assert {name for name, mark in [("basket", "B4SKET"), ("name", "N4ME"), ("city", "C1TY"), ("items", "1TEM")]
                if mark in shown} <= recited  # fmt: skip


def test_the_bounds_of_a_loop_select():
    assert uses("{% for item in items limit: city %}*{% endfor %}") == {"items": SELECTS, "city": SELECTS}


def test_a_url_in_a_text_that_is_no_html_is_seen():
    assert uses('Look: <a href="{{ basket }}">', part="body") == {"basket": NEEDED}


# template (¦ = where it is said), message, way out
REFUSED = [
    (
        "Hi\n{{ ¦nmae }}",
        "`nmae` is not a registered attribute; did you mean `name`?",
        "register it under `attributes:`, so that policies can judge its use",
    ),
    ("{{ attributes¦.nmae }}", None, None),
    (
        "{% if ¦nobody %}{% endif %}",
        "`nobody` is not a registered attribute",
        "register it under `attributes:`, so that policies can judge its use",
    ),
    ("{{ name | ¦upcas }}", "unknown filter `upcas`; did you mean `upcase`?", "see the filters of Liquid"),
    ("{{ ¦[name] }}", "`name` names a variable by a value", "name the attribute itself"),
    ("{{ ¦attributes[name] }}", "`attributes[name]` names a variable by a value", "name the attribute itself"),
    ("{% ¦include 'other' %}", "the tag `include` is not supported", "write the text out"),
    ("{% ¦render 'other' %}", "the tag `render` is not supported", "write the text out"),
    (
        "a\nb {% ¦foo %}",
        "this template cannot be read: unexpected tag 'foo'",
        "`{{ attribute }}` shows a value; `{% if %}` needs its `{% endif %}`",
    ),
    (
        "a ¦{{ name",
        "this template cannot be read: expected '}}', found end of file",
        "`{{ attribute }}` shows a value; `{% if %}` needs its `{% endif %}`",
    ),
    ("{{ ¦| }}", None, None),
]


@pytest.mark.parametrize(("text", "message", "way_out"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_a_template_cannot_do_is_said_at_its_line(text, message, way_out):
    before = text[: text.index("¦")]

    _, said = read(text.replace("¦", ""))

    if message is None:
        assert len(said) == 1
        return
    place = f"t.html:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    assert said == [f"{place}: {message}\n  help: {way_out}"]


def test_a_template_nested_without_end_is_refused_without_a_traceback():
    template, said = read("{% if name %}" * 2000 + "{% endif %}" * 2000)

    assert template.uses == ()
    assert len(said) == 1
