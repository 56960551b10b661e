"""What a dry run reports adds up: its numbers are counts over the reference's decisions, its suggestions
are what the reference says when it judges again, and its files have every row once.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.dryrun.numbers import Numbers
from policykit.dryrun.run import Options, dry_run
from policykit.engine import decide_audience
from policykit.ir.rules import Rule, RuleSet
from policykit.model import Decision, Person, Verdict
from tests.examples import examples
from tests.laws import oracle
from tests.laws.oracle_compile import registry_of, ruleset_of
from tests.laws.oracle_files import write_tables
from tests.laws.strategies import Setting, Tables, settings_of
from tests.laws.strategies_audience import audience
from tests.laws.strategies_policies import policies


def once(tables: Tables) -> Tables:
    """The tables with every person once in the audience: then rows can be judged again one by one."""
    return replace(tables, people=tuple({row["id"]: row for row in tables.people}.values()))


def tally(items: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(item for item in items if item is not None))


def counted(decisions: list[Decision]) -> Numbers:
    """The numbers that follow from decisions alone."""
    verdicts = Counter(decision.verdict for decision in decisions)
    return Numbers(
        rows=len(decisions),
        people=len(decisions),
        allowed=verdicts[Verdict.ALLOW],
        downgraded=verdicts[Verdict.DOWNGRADE],
        blocked=verdicts[Verdict.BLOCK],
        unknown=sum(bool(decision.undetermined) for decision in decisions),
        moved=tally(decision.changes.channel for decision in decisions),
        stripped=tally(name for decision in decisions for name in decision.changes.strip),
        generic=sum(decision.changes.generic for decision in decisions),
        delayed=sum(decision.changes.send_at is not None for decision in decisions),
        channels=tally(decision.channel for decision in decisions),
        impossible=tally(decision.impossible for decision in decisions),
    )


def would_be_allowed(setting: Setting, ruleset: RuleSet, people: list[Person], without: Iterable[Rule]) -> list[bool]:
    gone = {rule.policy for rule in without}
    fewer = replace(ruleset, rules=tuple(rule for rule in ruleset.rules if rule.policy not in gone))
    again = decide_audience(fewer, setting.campaign, people, setting.now)
    return [decision.verdict is Verdict.ALLOW for decision in again]


@settings(max_examples=examples(5), deadline=None, suppress_health_check=list(HealthCheck))
@given(settings_of(policies(1, 4)), st.integers(0, 2**32))
def test_reports_add_up(setting: Setting, seed: int) -> None:
    ruleset, tables = ruleset_of(setting), once(audience(setting, seed, 80))
    people = oracle.people(tables)
    decisions = decide_audience(ruleset, setting.campaign, people, setting.now)

    with TemporaryDirectory() as folder:
        place = Path(folder)
        sources, vocabulary = write_tables(tables, place, "csv"), registry_of(setting).vocabulary
        out, lists = place / "out.parquet", place / "lists"
        result = dry_run(
            ruleset, setting.campaign, sources, setting.now, vocabulary=vocabulary, out=out, lists=lists,
            options=Options(threads=1),
        )  # fmt: skip
        rows = pq.read_table(out).to_pylist()
        listed = [row for path in sorted(lists.glob("*.csv")) for row in csv.DictReader(path.read_text().splitlines())]

    said = result.numbers
    assert replace(said, styles={}, policies=(), suggestions=(), examples=(), assumed={}) == counted(decisions)
    assert {p.policy: (p.alone, p.unknown) for p in said.policies} == {
        rule.policy: (
            sum(decision.alone == rule.policy for decision in decisions),
            sum(rule.policy in decision.undetermined for decision in decisions),
        )
        for rule in ruleset.rules
    }
    assert len(rows) == len(listed) == len(people)
    assert sum(example.alike for example in said.examples) <= said.downgraded + said.blocked


@settings(max_examples=examples(5), deadline=None, suppress_health_check=list(HealthCheck))
@given(settings_of(policies(1, 4)), st.integers(0, 2**32))
def test_a_suggestion_is_a_number_computed_by_judging_again(setting: Setting, seed: int) -> None:
    ruleset, tables = ruleset_of(setting), once(audience(setting, seed, 80))
    people = oracle.people(tables)
    decisions = decide_audience(ruleset, setting.campaign, people, setting.now)

    with TemporaryDirectory() as folder:
        sources = write_tables(tables, Path(folder), "csv")
        vocabulary = registry_of(setting).vocabulary
        found = dry_run(ruleset, setting.campaign, sources, setting.now, vocabulary=vocabulary).numbers.suggestions

    for suggestion in found:
        if suggestion.kind == "policy":
            without = [rule for rule in ruleset.rules if rule.policy == suggestion.subject]
        elif suggestion.kind == "consent":
            without = [rule for rule in ruleset.rules if rule.kind == "consent"]
        else:
            continue
        allowed = would_be_allowed(setting, ruleset, people, without)
        more = [now for now, then in zip(decisions, allowed, strict=True) if then and now.verdict is not Verdict.ALLOW]
        blocked = sum(decision.verdict is Verdict.BLOCK for decision in more)
        assert (suggestion.more_allowed, suggestion.of_blocked) == (len(more), blocked), suggestion
