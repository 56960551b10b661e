"""The walk of whoever starts to send to another country: take two packs, check, test, and see whom they concern."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DEMO_KNOWN_AT

LETTER = """\
campaign: letter
message_class: marketing
purpose: marketing.communications
audience: {from: data/people.csv, history: data/history.csv, columns: {recipient.id: customer_no}, selected_by: []}
send: {at: "2026-11-27T10:00", zone: recipient}
channels:
  email: {provider: sendgrid, subject: Spring, body: "Spring is here. Unsubscribe: {{ unsubscribe_url }}"}
"""
# Somebody of each place, in the people, consents and addresses of the demo.
ARRIVALS = {
    "people": [
        "x1,GB,Europe/London,en,true,derived,200",  # agreed to any channel, so to none by name
        "x2,GB,Europe/London,en,true,derived,200",  # agreed to mail
        "x3,IE,Europe/Dublin,en,true,derived,200",  # as x1, under another law
        "x4,,Europe/London,en,true,derived,200",  # as x1, nobody knows where
    ],
    "consents": [
        'z1,x1,given,*,marketing.communications,,single_opt_in,2025-06-01T09:00:00Z,,,form-1,acme',
        'z2,x2,given,email,marketing.communications,,single_opt_in,2025-06-01T09:00:00Z,,,form-2,acme',
        'z3,x3,given,*,marketing.communications,,single_opt_in,2025-06-01T09:00:00Z,,,form-3,acme',
        'z4,x4,given,*,marketing.communications,,single_opt_in,2025-06-01T09:00:00Z,,,form-4,acme',
    ],
}  # fmt: skip


@pytest.fixture
def shop(demo: Path, tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(demo, root)
    (root / "campaigns/letter.yaml").write_text(LETTER)
    for name, rows in ARRIVALS.items():
        with (root / f"data/{name}.csv").open("a") as file:
            file.writelines(f"{row}\n" for row in rows)
    header = (root / "data/addresses.csv").read_text().splitlines()[0].split(",")
    with (root / "data/addresses.csv").open("a") as file:
        for person in ("x1", "x2", "x3", "x4"):
            cells = {"channel": "email", "address": f"{person}@example.com", "shared": "false", "suppressed": "false"}
            cells[header[0]] = person
            file.write(",".join(cells.get(name, "") for name in header) + "\n")
    return root


def _outcomes(policykit: Callable[..., Any], root: Path, lists: Path) -> dict[str, str]:
    """Person -> what becomes of the letter."""
    ran = policykit("dry-run", "letter", "--workspace", str(root), "--known-at", DEMO_KNOWN_AT, "--lists", str(lists))
    assert ran.code == 0, ran.err
    return {
        row["recipient_id"]: f"not sent: {row['policies']}" if path.stem == "not-sent" else row["verdict"]
        for path in lists.glob("*.csv")
        for row in csv.DictReader(path.read_text().splitlines())
    }


@pytest.mark.slow
def test_two_packs_change_the_outcome_of_whom_they_speak_of_and_of_nobody_else(
    policykit: Callable[..., Any], shop: Path, tmp_path: Path
) -> None:
    before = _outcomes(policykit, shop, tmp_path / "before")

    added = policykit("packs", "add", "us-tcpa-hours", "uk-pecr-channel-consent", "--workspace", str(shop))
    checked = policykit("check", "--workspace", str(shop))
    tested = policykit("test", "--workspace", str(shop))
    after = _outcomes(policykit, shop, tmp_path / "after")

    assert (added.code, checked.code, tested.code) == (0, 0, 0)
    assert [before[person] for person in ("x1", "x2", "x3", "x4")] == ["allow"] * 4
    assert after["x1"] == "not sent: uk-yes-to-this-channel"
    assert (after["x2"], after["x3"]) == ("allow", "allow")
    assert after["x4"] == "not sent: uk-yes-to-this-channel"
    countries = {
        row["customer_no"]: row["country"]
        for row in csv.DictReader((shop / "data/people.csv").read_text().splitlines())
    }
    changed = {person for person, outcome in after.items() if outcome != before[person]}
    assert after.keys() == before.keys()
    assert {countries[person] for person in changed} == {"GB", ""}
    assert all("uk-" in after[person] for person in changed)


@pytest.mark.slow
def test_every_pack_there_is_fits_into_an_empty_workspace(policykit: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "policykit.yaml").write_text("mode: enforce\n")
    every = [pack["id"] for pack in json.loads(policykit("packs", "list", "--json", "--workspace", str(tmp_path)).out)]

    added = policykit("packs", "add", *every, "--workspace", str(tmp_path))
    tested = policykit("test", "--json", "--require-cases", "--workspace", str(tmp_path))

    assert added.code == 0, added.err
    assert tested.code == 0, tested.err
    assert json.loads(tested.out)["cases"] > 700
