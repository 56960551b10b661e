"""How a missing way out, an unjoined program and a use nobody asked for are told."""

from __future__ import annotations

import pytest

REGISTRY = """
attributes:
- {id: moving, origin: observed, collected_for: [marketing], disclosed_as: a move}
- {id: town, origin: provided, collected_for: [marketing], disclosed_as: your town}
programs:
- {id: home, purpose: marketing, asks: [moving], gives: [{id: month, what: a month}]}
"""
POLICY = "policies:\n- {{id: p, kind: {kind}, require: {body}, on_breach: block, because: It must be.}}\n"
SEND = """
now: "2026-03-02T10:00:00+01:00"
send: {{channel: email, {send}}}
recipient: {{age: 40, addresses: {{email: a}}}}
consents: []
"""


@pytest.mark.parametrize(
    ("kind", "body", "send", "told"),
    [
        ("content", "{one_click_unsubscribe: true, unsubscribe: true}",
         "purpose: marketing, content: {text: Buy, headers: {}}", (
            "it has no one-click unsubscribe; its text names no way out",
            "one click unsubscribed and its text named a way out",
        )),
        ("content", "{says: '(AD)', in: subject, at: start}", "purpose: marketing, content: {subject: Buy}", (
            "its subject does not begin with `(AD)`", "its subject did",
        )),
        ("content", "{unsubscribe: true}", "purpose: marketing", (
            "nobody says whether the message names a way out", "somebody said whether the message names a way out",
        )),
        ("program", "{joined: this_program}", "program: home", (
            "they have not joined `home`", "they joined `home`",
        )),
        ("program", "{delivers: true}", "program: home", (
            "it brings nothing that `home` gives", "it named a benefit of `home` that it delivers",
        )),
        ("program", "{asked: this_program}", "program: home, uses: [town]", (
            "the text rests on `town`, which `home` does not ask for", "the message did without `town`",
        )),
        ("program", "{joined: asking_program}", "purpose: marketing, uses: [moving]", (
            "the text rests on `moving`, which is for `home`, and they have not joined",
            "the message did without `moving`",
        )),
    ],
)  # fmt: skip
def test_a_missing_promise_is_told(policykit, workspace, kind, body, send, told):
    root = workspace({"policies/all.yaml": REGISTRY + POLICY.format(kind=kind, body=body)})

    out = policykit("explain", "--send", "-", "--workspace", str(root), stdin=SEND.format(send=send).encode()).out

    found, way = told
    assert f"What we know: {found}.\n" in out
    assert f"It would go as planned if {way}.\n" in out


@pytest.mark.parametrize(
    ("consents", "told"),
    [
        (
            "[{status: refused, attribute: town, at: '2026-01-01T00:00:00Z'}]",
            "the text rests on `town`, which they refused",
        ),
        ("null", "nobody says what they consented to"),
    ],
)
def test_what_they_refused_is_told(policykit, workspace, consents, told):
    policy = "policies:\n- {id: p, kind: data, forbid: {refused: true}, on_breach: block, because: They said no.}\n"
    root = workspace({"policies/all.yaml": REGISTRY + policy})
    send = SEND.format(send="purpose: marketing, uses: [town]").replace("consents: []", f"consents: {consents}")

    out = policykit("explain", "--send", "-", "--workspace", str(root), stdin=send.encode()).out

    assert f"What we know: {told}.\n" in out
