"""Strict YAML: what is read, and what is said about what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from policykit.errors import Place
from policykit.language import yaml as strict
from policykit.language.yaml import MapNode, ScalarNode, find, parse_yaml, read_yaml, to_plain


@pytest.fixture(params=["c", "pure"])
def _scanner(request, monkeypatch):
    """Both scanners of PyYAML: the fast one and the one that is always there."""
    if request.param == "c" and not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(strict, "_LOADER", yaml.SafeLoader if request.param == "pure" else yaml.CSafeLoader)


def plain(text):
    node, problems = parse_yaml(text, "f.yaml")
    assert problems == []
    return to_plain(node)


def said(text):
    _, problems = parse_yaml(text, "f.yaml")
    return "\n".join(str(problem) for problem in problems)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("NO", "no", "yes", "on", "off", "Y", "22:00", "010", "0x1F", "0o17", "1_000")),
        *((word, word) for word in ("+33612345678", "+1", ".5", "5.", ".inf", ".nan", "2026-03-02", "12e", "1e999")),
        ("99999999999999999999", "99999999999999999999"),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", "9223372036854775808"),
        ("true", True), ("False", False), ("TRUE", True), ("null", None), ("~", None), ("", None),
        ("0", 0), ("-7", -7), ("1.5", 1.5), ("-0.25", -0.25), ("1e3", 1000.0),
        ("'true'", "true"), ('"7"', "7"), ("!!str 7", "7"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("_scanner")
def test_scalars_follow_core_and_never_rewrite_what_was_typed(text, value):
    found = plain(f"a: {text}")["a"]

    assert (found, type(found)) == (value, type(value))


@pytest.mark.usefixtures("_scanner")
def test_every_key_and_value_knows_its_place():
    node, _ = parse_yaml("a:\n  - b: é\n    c: [x, y]\n", "f.yaml")

    assert isinstance(node, MapNode)
    assert node.entries["a"].key == Place("f.yaml", 1, 1)
    row = find(node, ("a", 0))
    assert (row.place, row.entries["c"].key) == (Place("f.yaml", 2, 5), Place("f.yaml", 3, 5))
    assert find(node, ("a", 0, "c", 1)).place == Place("f.yaml", 3, 12)
    assert find(node, ("a", 0, "c", 7)).place == Place("f.yaml", 3, 8)  # nothing there: the nearest above


TEXTS = """\
plain: send.channel ==
    'push'
single: 'it''s so'
double: "a\\tb \\u00e9 c\\
   d"
literal: |
    one
      two

    three
folded: >-
    one
    two
