"""The section `pack:`: what it says, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from policykit.errors import Problem
from policykit.language.packs import Pack, read_pack, unlike
from policykit.language.tree import MapNode
from policykit.language.yaml import parse_yaml

WHOLE = """\
pack:
  id: us-tcpa-hours
  version: 1.2.0
  title: Hours
  jurisdiction: US
  channels: [sms, voice]
  stories: [S10]
  note: Ask a lawyer.
policies:
  - {id: hours}
  - {id: more-hours}
"""


def _read(text: str, file: str = "p.yaml") -> tuple[Pack | None, list[str]]:
    node, problems = parse_yaml(text, file)
    assert isinstance(node, MapNode)
    pack = read_pack(node, Path(file), problems)
    return pack, [str(problem).split("\n")[0] for problem in problems]


def test_a_pack_says_what_it_is_and_holds_its_policies():
    pack, problems = _read(WHOLE)

    assert problems == []
    assert pack == Pack("us-tcpa-hours", "1.2.0", "Hours", "US", ("sms", "voice"), ("S10",), "Ask a lawyer.",
                        ("hours", "more-hours"), Path("p.yaml"))  # fmt: skip
    assert pack.cases_path == Path("p.cases.yaml")


def test_a_file_without_the_section_is_no_pack():
    assert _read("policies: []\n") == (None, [])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{id: a}", "p.yaml:1:7: this pack has no `version`"),
        ("{version: 1.0.0}", "p.yaml:1:7: this pack has no `id`"),
        ("{id: a, version: 1.0}", "p.yaml:1:24: `version` is the number `1.0`; expected a version such as `1.0.0`"),
        ("{id: a, version: 1.0.01}",
         "p.yaml:1:24: `version` is the text `1.0.01`; expected a version such as `1.0.0`"),
        ("{id: A, version: 1.0.0}",
         "p.yaml:1:12: `id` is the text `A`; expected an id of lower-case letters, digits, `-` and `_`"),
        ("{id: a, version: 1.0.0, stories: [T1]}",
         "p.yaml:1:41: `stories[1]` is the text `T1`; expected the form `S[0-9]+`"),
        ("{id: a, version: 1.0.0, channels: [smss]}", "p.yaml:1:42: unknown channels `smss`; did you mean `sms`?"),
        ("{id: a, version: 1.0.0, chanels: [sms]}", "p.yaml:1:31: unknown key `chanels`; did you mean `channels`?"),
        ("law", "p.yaml:1:7: `pack` is the text `law`; expected a mapping"),
    ],
)  # fmt: skip
def test_a_wrong_section_is_told_at_its_place(section, message):
    assert _read(f"pack: {section}\npolicies: []\n") == (None, [message])


def test_the_second_pack_of_an_id_is_told():
    first, second = (_read(WHOLE, file)[0] for file in ("a.yaml", "b.yaml"))
    problems: list[Problem] = []
    assert first
    assert second

    kept = unlike([first, second], problems)

    assert kept == (first,)
    assert [str(problem).split("\n")[0] for problem in problems] == [
        "b.yaml:2:7: duplicate pack `us-tcpa-hours`; the first is at a.yaml:2:7"
    ]
