from collections.abc import Iterator

import pytest

from policykit.enforce.guards import attach_all
from policykit.testing.double import Double
from tests.guards.gates import ScriptedGate


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
