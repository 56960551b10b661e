"""One key per workspace, whoever makes it first, and readable by its owner alone."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from policykit.assemble.pseudonyms import FORM, key_file, pseudonyms
from policykit.errors import UsageError


def test_a_workspace_calls_a_person_alike_in_every_report(tmp_path: Path) -> None:
    first, second = pseudonyms(tmp_path)("p1"), pseudonyms(tmp_path)("p1")

    assert first == second
    assert FORM.fullmatch(first)
    assert pseudonyms(tmp_path)("p2") != first


def test_another_workspace_calls_them_otherwise(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert pseudonyms(tmp_path)("p1") != pseudonyms(tmp_path / "other")("p1")


def test_the_key_is_readable_by_its_owner_alone_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    pseudonyms(tmp_path)

    assert stat.S_IMODE(key_file(tmp_path).stat().st_mode) == 0o600
    assert {path.name for path in key_file(tmp_path).parent.iterdir()} == {"key", ".gitignore"}


def test_workers_that_start_together_have_one_key(tmp_path: Path) -> None:
    for turn in range(20):
        root = tmp_path / str(turn)
        root.mkdir()
        together = Barrier(8)

        def start(root: Path = root, together: Barrier = together) -> str:
            together.wait()
            return pseudonyms(root)("p1")

        with ThreadPoolExecutor(8) as pool:
            called = {each.result() for each in [pool.submit(start) for _ in range(8)]}

        assert len(called) == 1


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    key_file(tmp_path).parent.mkdir()
    key_file(tmp_path).write_bytes(b"short")

    with pytest.raises(UsageError, match="is not a key of policykit"):
        pseudonyms(tmp_path)
