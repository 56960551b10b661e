"""Breaking any node kind in any backend is noticed: otherwise the laws about nodes prove little."""

from __future__ import annotations

import pytest

from policykit.ir import nodes
from tests.laws.break_nodes import BREAKS, noticed


@pytest.mark.slow
@pytest.mark.parametrize("one", BREAKS, ids=lambda one: " ".join(str(one).split()))
def test_a_broken_node_is_noticed(one: object) -> None:
    assert noticed(one)  # type: ignore[arg-type]  # of BREAKS


def test_every_node_kind_is_broken_in_every_backend_that_reads_it() -> None:
    operators = (
        nodes.Const, nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.In, nodes.If, nodes.Arith, nodes.Text,
        nodes.Size, nodes.Rank, nodes.ToDouble, nodes.Known,
    )  # fmt: skip
    quantifiers = (nodes.ExistsUse, nodes.AllUses, nodes.SumUses)
    plain = {*nodes.LEAVES, *operators}

    broken = {(one.backend, one.kind) for one in BREAKS if one.way == "wrong"}

    for backend in ("reference", "kleene", "known"):
        assert {kind for name, kind in broken if name == backend} == {*plain, *nodes.USE_LEAVES, *quantifiers}
    assert {kind for name, kind in broken if name == "sql"} == plain
