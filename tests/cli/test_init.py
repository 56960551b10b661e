from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".policykit" not in path.parts)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_it_says_what_to_do_next(policykit, tmp_path):
    ran = policykit("init", str(tmp_path / "shop"), "--people", "10")

    assert ran.code == 0
    assert f"policykit dry-run basket --workspace {tmp_path / 'shop'}" in ran.out


def test_two_workspaces_are_alike_to_the_byte(policykit, tmp_path):
    for name in ("one", "two"):
        assert policykit("init", str(tmp_path / name), "--people", "50").code == 0

    assert _hashes(tmp_path / "one") == _hashes(tmp_path / "two")


def test_what_it_makes_has_nothing_wrong(policykit, demo):
    assert policykit("check", "--workspace", str(demo)).out == "no problems\n"
    for campaign in ("basket", "new-home"):
        ran = policykit("check", "--json", "--campaign", campaign, "--workspace", str(demo))

        assert (ran.code, json.loads(ran.out)["errors"]) == (0, 0)


def test_every_verdict_and_every_change_occurs_in_it(demo_report):
    found = [demo_report(campaign) for campaign in ("basket", "new-home")]

    assert all(report[verdict] for report in found for verdict in ("allowed", "downgraded", "blocked"))
    for change in ("moved", "stripped", "generic", "delayed"):
        assert any(report[change] for report in found), change


@pytest.mark.parametrize("people", ["0", "many"])
def test_it_makes_somebody(policykit, tmp_path, people):
    ran = policykit("init", str(tmp_path / "shop"), "--people", people)

    assert ran.code == 2
    assert not (tmp_path / "shop").exists()


def test_a_place_that_cannot_be_made_is_wrong_use(policykit, tmp_path):
    (tmp_path / "file").write_text("")

    ran = policykit("init", str(tmp_path / "file/shop"))

    assert (ran.code, ran.out) == (2, "")
    assert "cannot" in ran.err
