"""M11 at run time: an overlay's version stands beside the company's, so nothing it says lets a send pass."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.assemble.loosening import find_loosening
from policykit.compile import compile_ruleset
from policykit.engine import decide_audience
from policykit.ir.rules import RuleSet
from policykit.language.layers import LAYER_MARK
from policykit.language.load import load_workspace
from policykit.language.policy import PolicyReader
from policykit.language.tree import ListNode
from policykit.language.yaml import parse_yaml
from policykit.model import Decision, Verdict
from tests.examples import examples
from tests.laws import oracle
from tests.laws.oracle_compile import kinds, registry_of, ruleset_of, yaml_of
from tests.laws.strategies import Document, Setting, settings_of
from tests.laws.strategies_audience import audience as audience_of
from tests.laws.strategies_policies import policies
from tests.laws.strategies_waivers import with_waivers
from tests.laws.test_audience import QUICK, SEEDS

PAIRS = settings_of(policies(2, 2))


def as_versions(setting: Setting) -> tuple[Document, Document]:
    """Two policies as the company's and an overlay's version of one, as they stand beside each other."""
    company, overlay = setting.policies
    return {**company, "id": "p"}, {**overlay, "id": "p-of-a-team"}


@settings(QUICK, max_examples=examples(25))
@given(PAIRS, SEEDS)
def test_what_the_company_blocks_is_blocked_whatever_an_overlay_says(setting: Setting, seed: int) -> None:
    company, overlay = as_versions(setting)
    people = oracle.people(audience_of(setting, seed, 60))

    alone, both = (
        decide_audience(ruleset_of(setting, documents), setting.campaign, people, setting.now)
        for documents in ([company], [company, overlay])
    )

    blocked = [place for place, decision in enumerate(alone) if decision.verdict is Verdict.BLOCK]
    assert [both[place].verdict for place in blocked if first_row(people, place)] == [
        Verdict.BLOCK for place in blocked if first_row(people, place)
    ]


def first_row(people: list[oracle.Person], place: int) -> bool:
    """Whether it is the person's first row: later ones depend on what became of the earlier."""
    return all(other.id != people[place].id for other in people[:place])


@settings(QUICK, max_examples=examples(8))
@given(PAIRS, SEEDS)
def test_a_loosening_that_is_found_is_one(setting: Setting, seed: int) -> None:
    """Silent where the versions are one, and what it shows the engine decides so (it replays it itself)."""
    registry, problems = registry_of(setting), []
    node, _ = parse_yaml(yaml_of(list(as_versions(setting))), "p.yaml")
    assert isinstance(node, ListNode)
    company, overlay = (PolicyReader(registry, kinds(), problems).read(row) for row in node.items)
    assert company is not None
    assert overlay is not None

    same = find_loosening(company, company, registry, kinds())
    found = find_loosening(company, overlay, registry, kinds())

    assert same is None
    if found is not None:
        assert found.company.verdict > Verdict.ALLOW
        assert (found.company.verdict, found.company.changes) != (found.overlay.verdict, found.overlay.changes)


# --- order -------------------------------------------------------------------------------------------------


@settings(QUICK, max_examples=examples(6))
@given(with_waivers(settings_of(policies(3, 5)), 1), st.randoms(use_true_random=False), SEEDS)
def test_order_of_files_and_layers_never_changes_a_decision(setting: Setting, order: Random, seed: int) -> None:
    people = oracle.people(audience_of(setting, seed, 25))
    layers = [list(setting.policies), [{**policy, "owner": "a team"} for policy in setting.policies[:2]]]

    decided = []
    for folders in (["company", "team"], ["team", "company"]):
        files = {"company": layers[0], "team": layers[1]}
        ruleset = loaded(setting, folders, files, order)
        decisions = decide_audience(ruleset, setting.campaign, people, setting.now)
        decided.append([nameless(decision) for decision in decisions])

    assert decided[0] == decided[1]


def loaded(setting: Setting, folders: list[str], files: dict[str, list[Document]], order: Random) -> RuleSet:
    """The rules of a workspace whose policies and waivers lie in files of chance names, one in each."""
    with TemporaryDirectory() as name:
        root = Path(name)
        config = {"policies": folders, "assume": setting.config["assume"]}
        config |= {"controller": setting.config["controller"]} if setting.config["controller"] else {}
        write(root / "policykit.yaml", config)
        for folder, documents in files.items():
            rows = [{"policies": [document]} for document in documents]
            rows += [{"waivers": [waiver]} for waiver in setting.waivers] if folder == "team" else []
            for place, row in enumerate(order.sample(rows, len(rows))):
                write(root / folder / f"{place}.yaml", row)
        registry = {key: value for key, value in setting.registry.items() if key != "channels"}
        write(root / "company" / "registry.yaml", registry)
        workspace = load_workspace(root, kinds())
        return compile_ruleset(workspace.policies, workspace.registry, kinds(), workspace.waivers)


def write(path: Path, document: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")


def nameless(decision: Decision) -> tuple[object, ...]:
    """A decision with both versions of a policy called alike: which of them stood first is only a name."""

    def _alike(names: tuple[str, ...]) -> list[str]:
        return sorted({name.partition(LAYER_MARK)[0] for name in names})

    return (
        decision.verdict, decision.changes, decision.channel, decision.at, decision.impossible,
        _alike(decision.determining), _alike(decision.undetermined), _alike(decision.audit),
    )  # fmt: skip
