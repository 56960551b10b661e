"""What `check` says of programs that give nothing, and of an address that nobody wrote down."""

from __future__ import annotations

from pathlib import Path

import pytest

from policykit.assemble.check import check
from tests.language.loading import write

PROGRAM = "programs:\n- {{id: club, purpose: marketing{gives}}}\n"
ADDRESS = """
policies:
- id: who-sends
  kind: content
  for: {channel: email}
  require: {postal_address: true}
  on_breach: block
  because: They may know who writes.
"""


def said(folder: Path, **files: str) -> list[str]:
    named = {f"policies/{name}.yaml" if name != "config" else "policykit.yaml": text for name, text in files.items()}
    codes = ("lint.program-", "content.")
    return [str(problem) for problem in check(write(folder, named)) if str(problem.code).startswith(codes)]


def test_a_program_that_gives_nothing_is_refused(tmp_path: Path) -> None:
    assert said(tmp_path, r=PROGRAM.format(gives="")) == [
        (
            "policies/r.yaml:2:8: program `club` gives nothing to those who join it\n"
            "  help: name its benefits under `gives:`"
        )
    ]


def test_a_program_that_gives_something_is_not(tmp_path: Path) -> None:
    assert said(tmp_path, r=PROGRAM.format(gives=", gives: [{id: points, what: points}]")) == []


@pytest.mark.parametrize(("config", "found"), [("mode: audit\n", 1), ("sender_address: Acme, 1 Road\n", 0)])
def test_an_address_that_policies_look_for_must_be_written_down(tmp_path: Path, config: str, found: int) -> None:
    messages = said(tmp_path, config=config, p=ADDRESS)

    assert len(messages) == found
    assert all("looks for the postal address" in message and "warning" in message for message in messages)
