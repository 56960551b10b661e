"""Shapes: what Cerberus finds, retold; and schemas of kinds that cannot be used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from policykit.errors import PluginError
from policykit.language.schema import Shape
from policykit.language.yaml import parse_yaml


def check(schema, text, what="body"):
    node, problems = parse_yaml(text, "f.yaml")
    assert problems == []
    return [str(problem) for problem in Shape(schema, what).check(node)]


# schema, document, what is said
SHAPES = [
    ({"a": {"type": "integer"}}, "a: 1", []),
    ({"a": {"type": "integer"}}, "a: true",
     ["f.yaml:1:4: `a` is `true`; expected a whole number\n  help: write digits, without quotes"]),
    ({"a": {"type": ["string", "list"]}}, "a: 1.5",
     ['f.yaml:1:4: `a` is the number `1.5`; expected text or a list\n  help: quote it: `"1.5"`']),
    ({"a": {"type": "integer", "min": 0}}, "a: -1", ["f.yaml:1:4: `a` is the number `-1`; expected 0 or more"]),
    ({"a": {"type": "integer", "max": 9}}, "a: 10", ["f.yaml:1:4: `a` is the number `10`; expected 9 or less"]),
    ({"a": {"type": "list", "minlength": 2}}, "a: [x]", ["f.yaml:1:4: `a` is a list; expected at least 2"]),
    ({"a": {"type": "string", "maxlength": 2}}, "a: xyz", ["f.yaml:1:4: `a` is the text `xyz`; expected at most 2"]),
    ({"a": {"type": "string", "empty": False}}, "a: ''",
     ["f.yaml:1:4: `a` is empty\n  help: fill it in, or leave it out"]),
    ({"a": {"type": "string"}}, "a:",
     ["f.yaml:1:3: `a` is nothing; expected a value\n  help: write a value, or leave the key out"]),
    ({"a": {"type": "string", "regex": "x+"}}, "a: y", ["f.yaml:1:4: `a` is the text `y`; expected the form `x+`"]),
    ({"a": {"excludes": "b"}, "b": {}}, "a: 1\nb: 2",
     ["f.yaml:1:4: `a` is the number `1`; it cannot stand beside `b`"]),
    ({"a": {"dependencies": ["b"]}, "b": {}}, "a: 1", ["f.yaml:1:4: `a` is the number `1`; it needs `b` beside it"]),
    ({"a": {"type": "dict", "keysrules": {"type": "id"}, "valuesrules": {"type": "integer"}}}, "a: {B: 1, c: x}",
     ["f.yaml:1:5: `B` cannot be a key here; expected an id of lower-case letters, digits, `-` and `_`",
      "f.yaml:1:14: `a.c` is the text `x`; expected a whole number\n  help: write digits, without quotes"]),
    ({"a": {"type": "list", "schema": {"type": "dict", "schema": {"from": {"required": True}}}}}, "a: [{fro: 1}, {}]",
     ["f.yaml:1:6: unknown key `fro`; did you mean `from`?\n  help: keys of `a[1]`: `from`",
      "f.yaml:1:15: `a[2]` has no `from`\n  help: add `from:`"]),
    ({"a": {"check_with": lambda field, value, error: error(field, f"`{value}` is too blue")}}, "a: sky",
     ["f.yaml:1:4: `sky` is too blue"]),
    ({"a": {"type": "date"}, "b": {"type": "percent"}, "c": {"type": "zone"}}, "a: 2026-02-29\nb: 101%\nc: UTC",
     [("f.yaml:1:4: `a` is the text `2026-02-29`; expected a date such as `2026-03-02`\n"
      "  help: year, month and day, e.g. `2026-03-02`"),
      ("f.yaml:2:4: `b` is the text `101%`; expected a share such as `5%`\n"
      "  help: a number from 0 to 100 with a percent sign")]),
    ({}, "a: 1", ["f.yaml:1:1: unknown key `a`\n  help: a body takes no keys"]),
    ({"a": {}}, "- x", ["f.yaml:1:1: `body` is a list; expected a mapping\n  help: keys: `a`"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "text", "said"), SHAPES, ids=[f"{i}: {row[1][:20]}" for i, row in enumerate(SHAPES)]
)
def test_what_does_not_fit_is_retold(schema, text, said):
    assert check(schema, text) == said


@pytest.mark.parametrize(
    "schema",
    [
        {"a": {"anyof": [{"type": "string"}, {"type": "list"}]}},
        {"a": {"oneof_type": ["string", "list"]}},
        {"a": {"default": 1}},
        {"a": {"type": "dict", "schema": {"b": {"coerce": int}}}},
        {"a": {"type": "dict", "schema": "registered-somewhere"}},
        {"a": {"rename": "b"}},
    ],
)
def test_schemas_that_rewrite_or_cannot_be_retold_are_their_authors_fault(schema):
    with pytest.raises(PluginError, match="which is not supported"):
        Shape(schema, "body")


def test_a_schema_that_is_none_is_its_authors_fault():
    with pytest.raises(PluginError, match="schema of `body` is not valid"):
        check({"a": {"type": "sting"}}, "a: 1")


def test_a_key_called_like_a_rule_is_just_a_key():
    assert check({"default": {"type": "string"}, "coerce": {"type": "string"}}, "default: x") == []


def test_one_shape_serves_many_threads():
    shape = Shape({"a": {"type": "list", "schema": {"type": "integer"}}}, "body")
    good, _ = parse_yaml("a: [1, 2, 3]", "good")
    bad, _ = parse_yaml("a: [1, x, 3]", "bad")

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda node: len(shape.check(node)), [good, bad] * 100))

    assert counts == [0, 1] * 100
