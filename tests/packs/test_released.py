"""A pack that says something else is another version: `policykit check` tells copies of a newer one by its version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from policykit.errors import Place
from policykit.language.packs import Pack
from tests.packs.released import RELEASED, as_text, digest, packs, released, with_new, wrong

FILE = """\
# Nights.
pack: {id: nights, version: 1.1.0}
policies:
  - {id: nights-are-theirs, kind: rule, forbid: send.hour < 8, on_breach: block, because: People sleep.}
"""


@pytest.fixture
def nights(tmp_path: Path) -> Pack:
    path = tmp_path / "nights.yaml"
    path.write_text(FILE, encoding="utf-8")
    return Pack("nights", "1.1.0", path=path, place=Place("nights.yaml", 2, 12))


def test_every_pack_says_what_its_version_was_published_with() -> None:
    found = "\n".join(wrong(packs(), released()))

    assert not found, f"\n{found}"


def test_the_list_is_in_order_and_names_each_version_once() -> None:
    assert RELEASED.read_text(encoding="utf-8") == as_text(released())


def test_a_pack_as_published_is_right(nights: Pack) -> None:
    assert list(wrong([nights], {("nights", "1.0.0"): "old", ("nights", "1.1.0"): digest(nights)})) == []


def test_other_policies_want_another_version(nights: Pack) -> None:
    known = {("nights", "1.1.0"): digest(nights)}

    nights.path.write_text(FILE.replace("< 8", "< 9"), encoding="utf-8")

    [told] = wrong([nights], known)
    assert told.startswith(
        "nights.yaml:2:12: the policies say other than version 1.1.0 did; write a later version here, then"
    )


def test_comments_and_the_section_pack_want_none(nights: Pack) -> None:
    before = digest(nights)

    nights.path.write_text(FILE.replace("Nights.", "All nights.").replace("1.1.0", "1.1.0, title: Nights"))

    assert digest(nights) == before


def test_a_new_version_wants_its_line(nights: Pack) -> None:
    known = {("nights", "1.0.0"): "old"}

    [told] = wrong([nights], known)

    assert told == (
        "nights.yaml:2:12: version 1.1.0 is new; "
        "`python -m tests.packs.released` writes line `nights 1.1.0 ...` of tests/packs/released.txt"
    )
    assert list(wrong([nights], with_new([nights], known))) == []


def test_a_version_never_goes_back(nights: Pack) -> None:
    known = {("nights", "1.9.0"): "old", ("nights", "1.10.0"): "new", ("nights", "1.1.0"): digest(nights)}

    [told] = wrong([nights], known)

    assert told == "nights.yaml:2:12: version 1.1.0 is older than 1.10.0 was; write one above 1.10.0 here"


def test_what_was_published_is_never_written_over(nights: Pack) -> None:
    known = {("nights", "1.1.0"): "as published", ("gone", "1.0.0"): "kept"}

    assert with_new([nights, replace(nights, version="2.0.0")], known) == known | {("nights", "2.0.0"): digest(nights)}
