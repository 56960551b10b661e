"""Requests as they should never come, through the whole gate: a decision, and nothing of the body anywhere."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from policykit.adapters.base import Adapter
from policykit.adapters.wire import OutgoingRequest
from policykit.enforce.context import sending
from policykit.errors import UnreadableSend
from policykit.testing.damage import damaged, for_all
from policykit.testing.recordings import Recording, read_recording
from tests.enforce.worlds import ADAPTERS, World, rules_of

PLUGINS = Path(__file__).parent.parent.parent / "plugins"
RECORDED = {
    "sendgrid": ("sdk-many", "anymail-one"),
    "fcm": ("send-platforms", "requests-by-hand"),
    "twilio": ("sms", "whatsapp_template"),
}
EACH = [(adapter, name) for adapter in ADAPTERS for name in RECORDED.get(adapter.name, ())]


@pytest.fixture
def world(tmp_path):
    with World(rules_of(tmp_path)) as world:
        yield world


def recorded(adapter: Adapter, name: str) -> Recording:
    return read_recording(PLUGINS / f"policykit-{adapter.name}" / "tests" / "recordings" / f"{name}.http")


def unreadable(adapter: Adapter, request: OutgoingRequest) -> str | None:
    """Why it cannot be read, None when it can."""
    try:
        adapter.read(request)
    except UnreadableSend as error:
        return error.why
    return None


@pytest.mark.parametrize(("adapter", "name"), EACH, ids=lambda each: getattr(each, "name", each))
def test_marketing_that_cannot_be_read_is_refused_and_strangers_consent_to_nothing(world, adapter, name):
    def law(request: OutgoingRequest) -> None:
        why = unreadable(adapter, request)
        if why is None and all(send.silent for send in adapter.read(request)):
            return

        plan = world.gate.plan(request)

        judged = [record for record in plan.records if record.effect == "refused"]
        assert plan.forward is None
        assert plan.answer is not None
        assert plan.answer.status in (400, 403, 422)
        assert judged
        assert why is None or [record.failed for record in judged] == [why]

    for_all(damaged(recorded(adapter, name).request), law)


@pytest.mark.parametrize(("adapter", "name"), EACH, ids=lambda each: getattr(each, "name", each))
def test_transactional_that_cannot_be_read_passes_untouched(world, adapter, name):
    def law(request: OutgoingRequest) -> None:
        why = unreadable(adapter, request)
        if why is None:
            return
        with sending(campaign="receipt") as sent:
            plan = world.gate.plan(request)

        assert plan.forward is request
        assert [(record.effect, record.failed) for record in sent.decisions] == [
            ("passed", unreadable(adapter, request))
        ]

    for_all(damaged(recorded(adapter, name).request), law)


@pytest.mark.parametrize(("adapter", "name"), EACH, ids=lambda each: getattr(each, "name", each))
def test_nothing_of_a_body_or_a_credential_is_told_anywhere(world, adapter, name, caplog):
    caplog.set_level(logging.DEBUG)
    whole = recorded(adapter, name).request
    private = {text for send in adapter.read(whole) for text in (send.address, *send.content.values()) if text}
    private.add((whole.header("Authorization") or "").removeprefix("Bearer "))

    def law(request: OutgoingRequest) -> None:
        plan = world.gate.plan(request)

        shown = [repr(plan), repr(plan.records), plan.answer.body.decode() if plan.answer else ""]
        shown += [record.reason for record in plan.records]
        assert not [text for text in private for place in shown if len(text) > 5 and text in place]

    for_all(damaged(whole), law)
    told = "\n".join([caplog.text, *(each.line for each in world.store.decisions())])
    assert not [text for text in private if len(text) > 5 and text in told]
