from collections.abc import Iterator
from pathlib import Path

import pytest

from policykit.enforce.guards import attach_all
from policykit.testing.double import Double
from tests.guards.gates import ScriptedGate

POLICIES = """
policies:
  - {id: a-grant, kind: consent, require: {quality: {at_least: soft_opt_in}}, on_breach: block}
"""


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as double:
        yield double


@pytest.fixture
def gate() -> Iterator[ScriptedGate]:
    """A gate with every guard in front of it."""
    gate = ScriptedGate()
    detach = attach_all(gate)
    yield gate
    detach()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """One policy: nobody is sent marketing without a grant."""
    root = tmp_path / "workspace"
    (root / "policies").mkdir(parents=True)
    (root / "policykit.yaml").write_text("mode: enforce\npolicies: [policies/]\n")
    (root / "policies" / "consent.yaml").write_text(POLICIES)
    return root