flow: {when: x == 'y'}
"""


@pytest.mark.usefixtures("_scanner")
def test_every_visible_character_of_a_text_leads_back_to_the_file():
    node, _ = parse_yaml(TEXTS, "f.yaml")
    assert isinstance(node, MapNode)
    lines = TEXTS.split("\n")
    checked = 0

    for entry in [*node.entries.values(), find(node, ("flow",)).entries["when"]]:
        if isinstance(entry.node, ScalarNode):
            for offset, char in enumerate(entry.node.text):
                if not char.isspace():
                    place = entry.node.at(offset)
                    shown = lines[place.line - 1][place.column - 1]
                    assert shown == ("\\" if char == "é" else char), (entry.node.text, offset)
                    checked += 1

    assert checked > 50


@pytest.mark.usefixtures("_scanner")
def test_an_alias_stands_for_its_anchor():
    assert plain("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


# text, line:column, message, way out
BAD = [
    ("", "1:1", "this file is empty", "fill it in, or remove it"),
    ("# only a comment\n", "1:1", "this file is empty", "fill it in, or remove it"),
    ("a: 1\nb: 2\na: 3\n", "3:1", "duplicate key `a`; the first is at line 1, column 1", "keep one of the two"),
    ("a: {b: 1, c: 2, b: 3}\n", "1:17", "duplicate key `b`; the first is at line 1, column 5", "keep one of the two"),
    ("a: &x {b: 1}\nc:\n  <<: *x\n", "3:3", "merge key `<<` is not supported", "write the keys out"),
    ("a: &x [*x]\n", "1:8", "`*x` stands inside what it refers to", "write the value out"),
    ("a: *x\n", "1:4", "`*x` refers to nothing; no `&x` comes before it", "quote text that begins with `*`"),
    ("a:\n\t- b\n", "2:1", "a tab is used as indentation", "indent with spaces"),
    (
        "a: b\n c: d\n",
        "2:3",
        "`:` is not allowed here",
        "quote text that holds `: `, and start the keys of one mapping in the same column",
    ),
    (
        "a:\n  - b\n c: d\n",
        "3:2",
        "unexpected text; expected a key",
        "check indentation, and quote the whole value if it goes on here",
    ),
    (
        "a: [1, 2\nb: 3\n",
        "1:4",
        "the list that begins here is not closed; expected `,` or `]`",
        "close it, or quote text that holds brackets",
    ),
    (
        "a: {b: c\n",
        "1:4",
        "the mapping that begins here is not closed; expected `,` or `}`",
        "close it, or quote text that holds brackets",
    ),
    ("a: 'x\n", "1:4", "the quotes that begin here are not closed", "close them, or double a `'` inside single quotes"),
    ("a: @x\n", "1:4", "`@` cannot begin a value", "quote the text"),
    ("a: !x y\n", "1:4", "tag `!x` is not supported", "quote text that begins with `!`"),
    (
        "a: !!python/name:os.system x\n",
        "1:4",
        "tag `!!python/name:os.system` is not supported",
        "quote text that begins with `!`",
    ),
    (
        "a: 1\n---\nb: 2\n",
        "2:1",
        "a second document begins here; expected one document per file",
        "put it in a file of its own, or remove the `---`",
    ),
    ("? [a]\n: b\n", "1:3", "a list or mapping cannot be a key; expected text", "quote the key if it is text"),
    ("a: \x00\n", "1:4", "unprintable character U+0000", "remove it; a policy file is plain text"),
    ("%YAML 2.0\n---\na: 1\n", "1:1", "this file asks for another version of YAML", "remove the `%YAML` line"),
    ("a: " + "[" * 70 + "]" * 70, "1:63", "nested more than 60 deep", "flatten it"),
    (
        "a: b\nc: " + "x" * 1_000_000,
        "2:1",
        "line of 1,000,003 characters; expected at most 100,000",
        "put long texts in a file of their own",
    ),
    (
        "when: send.channel == 'push' && has(x): y\n",
        "1:7",
        "YAML cannot read this expression: `send.channel == 'push' && has(x): y`",
        "quote this expression, or use `when: |`",
    ),
    ("forbid: !x\n", "1:9", "YAML cannot read this expression: `!x`", "quote this expression, or use `forbid: |`"),
    (
        "when: [1, 2].exists(x, x)\n",
        "1:7",
        "YAML cannot read this expression: `[1, 2].exists(x, x)`",
        "quote this expression, or use `when: |`",
    ),
    (
        "- {id: a, when: a ? 'b': c}\n",
        "1:17",
        "YAML cannot read this expression: `a ? 'b': c}`",
        "quote this expression, or use `when: |`",
    ),
    ("when: *x\n", "1:7", "YAML cannot read this expression: `*x`", "quote this expression, or use `when: |`"),
    (
        "when: 'a' == 'b'\n",
        "1:7",
        "YAML cannot read this expression: `'a' == 'b'`",
        "quote this expression, or use `when: |`",
    ),
]


@pytest.mark.parametrize(("text", "place", "message", "way_out"), BAD, ids=[row[0][:24] or "empty" for row in BAD])
@pytest.mark.usefixtures("_scanner")
def test_what_cannot_be_read_is_said_at_its_place(text, place, message, way_out):
    assert said(text) == f"f.yaml:{place}: {message}\n  help: {way_out}"


def test_aliases_that_multiply_are_refused():
    levels = "\n".join(f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 9))

    assert said(f"a0: &a0 [1]\n{levels}\n") == (
        "f.yaml:6:30: aliases multiply into more than 100,000 values\n  help: write the values out"
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a: ok\nb: \xff\xfe\n", "f.yaml:2:4: byte 0xff is not UTF-8\n  help: save the file as UTF-8"),
        ("é: 1\n".encode("latin-1"), "f.yaml:1:1: byte 0xe9 is not UTF-8\n  help: save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "f.yaml:1:1: byte 0xff is not UTF-8\n  help: save the file as UTF-8"),
    ],
)
def test_bytes_that_are_no_utf8_are_said_at_their_place(tmp_path: Path, raw, message):
    (tmp_path / "f.yaml").write_bytes(raw)

    node, problems = read_yaml(tmp_path / "f.yaml", "f.yaml")

    assert (node, [str(problem) for problem in problems]) == (None, [message])


def test_a_byte_order_mark_and_windows_line_ends_are_harmless(tmp_path: Path):
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")

    node, problems = read_yaml(tmp_path / "f.yaml", "f.yaml")

    assert (to_plain(node), problems) == ({"a": 1, "b": "x"}, [])


def test_a_missing_file_is_a_problem_not_a_traceback(tmp_path: Path):
    _, problems = read_yaml(tmp_path / "none.yaml", "none.yaml")

    assert [str(problem) for problem in problems] == ["none.yaml:1:1: no such file `none.yaml`\n  help: check the path"]
