"""A changed set of policies comes into force as a whole, or not at all, and what happened is said."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import policykit
from policykit.assemble import reload
from policykit.assemble.live_rules import live_rules
from policykit.assemble.reload import Reloader
from policykit.assemble.workspace import Opened
from policykit.enforce.rules import Rules

STRICTER = "policies:\n  - {id: adults-only, kind: rule, forbid: recipient.age < 40, on_breach: block}\n"
BROKEN = "policies:\n  - {id: adults-only, kind: rule, forbid: recipient.aeg < 40, on_breach: block}\n"


def _rules(opened: Opened) -> Rules:
    return live_rules(opened, {}, {})


@pytest.fixture
def reloader(shop: Path) -> Iterator[Reloader]:
    """One that looks only when it is told to."""
    made = Reloader(shop, _rules, every_s=3600)
    yield made
    made.close()


def _write(shop: Path, name: str, text: str) -> None:
    path = shop / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _look(reloader: Reloader) -> None:
    """A change is taken once it lies still: seen twice alike."""
    reloader.look()
    reloader.look()


def test_nothing_is_loaded_again_while_nothing_changes(reloader):
    before = reloader.rules

    _look(reloader)

    assert (reloader.rules is before, reloader.loads) == (True, 1)


def test_a_changed_policy_comes_into_force(reloader, shop):
    before = reloader.rules.ruleset.hash
    _write(shop, "policies/adults.yaml", STRICTER)

    _look(reloader)

    assert (reloader.rules.ruleset.hash != before, reloader.loads, reloader.refused) == (True, 2, ())


def test_a_set_that_is_still_being_written_waits(reloader, shop):
    _write(shop, "policies/adults.yaml", STRICTER)
    reloader.look()
    _write(shop, "policies/forty.yaml", STRICTER.replace("adults-only", "forty"))
    reloader.look()

    assert reloader.loads == 1

    reloader.look()
    assert reloader.loads == 2


def test_a_broken_set_keeps_the_old_one_whole_and_says_so(reloader, shop, caplog):
    before = reloader.rules
    _write(shop, "policies/new.yaml", STRICTER.replace("adults-only", "forty"))
    _write(shop, "policies/adults.yaml", BROKEN)

    _look(reloader)
    _look(reloader)

    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert reloader.rules is before
    assert [problem.place.file for problem in reloader.refused if problem.place][:1] == ["policies/adults.yaml"]
    assert len(said) == 1
    assert "are not valid; those loaded before stay in force" in said[0]
    assert "unknown fact `recipient.aeg`; did you mean `recipient.age`?" in said[0]


def test_a_repaired_set_comes_into_force_and_says_so(reloader, shop, caplog):
    caplog.set_level(logging.INFO, "policykit")
    good = (shop / "policies/adults.yaml").read_text()
    _write(shop, "policies/adults.yaml", BROKEN)
    _look(reloader)

    _write(shop, "policies/adults.yaml", good)
    _look(reloader)

    assert (reloader.refused, reloader.loads) == ((), 2)
    assert "were loaded again" in caplog.records[-1].getMessage()


def test_a_broken_configuration_keeps_the_old_one(reloader, shop):
    before = reloader.rules
    _write(shop, "policykit.yaml", "mode: enforced\n")

    _look(reloader)

    assert reloader.rules is before
    assert len(reloader.refused) == 1


def test_new_removed_and_renamed_files_are_changes(reloader, shop):
    _write(shop, "policies/more/forty.yaml", STRICTER.replace("adults-only", "forty"))
    _look(reloader)
    assert [rule.policy for rule in reloader.rules.ruleset.rules] == ["adults-only", "forty"]

    (shop / "policies/more/forty.yaml").rename(shop / "policies/forty.yaml")
    _look(reloader)
    assert reloader.loads == 3

    (shop / "policies/forty.yaml").unlink()
    _look(reloader)
    assert [rule.policy for rule in reloader.rules.ruleset.rules] == ["adults-only"]


def test_a_template_beside_a_manifest_is_watched_wherever_it_lies(shop):
    manifest = (shop / "campaigns/spring.yaml").read_text().replace('body: "Hello"', "html: ../texts/spring.html")
    _write(shop, "campaigns/spring.yaml", manifest)
    _write(shop, "texts/spring.html", "<p>Hello</p>")
    reloader = Reloader(shop, _rules, every_s=3600)
    _look(reloader)
    _write(shop, "texts/spring.html", "<p>Good day</p>")

    _look(reloader)

    assert reloader.rules.manifests["spring"].templates["email"]["html"].text == "<p>Good day</p>"


def test_a_folder_of_policies_named_later_is_watched(reloader, shop):
    _write(shop, "team/forty.yaml", BROKEN.replace("adults-only", "forty"))
    _write(shop, "policykit.yaml", "mode: enforce\npolicies: [policies/, team/]\n")
    _look(reloader)
    assert reloader.refused

    _write(shop, "team/forty.yaml", STRICTER.replace("adults-only", "forty"))
    _look(reloader)

    assert [rule.policy for rule in reloader.rules.ruleset.rules] == ["adults-only", "forty"]


def test_data_files_are_no_policies(reloader, shop):
    _write(shop, "data/people.csv", "id\n")

    _look(reloader)

    assert reloader.loads == 1


def test_a_workspace_that_vanishes_keeps_what_there_was_until_it_is_back(reloader, shop):
    before = reloader.rules
    shop.rename(shop.parent / "gone")
    _look(reloader)
    refused = reloader.refused

    (shop.parent / "gone").rename(shop)
    _look(reloader)

    assert reloader.loads == 2
    assert before.ruleset.hash == reloader.rules.ruleset.hash
    assert ["is no workspace" in problem.message for problem in refused] == [True]
    assert reloader.refused == ()


def test_a_process_whose_folder_was_removed_still_reloads(reloader, shop, tmp_path, monkeypatch):
    """As after a deployment that removes the release a worker was started in."""
    gone = tmp_path / "release"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    _write(shop, "policies/adults.yaml", STRICTER)

    _look(reloader)

    assert reloader.loads == 2


def test_another_store_is_not_taken_and_said(reloader, shop, caplog):
    _write(shop, "policykit.yaml", "mode: enforce\nstore: 'memory:'\n")

    _look(reloader)

    assert "this process keeps the one it opened" in caplog.text


def test_what_changes_while_it_is_loaded_is_loaded_again(shop):
    def build(opened: Opened) -> Rules:
        if not (shop / "policies/forty.yaml").exists():
            _write(shop, "policies/forty.yaml", STRICTER.replace("adults-only", "forty"))
        return _rules(opened)

    reloader = Reloader(shop, build, every_s=3600)
    assert len(reloader.rules.ruleset.rules) == 1

    _look(reloader)

    assert len(reloader.rules.ruleset.rules) == 2


def test_where_no_thread_runs_callers_look_after_a_while(reloader, shop, monkeypatch):
    reloader.current()
    _write(shop, "policies/adults.yaml", STRICTER)
    monkeypatch.setattr(reload, "_LATE_S", -1.0)

    reloader.current()
    found = reloader.current()

    assert (reloader.loads, found) == (2, reloader.rules)


def test_a_status_says_what_is_refused(shop):
    it = policykit.install(shop)
    _write(shop, "policies/adults.yaml", BROKEN)

    _look(it.reloader)

    (refused,) = policykit.status().refused
    assert "unknown fact `recipient.aeg`" in refused.message


@pytest.mark.slow
def test_a_running_process_notices_by_itself(shop, send, grown_up):
    policykit.install(shop)
    grown_up()
    assert send("ana@example.com") == 202
    _write(shop, "policies/adults.yaml", STRICTER)

    noticed = _within(5.0, lambda: policykit.status().loads > 1)

    assert noticed
    assert send("ana@example.com") == 403


@pytest.mark.slow
def test_no_send_is_judged_by_half_a_set(shop):
    """Two policies that always change together: whoever asks sees both as of one moment."""
    both = "policies:\n" + "".join(
        f"  - {{id: {n}, kind: rule, forbid: recipient.age < %d, on_breach: block}}\n" for n in "ab"
    )
    (shop / "policies/adults.cases.yaml").unlink()
    _write(shop, "policies/adults.yaml", both % (1, 1))
    reloader = Reloader(shop, _rules, every_s=0.01)
    expected = {reloader.rules.ruleset.hash}
    seen: set[str] = set()
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen.add(reloader.current().ruleset.hash)

    asking = threading.Thread(target=ask)
    asking.start()
    for age in range(2, 6):
        _write(shop, "policies/adults.yaml", both % (age, age))
        loads = reloader.loads
        assert _within(5.0, lambda: reloader.loads > loads)  # noqa: B023  # asked at once
        expected.add(reloader.rules.ruleset.hash)
    stop.set()
    asking.join(timeout=5)
    reloader.close()

    assert seen <= expected
    assert len(expected) == 5


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_notices_for_itself(shop, send, grown_up):
    """As under gunicorn with preload: installed before the fork, the thread stays behind."""
    policykit.install(shop)
    grown_up()
    send("ana@example.com")
    child = os.fork()
    if child == 0:
        try:
            _write(shop, "policies/adults.yaml", STRICTER)
            send("ana@example.com")
            noticed = _within(5.0, lambda: policykit.status().loads > 1)
            os._exit(0 if noticed and send("ana@example.com") == 403 else 1)
        finally:
            os._exit(2)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return holds()
