"""One decision in process: our generated function against zen-engine and cel-expr-python.

    pip install -r tests/benchmarks/peers.txt        # in an environment of its own
    python -m tests.benchmarks.bench_decision [--payloads 5000] [--rounds 21] [--json FILE]

The workload is `workload/`: 24 policies over consent, channels, hours, caps, 0 to 6 attributes,
minors, countries and recital, loaded and compiled as any workspace. The same rules are printed from
our IR into the peers' languages (`peers.py`), every engine answers for every rule, all answers must
agree on every payload, and rounds are interleaved; only the ratios travel to other machines. The
facts are in hand: a fact row for us, a dictionary with the same values for the peers.

Then whole decisions, rounds and all, against one call of the bare function on the same sends: with the
facts in hand (rows in, `Decision` out), and from a person's record, where the rows are derived too.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from time import process_time
from typing import TypeVar

from policykit.backends.python import compile_rules
from policykit.engine import Engine, reference_decide
from policykit.facts.row import Sight, State, fact_row
from policykit.ir.nodes import (
    Allowed,
    ConsentMet,
    Fact,
    Leaf,
    Member,
    Sends,
    Type,
    UseCollectedFor,
    UseFact,
    UseLeaf,
    UseOrigin,
    Value,
)
from policykit.ir.rows import FactRow, Judged
from policykit.ir.rules import RuleSet
from policykit.ir.walk import type_of
from policykit.model import DAY, Attribute
from policykit.rounds import Laws, decide
from tests.benchmarks.peers import Payload, cel_judge, payload_of, zen_judge
from tests.benchmarks.people import NOW, campaigns, person
from tests.benchmarks.timing import interleaved, verdict
from tests.benchmarks.workspace import compile_workspace

T = TypeVar("T")
Runs = dict[str, Callable[[], object]]
WORKLOAD = Path(__file__).parent / "workload"

# What a fact is, and how often: the weights make about half of the sends pass.
FACTS: dict[str, tuple[Value, ...]] = {
    "send.channel": ("email",) * 5 + ("push",) * 3 + ("sms", "in_app"),
    "send.message_class": ("marketing",) * 8 + ("service", "transactional"),
    "send.address.shared": (False,) * 9 + (True,),
    "send.rank": (20, 40, 40, 40, 65, 65, 75),
    "send.at": (NOW,),
    "recipient.country": ("FR", "DE", "US", "CA", "IN", "GB", "ES", "IT"),
    "recipient.age": (16, 19, 23, 28, 31, 35, 40, 44, 47, 52, 58, 61, 66, 71, 80),
    "recipient.account_type": ("consumer", "consumer", "consumer", "business"),
    "recipient.customer": (True, True, True, False),
    "recipient.degree": ("inferred",) * 7 + ("observed", "provided"),
    "recipient.tolerance": (60, 100, 110, 120, 130, 150),
    "recipient.last_purchase_at": (NOW - 10 * DAY, NOW - 400 * DAY, NOW - 800 * DAY),
    "recipient.suppressed": (False,) * 30 + (True,),
    "recipient.registered_refusal": (False,) * 9 + (True,),
    "recipient.offers": (4, 5, 6),
    "recipient.personal_offers": (0, 1, 2, 2, 3),
    "consent.status": ("given",) * 12 + ("missing", "refused"),
}


def value_of(leaf: Leaf, rng: Random) -> Value:
    match leaf:
        case Fact(path):
            return rng.choice(FACTS[path])
        case ConsentMet():
            return rng.random() < 0.93
        case Member():
            return rng.random() < 0.03
        case Allowed():
            return rng.random() < 0.93
        case Sends():
            return rng.choice((0, 0, 0, 0, 1, 1, 2, 3))
    return rng.random() < 0.5 if type_of(leaf) is Type.BOOL else None


def use_value(leaf: UseLeaf, attribute: Attribute, members: Sequence[Attribute], rng: Random) -> Value:
    match leaf:
        case UseOrigin(origin):
            return any(member.origin == origin for member in members)
        case UseCollectedFor():
            return rng.random() < 0.97
        case UseFact("recited"):
            return rng.random() < 0.3
        case UseFact(field):
            return getattr(attribute, field, attribute.id)  # type: ignore[no-any-return]  # fields of the registry
    raise NotImplementedError(leaf)


def rows(ruleset: RuleSet, count: int, seed: int = 7) -> list[FactRow]:
    """Fact rows with 0 to 6 uses, all facts known."""
    rng = Random(seed)
    names = sorted(ruleset.attributes)
    common = [name for name in names if name not in ("income", "expecting", "device")]
    made = []
    for _ in range(count):
        chosen = rng.sample(common * 2, rng.randint(0, len(common) * 2)) if rng.random() < 0.8 else names
        uses = []
        for name in chosen:
            attribute = ruleset.attributes[name]
            members = [ruleset.attributes[member] for member in attribute.lineage or (name,)]
            uses.append(tuple(use_value(leaf, attribute, members, rng) for leaf in ruleset.use_leaves))
        values = tuple(value_of(leaf, rng) for leaf in ruleset.leaves)
        made.append(FactRow(values, tuple(uses), tuple(chosen)))
    return made


def clouded(facts: list[FactRow], seed: int = 8) -> list[FactRow]:
    """The same rows with about one fact in twenty unknown: nothing the peers could judge."""
    rng = Random(seed)
    return [replace(row, values=tuple(None if rng.random() < 0.05 else value for value in row.values)) for row in facts]


def assert_agreement(
    judge: Callable[[FactRow], Judged], peers: dict[str, Callable[[Payload], Sequence[bool]]],
    facts: list[FactRow], payloads: list[Payload],
) -> Counter[int]:  # fmt: skip
    """Every engine says the same of every rule and payload; how many rules were breached, as a count."""
    counts: Counter[int] = Counter()
    for row, payload in zip(facts, payloads, strict=True):
        ours = judge(row).breached
        counts[ours.bit_count()] += 1
        for name, peer in peers.items():
            theirs = sum(bool(answer) << index for index, answer in enumerate(peer(payload)))
            assert theirs == ours, f"{name} and we differ on {payload}: {theirs:b} and {ours:b}"
    return counts


def over(run: Callable[[T], object], items: Sequence[T]) -> Callable[[], object]:
    def each() -> None:
        for item in items:
            run(item)

    return each


class InHand:
    """A judge whose fact rows were derived before: what is left of a decision when facts arrive ready.

    rows: those of one decision, in the order in which it asks for them.
    """

    def __init__(self, ruleset: RuleSet, judge: Callable[[FactRow], Judged]) -> None:
        self.ruleset, self.judge = ruleset, judge
        self.rows: list[FactRow] = []

    def derive(self, sight: Sight, state: State) -> Judged:
        """Judges, and keeps the row for later."""
        row = fact_row(sight, state, self.ruleset.leaves, self.ruleset.use_leaves)
        self.rows.append(row)
        return self.judge(row)


def decisions(ruleset: RuleSet, judge: Callable[[FactRow], Judged], count: int) -> tuple[Runs, Counter[str]]:
    """Runs over people's records: the bare function, a whole decision with rows in hand, one from the record."""
    rng = Random(11)
    chosen = campaigns(ruleset, rng)
    sends = [(chosen[number % len(chosen)], person(ruleset, rng, number)) for number in range(count)]
    laws, in_hand, engine = Laws(ruleset), InHand(ruleset, judge), Engine(ruleset)
    ready, verdicts = [], Counter[str]()
    for campaign, somebody in sends:
        in_hand.rows = []
        decision = decide(laws, in_hand.derive, campaign, somebody, NOW)
        assert decision == engine.decide(campaign, somebody, NOW) == reference_decide(ruleset, campaign, somebody, NOW)
        verdicts[str(decision.verdict)] += 1
        ready.append((campaign, somebody, in_hand.rows))
    first = [rows[0] for _, _, rows in ready]

    def whole() -> None:
        for campaign, somebody, kept in ready:
            rows = iter(kept)
            decide(laws, lambda sight, state: judge(next(rows)), campaign, somebody, NOW)  # noqa: B023  # called at once

    def from_record() -> None:
        for campaign, somebody in sends:
            engine.decide(campaign, somebody, NOW)

    return {"bare": over(judge, first), "whole": whole, "record": from_record}, verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    ruleset = compile_workspace(WORKLOAD)
    judge = compile_rules(ruleset.rules, ruleset.leaves, ruleset.use_leaves)
    facts = rows(ruleset, options.payloads)
    payloads = [payload_of(ruleset, row) for row in facts]
    peers = {"zen-engine": zen_judge(ruleset), "cel-expr-python": cel_judge(ruleset)}
    counts = assert_agreement(judge, peers, facts, payloads)
    shares = [counts[0], counts[1], sum(n for breached, n in counts.items() if breached > 1)]
    said = " / ".join(f"{share / len(facts):.0%}" for share in shares)
    print(f"{len(ruleset.rules)} rules, {len(facts)} payloads, all agree; breached none / one / more: {said}")
    times = interleaved(
        {
            "generated function": over(judge, facts),
            "some facts unknown": over(judge, clouded(facts)),
            **{name: over(peer, payloads) for name, peer in peers.items()},
        },
        options.rounds,
        process_time,
    )
    function = times["generated function"]
    print(f"{'generated function':20} {function / len(facts) * 1e6:8.2f} us")
    print(f"{'some facts unknown':20} {times['some facts unknown'] / len(facts) * 1e6:8.2f} us   three-valued")
    for name, goal in (("zen-engine", 1 / 5), ("cel-expr-python", 1 / 10)):
        ratio = verdict(function / times[name], goal)
        print(f"{name:20} {times[name] / len(facts) * 1e6:8.2f} us   ours / theirs {ratio}")
    runs, verdicts = decisions(ruleset, judge, options.payloads)
    times |= interleaved(runs, options.rounds, process_time)
    print(f"whole decisions over {options.payloads} people, {dict(verdicts)}, both engines agree")
    for name, says in (("bare", "bare function"), ("whole", "decide, facts in"), ("record", "decide, record in")):
        ratio = f"   ratio {verdict(times[name] / times['bare'], 4)}" if name == "whole" else ""
        ratio = f"   ratio {times[name] / times['bare']:.1f}, rows derived too" if name == "record" else ratio
        print(f"{says:20} {times[name] / options.payloads * 1e6:8.2f} us{ratio}")
    if options.json:
        options.json.write_text(json.dumps(times, indent=2) + "\n")


if __name__ == "__main__":
    main()
