"""The demo workspace: complete, the same everywhere, and never half-written."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

from policykit.demo import people as made_up
from policykit.demo.dice import Dice
from policykit.demo.library import PACKAGE, library_path, shelf
from policykit.demo.write import write_demo
from policykit.errors import InternalError, UsageError
from policykit.vocabulary import RELATIONS


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def test_dice_are_cut_from_the_hash_of_seed_person_and_block() -> None:
    dice = Dice(7)

    thrown = b"".join(dice.throw().to_bytes(4, "big") for _ in range(16))

    blocks = [hashlib.sha256(b"policykit demo 1 7 %d" % block).digest() for block in (0, 1)]
    assert thrown == b"".join(block[i : i + 4] for block in blocks for i in range(28, -4, -4))


def test_same_people_twice(tmp_path: Path) -> None:
    write_demo(tmp_path / "a", library_path(), people=50)
    write_demo(tmp_path / "b", library_path(), people=50)

    assert digest_of(tmp_path / "a") == digest_of(tmp_path / "b")


def test_the_people_are_these_on_every_machine_and_python() -> None:
    """Changes only together with the people themselves."""
    tables = everybody(200)

    digest = hashlib.sha256()
    for rows in (tables.people, tables.addresses, tables.consents, tables.history, tables.attributes):
        for row in rows:
            digest.update((",".join(row) + "\n").encode())
    assert digest.hexdigest() == "88cbcfee94dd92aae09bb3adb1ed2c1ef54d1ea66dbeae6e9b702426450c53b9"


def everybody(count: int) -> made_up.Tables:
    (tables,) = made_up.make_people(count)
    return tables


def test_fewer_people_are_the_first_of_more() -> None:
    few, many = everybody(20), everybody(40)

    assert many.attributes[: len(few.attributes)] == few.attributes
    assert many.consents[: len(few.consents)] == few.consents


def test_people_come_a_thousand_at_a_time_and_no_record_twice() -> None:
    batches = list(made_up.make_people(2500))

    assert [len(batch.people) for batch in batches] == [1000, 1000, 500]
    assert len({row[0] for batch in batches for row in batch.people}) == 2500
    ids = [row[0] for batch in batches for row in batch.consents]
    assert ids == [f"c{number:06d}" for number in range(1, len(ids) + 1)]


def test_every_column_is_one_of_the_vocabulary() -> None:
    known = {relation.name: {column.name for column in relation.columns} for relation in RELATIONS}

    assert set(made_up.PEOPLE) - known["people"] == {"customer_no"}
    assert set(made_up.ADDRESSES) <= known["addresses"]
    assert set(made_up.CONSENTS) <= known["consents"]
    assert set(made_up.HISTORY) <= known["history"]
    assert set(made_up.ATTRIBUTES) <= known["attributes"]


def test_files_read_back_as_csv_with_full_rows(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo", library_path(), people=200)

    for path in (tmp_path / "demo" / "data").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}


def test_addresses_belong_to_nobody(tmp_path: Path) -> None:
    reserved = {"push": "token-", "sms": "+999", "email": "person.", "in_app": "account-"}

    for _, channel, address, *_ in everybody(300).addresses:
        assert address.startswith(reserved[channel])
        assert "@" not in address or address.endswith("@example.com")


def test_policies_are_the_librarys_with_their_cases(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo", library_path(), people=1)

    for name, source in shelf(library_path()).items():
        assert (tmp_path / "demo" / "policies" / name).read_bytes() == source.read_bytes()


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()

    write_demo(tmp_path / "demo", library_path(), people=1)

    assert (tmp_path / "demo" / "policykit.yaml").is_file()


def test_the_folder_one_stands_in_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    write_demo(Path(), library_path(), people=1)

    found = {path.name for path in Path().iterdir()}
    assert found == {"README.md", "campaigns", "data", "policies", "policykit.yaml", "shop.py"}


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    write_demo(tmp_path / "a" / "b" / "demo", library_path(), people=1)

    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["demo"]


def test_a_used_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(UsageError, match="is not empty"):
        write_demo(tmp_path, library_path(), people=1)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")

    with pytest.raises(UsageError, match="is a file"):
        write_demo(tmp_path / "demo", library_path(), people=1)

    assert (tmp_path / "demo").read_text() == "mine"


def test_a_failure_leaves_an_empty_folder_empty(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()

    with pytest.raises(UsageError, match="cannot write the workspace"):
        write_demo(tmp_path / "demo", tmp_path / "no-library", people=1)

    assert list((tmp_path / "demo").iterdir()) == []


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write the workspace"):
        write_demo(tmp_path / "demo", tmp_path / "no-library", people=1)

    assert list(tmp_path.iterdir()) == []


def test_library_is_found_in_a_wheel_before_a_checkout(tmp_path: Path) -> None:
    for folder in ("policykit/_library", "policies"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "registry.yaml").touch()

    assert library_path(tmp_path / "policykit") == tmp_path / "policykit" / "_library"


def test_library_is_found_in_a_checkout() -> None:
    assert library_path(PACKAGE) == PACKAGE.parent / "policies"


def test_a_missing_library_is_our_fault_and_named(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="library of policies is missing"):
        library_path(tmp_path / "policykit")
