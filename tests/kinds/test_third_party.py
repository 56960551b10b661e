"""A kind of a third party: installed, it is judged by every engine, and has code for none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PathDistribution
from pathlib import Path

import duckdb
import pytest

from policykit.backends.primitives_duckdb import DUCKDB
from policykit.backends.python import compile_rules
from policykit.backends.reference import judge
from policykit.backends.sql import mask
from policykit.compile import compile_ruleset
from policykit.engine import Engine, reference_decide
from policykit.errors import Problem
from policykit.facts.row import derive
from policykit.ir.rules import RuleSet
from policykit.ir.walk import type_of
from policykit.language.policy import PolicyReader
from policykit.language.registry import read_registry
from policykit.language.tree import ListNode
from policykit.language.yaml import parse_yaml
from policykit.model import DAY, HOUR, Address, Campaign, Decision, Person, Prepared, Variant, Verdict
from policykit.plugins import Plugin, Plugins, discover

PACKAGE = Path(__file__).parent.parent / "plugin_kind"
MONDAY = 4 * DAY  # 1970-01-05T00:00Z
LATE_SUNDAY = MONDAY - HOUR  # already Monday in Tokyo, still Sunday in New York

POLICIES = """
- {id: never-on-sunday, kind: weekday, forbid: {days: [sun]}, on_breach: block}
- {id: gold-on-workdays, kind: weekday, for: {recipient.tier: gold}, require: {days: [mon, tue, wed, thu, fri]},
   on_breach: {downgrade: {channel: [email]}}}
- {id: not-for-strangers, kind: rule, forbid: "recipient.tier == 'none'", on_breach: block}
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugins]:
    """The package as an installer would leave it: its module on the path and its entry point."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    info = tmp_path / "policykit_weekday-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: policykit-weekday\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[policykit]\nweekday = policykit_weekday\n")
    return discover(PathDistribution(info).entry_points)


@pytest.fixture
def rules(plugins: Plugins) -> RuleSet:
    problems: list[Problem] = []
    registry = read_registry([], problems, plugin_facts=plugins.facts)
    node, _ = parse_yaml(POLICIES, "p.yaml")
    assert isinstance(node, ListNode)
    reader = PolicyReader(registry, plugins.kinds, problems)
    policies = [policy for item in node.items if (policy := reader.read(item))]
    assert problems == []
    return compile_ruleset(policies, registry, plugins.kinds)


@dataclass(frozen=True)
class Seen:
    """One person at one instant, and the decision."""

    zone: str | None
    tier: str | None
    at: int
    decision: Decision


ALLOWED = Decision(Verdict.ALLOW, channel="push", at=MONDAY)
CASES = {
    "monday": Seen("Europe/Paris", "silver", MONDAY, ALLOWED),
    "monday there already": Seen(
        "Asia/Tokyo", "gold", LATE_SUNDAY, Decision(Verdict.ALLOW, channel="push", at=LATE_SUNDAY)
    ),
    "still sunday there": Seen(
        "America/New_York", "silver", LATE_SUNDAY, Decision(Verdict.BLOCK, determining=("never-on-sunday",))
    ),
    "zone unknown": Seen(
        None, "silver", MONDAY,
        Decision(Verdict.BLOCK, determining=("never-on-sunday",), undetermined=("never-on-sunday",)),
    ),
    "tier unknown": Seen(
        "Europe/Paris", None, MONDAY,
        Decision(Verdict.BLOCK, determining=("not-for-strangers",), undetermined=("not-for-strangers",)),
    ),
}  # fmt: skip


def _campaign(at: int) -> Campaign:
    known = Variant(())
    return Campaign("spring", (Prepared("push", content=known), Prepared("email", content=known)), at)


def _person(seen: Seen) -> Person:
    addresses = {"push": Address("t1"), "email": Address("a@example.com")}
    return Person("1", {"recipient.zone": seen.zone, "recipient.tier": seen.tier}, addresses=addresses)


def test_it_is_installed(plugins: Plugins) -> None:
    assert plugins.found[-1] == Plugin("weekday", "policykit-weekday", "0.1.0", None, ("weekday",), ("recipient.tier",))
    assert plugins.problems == ()


@pytest.mark.parametrize("name", CASES)
def test_it_decides(rules: RuleSet, name: str) -> None:
    seen = CASES[name]

    by_reference = reference_decide(rules, _campaign(seen.at), _person(seen), seen.at)
    by_python = Engine(rules).decide(_campaign(seen.at), _person(seen), seen.at)

    assert by_reference == seen.decision
    assert by_python == by_reference


@pytest.mark.parametrize("name", CASES)
def test_every_engine_agrees(rules: RuleSet, name: str) -> None:
    seen = CASES[name]
    row = derive(rules, _campaign(seen.at), _person(seen), "push", False, frozenset(), seen.at, seen.at)

    by_reference = judge(rules, row)
    by_python = compile_rules(rules.rules, rules.leaves, rules.use_leaves)(row)

    names = {leaf: f"f{i}" for i, leaf in enumerate(rules.leaves)}
    columns = ", ".join(f"CAST(? AS {DUCKDB.types[type_of(leaf)]}) AS {names[leaf]}" for leaf in rules.leaves)
    breached, undetermined = mask(rules.rules, names.__getitem__, DUCKDB)
    query = f"SELECT {', '.join((*breached, *undetermined))} FROM (SELECT {columns})"
    by_sql = duckdb.connect().execute(query, row.values).fetchall()

    assert by_python[:2] == by_reference[:2]
    assert by_sql == [by_reference[:2]]


def test_its_mistakes_are_told_like_ours(plugins: Plugins) -> None:
    problems: list[Problem] = []
    registry = read_registry([], problems, plugin_facts=plugins.facts)
    node, _ = parse_yaml("- {id: p, kind: weekday, forbid: {days: [sund]}, on_breach: block}", "p.yaml")
    assert isinstance(node, ListNode)

    PolicyReader(registry, plugins.kinds, problems).read(node.items[0])

    assert [str(problem) for problem in problems] == [
        (
            "p.yaml:1:42: unknown days `sund`; did you mean `sun`?\n"
            "  help: expected one of `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`"
        )
    ]
