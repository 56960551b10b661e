"""Somebody who was forgotten is nobody, and is not mailed: the very next send obeys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import policykit
from policykit.assemble import decisions, forgetting
from policykit.assemble.pseudonyms import pseudonyms
from policykit.errors import UsageError
from policykit.testing.double import Double

NEVER_AGAIN = (
    "policies:\n"
    "  - {id: never-again, kind: rule, forbid: send.address.suppressed, on_breach: block, because: They said no.}\n"
)


@pytest.fixture
def installed(shop: Path, double: Double, grown_up: Callable[[], None]) -> Path:
    (shop / "policies/never.yaml").write_text(NEVER_AGAIN)
    policykit.install(shop)
    grown_up()
    return shop


def test_the_next_send_to_somebody_forgotten_is_refused(installed, send, double):
    first = send("ana@example.com")

    forgetting.forget(installed, ["ana"], dry=False)

    assert (first, send("ana@example.com")) == (202, 403)
    assert len(double.requests) == 1
    (last,) = decisions.tail(installed, 1)
    assert (last.who, last.record.decision.determining) == (None, ("adults-only", "never-again"))


def test_an_old_file_does_not_bring_them_back(installed, send, double, grown_up):
    forgetting.forget(installed, ["ana"], dry=False)

    grown_up()

    assert send("ana@example.com") == 403
    assert double.requests == []


def test_named_by_the_application_they_are_a_stranger(installed, send):
    send("ana@example.com")
    name = pseudonyms(installed)("ana")
    before = [line.who for line in decisions.tail(installed, 9)]

    forgetting.forget(installed, ["ana"], dry=False)

    with policykit.sending(campaign="spring", person="ana"):
        send("someone@example.com", campaign=None)
    assert before == [name]
    assert [line.who for line in decisions.tail(installed, 9) if line.event is None] == ["forgotten", None]
    assert decisions.verify(installed).holds
    with pytest.raises(UsageError, match="knows nobody of this id"):
        forgetting.forget(installed, ["ana"], dry=True)
