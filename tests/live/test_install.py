"""`install` puts guards on every client, once, and takes them off; a workspace that is not right is never installed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import policykit
from policykit.assemble.live import Status


def test_a_send_is_judged_through_a_client_made_before(shop, send, double, grown_up):
    policykit.install(shop)
    grown_up()

    assert [send("ana@example.com"), send("ben@example.com")] == [202, 403]
    assert len(double.requests) == 1


def test_a_client_made_after_is_guarded_too(shop, request, grown_up):
    policykit.install(shop)
    grown_up()

    send = request.getfixturevalue("send")

    assert [send("ana@example.com"), send("ben@example.com")] == [202, 403]


def test_nothing_is_judged_before_it_and_after_its_end(shop, send, double, grown_up):
    before = send("ben@example.com")
    with policykit.install(shop):
        grown_up()
        during = send("ben@example.com")
    after = send("ben@example.com")

    assert [before, during, after] == [202, 403, 202]
    assert len(double.requests) == 2


def test_a_second_install_of_the_same_workspace_is_the_same_installation(shop, send, grown_up):
    first = policykit.install(shop)
    grown_up()

    with policykit.install(str(shop)) as second:
        assert second is first
    with policykit.install(shop / ".." / shop.name):
        pass

    assert policykit.status().installed
    assert send("ben@example.com") == 403


def test_one_send_is_decided_once_however_often_it_is_installed(shop, send, grown_up):
    for _ in range(3):
        policykit.install(shop)
    grown_up()

    send("ana@example.com")

    assert len(policykit.install(shop).store.last(10)) == 1


def test_another_workspace_is_refused_and_the_first_stays(shop, tmp_path, send, grown_up):
    policykit.install(shop)
    grown_up()
    other = tmp_path / "other"
    other.mkdir()
    (other / "policykit.yaml").write_text("mode: audit\n")

    with pytest.raises(policykit.UsageError) as raised:
        policykit.install(other)

    assert str(raised.value) == (
        f"policykit is installed with another workspace: `{shop.resolve()}`, not `{other.resolve()}`\n"
        "  help: one process has one; `policykit.uninstall()` takes the first out"
    )
    assert send("ben@example.com") == 403


def test_another_mode_is_refused(shop):
    policykit.install(shop)

    with pytest.raises(policykit.UsageError, match="installed with the mode `enforce`, not `audit`"):
        policykit.install(shop, mode="audit")


def test_a_mode_that_does_not_exist_is_told_with_what_was_meant(shop):
    with pytest.raises(policykit.UsageError, match=r"no mode `enforced`; did you mean `enforce`\?"):
        policykit.install(shop, mode="enforced")


def test_audit_lets_everything_go_and_records_what_it_would_have_done(shop, send, double, grown_up):
    it = policykit.install(shop, mode="audit")
    grown_up()

    status = send("ben@example.com")

    found = policykit.decision_of(it.store.last(1)[0].line)
    assert (status, len(double.requests)) == (202, 1)
    assert found is not None
    assert (str(found.verdict), found.effect, found.mode) == ("block", "passed", "audit")


def test_off_judges_nothing(shop, send):
    it = policykit.install(shop, mode="off")

    assert send("ben@example.com") == 202
    assert it.store.last(10) == ()


def test_the_workspace_and_mode_may_come_from_the_environment(shop, send, monkeypatch):
    monkeypatch.setenv("POLICYKIT_WORKSPACE", str(shop))
    monkeypatch.setenv("POLICYKIT_MODE", "audit")

    policykit.install()

    assert (policykit.status().workspace, policykit.status().mode) == (shop.resolve(), "audit")


def test_the_nearest_workspace_from_here_is_taken(shop, monkeypatch):
    monkeypatch.chdir(shop / "policies")

    policykit.install()

    assert policykit.status().workspace == shop.resolve()


def test_no_workspace_is_told_with_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(policykit.UsageError) as raised:
        policykit.install()

    assert 'help: name it: `policykit.install("path")`, or set `POLICYKIT_WORKSPACE`' in str(raised.value)


def test_invalid_policies_stop_the_application_before_anything_is_sent(shop, send, double):
    (shop / "policies" / "adults.yaml").write_text(
        "policies:\n  - {id: adults, kind: rul, forbid: x, on_breach: blok}\n"
    )

    with pytest.raises(policykit.InvalidPolicies) as raised:
        policykit.install(shop)

    assert "unknown kind `rul`; did you mean `rule`?" in str(raised.value)
    assert policykit.status() == Status()
    assert double.requests == []


def test_a_wrong_store_is_told_and_leaves_nothing_on(shop, send, double):
    (shop / "policykit.yaml").write_text("mode: enforce\nstore: sqlit:///a.db\n")

    with pytest.raises(policykit.UsageError, match=r"did you mean `sqlite`\?"):
        policykit.install(shop)

    assert not policykit.status().installed
    assert send("ben@example.com") == 202


def test_a_workspace_without_a_key_that_cannot_be_written_says_what_that_means(shop, caplog):
    (shop / ".policykit").write_text("a file where a folder should be")  # what a read-only mount comes to, as root too

    policykit.install(shop)

    assert any(
        "what this process calls people in its decisions no other one does" in r.getMessage() for r in caplog.records
    )


def test_uninstall_where_nothing_is_installed_does_nothing():
    policykit.uninstall()

    assert policykit.status() == Status()


def test_status_tells_what_runs(shop):
    policykit.install(shop)

    status = policykit.status()

    assert (status.installed, status.mode, status.refused, status.loads) == (True, "enforce", (), 1)
    assert "sendgrid" in status.adapters
    assert len(status.rules) == 64


_APPLICATION = """
    import sys
    import policykit
    assert "cerberus" not in sys.modules, "importing policykit costs nothing"
    policykit.install(sys.argv[1])
    policykit.record("people", [{"id": "ana", "age": 30, "address.email": "ana@example.com"}])
    import urllib.request
    from policykit.testing.double import Double
    with Double() as double:
        call = urllib.request.Request(
            double.url + "/v3/mail/send", method="POST", headers={"Content-Type": "application/json"},
            data=b'{"personalizations": [{"to": [{"email": "ana@example.com"}]}], "from": {"email": "a@b.example"},'
                 b'"subject": "s", "content": [{"type": "text/plain", "value": "Hello"}]}')
        before = set(sys.modules)
        with policykit.sending(campaign="spring") as sent:
            assert urllib.request.urlopen(call).status == 202
        assert [str(each.verdict) for each in sent.decisions] == ["allow"], sent.decisions
        assert len(double.requests) == 1
    late = {name for name in set(sys.modules) - before if name.split(".")[0] in ("cerberus", "liquid", "yaml")}
    assert not late, late
    assert not [name for name in sys.modules if name.split(".")[0] == "duckdb" or name.startswith("policykit.dryrun")]
    print("sent")
"""


def test_a_sending_application_never_loads_the_engine_of_dry_runs(shop, tmp_path):
    """And at the moment of a send it loads no library for reading policies either."""
    (tmp_path / "app.py").write_text(textwrap.dedent(_APPLICATION))

    ran = subprocess.run(
        [sys.executable, str(tmp_path / "app.py"), str(shop)], capture_output=True, text=True, check=False, timeout=60,
        cwd=Path(policykit.__file__).parent.parent,
    )  # fmt: skip

    assert (ran.stdout, ran.returncode) == ("sent\n", 0), ran.stderr
