"""The page of every kind holds a policy that works, and names all that its body may say."""

from __future__ import annotations

import re

import jsonschema
import pytest

from policykit.compile import compile_ruleset
from policykit.errors import Problem
from policykit.hookspecs import Kind
from policykit.ir.nodes import Const
from policykit.ir.rules import RuleSet
from policykit.ir.walk import nodes
from policykit.kinds import BUILT_IN
from policykit.language.policy import PolicyReader
from policykit.language.registry import Registry
from policykit.language.schema import Shape
from policykit.language.tree import ListNode, MapNode
from policykit.language.yaml import parse_yaml
from policykit.reports.json_schema import closed

KINDS = {kind.name: kind for kind in BUILT_IN}


def _compiled(kind: Kind) -> RuleSet:
    example = re.search(r"```yaml\n(.*?)```", kind.page, re.DOTALL)
    assert example is not None
    node, problems = parse_yaml(example[1], "page.yaml")
    assert problems == []
    assert isinstance(node, MapNode)
    policies = node.get("policies")
    assert isinstance(policies, ListNode)
    found: list[Problem] = []
    read = [PolicyReader(Registry(), KINDS, found).read(item) for item in policies.items]
    assert found == []
    return compile_ruleset([policy for policy in read if policy], Registry(), KINDS)


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
def test_the_example_of_a_page_works(kind: Kind) -> None:
    assert [rule.kind for rule in _compiled(kind).rules] == [kind.name]


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
def test_the_page_names_its_reasons(kind: Kind) -> None:
    (rule,) = _compiled(kind).rules

    codes = {str(node.value) for node in nodes(rule.reason) if isinstance(node, Const) and "." in str(node.value)}

    assert codes
    assert all(f"`{code}`" in kind.page for code in codes)
    assert {code.split(".")[0] for code in codes} == {kind.name}


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
def test_the_page_names_every_field(kind: Kind) -> None:
    fields = {name for schema in kind.schemas.values() for name in schema or ()} | set(kind.extra)

    # `style` refers to the page of `data` for the fields of a use.
    shared = set(KINDS["data"].schemas["forbid"] or ()) if kind.name in ("style", "purpose") else set()
    assert {name for name in fields - shared if name not in kind.page} == set()


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"origin": "purchased"}, True),
        ({"origin": ["purchased", "inferred"]}, True),
        ({"origin": {"at_most": {"fact": "recipient.degree"}}}, True),
        ({"origin": {"not": ["purchased"]}}, True),
        ({"origin": "purchase"}, False),
        ({"origin": ["purchased", "bought"]}, False),
        ({"origin": {"at_lest": "purchased"}}, False),
        ({"sensitivity": {"at_least": "finance"}}, False),
        ({"category": "user.health"}, True),
        ({"age": {"at_least": "1 hour"}}, True),
    ],
)
def test_editors_know_the_members(body: dict[str, object], fits: bool) -> None:
    schema = closed(KINDS["data"].schemas["forbid"] or {})

    assert jsonschema.Draft202012Validator(schema).is_valid(body) is fits


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
def test_schemas_are_plain_enough_for_our_messages(kind: Kind) -> None:
    for schema in (*kind.schemas.values(), kind.extra):
        Shape(schema or {}, kind.name)
