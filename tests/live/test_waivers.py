"""Live, a waiver lets through what it lets through in a dry run, and the decision says so."""

from __future__ import annotations

import pytest

import policykit
from policykit.cli.main import main

WAIVER = """\
waivers:
  - {id: school, policy: adults-only, owner: the school shop, because: The timetable goes to pupils., ends: 2999-12-31,
     %s}
"""


@pytest.mark.parametrize(
    ("scope", "answers"),
    [("when: 'true'", [202, 202]), ("for: {campaign: other}", [202, 403]), ("when: recipient.customer", [202, 403])],
)
def test_a_waiver_is_honoured_where_its_scope_is_known_to_hold(shop, send, grown_up, scope, answers):
    (shop / "policies" / "waivers.yaml").write_text(WAIVER % scope, "utf-8")
    policykit.install(shop)
    grown_up()

    assert [send("ana@example.com"), send("ben@example.com")] == answers


def test_a_decision_that_a_waiver_made_possible_says_so(shop, send, grown_up, capsys):
    (shop / "policies" / "waivers.yaml").write_text(WAIVER % "for: {campaign: spring}", "utf-8")
    it = policykit.install(shop)
    grown_up()

    send("ben@example.com")

    (found,) = [policykit.judge(policykit.Send("email", "sendgrid", "ben@example.com", {}), campaign="spring")]
    assert (found.decision.waivers, found.reason) == (("school",), "set aside by `waiver:school`")
    logged = it.store.last(1)[0].line
    assert '"audit":["waiver:school"]' in logged
    main(["decisions", "tail", "--workspace", str(shop)])
    assert "set aside by `waiver:school`" in capsys.readouterr().out
