"""Layers of policies: what they are called, and what belongs to which."""

from __future__ import annotations

import pytest

from policykit.errors import InvalidPolicies
from policykit.language.layers import layer_names
from policykit.language.load import load_workspace
from tests.language.loading import KINDS, write

CAP = "policies:\n  - {id: cap, kind: rule, forbid: 'true', on_breach: block}\n"
TWO = "policies: [policies/, team/]\n"


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("policies/", "team/"), ("policies", "team")),
        (("policies", "teams/a/policies/"), ("policies", "teams/a/policies")),
        (("a/x", "b/x", "c"), ("a/x", "b/x", "c")),
        (("policies/", "extra.yaml"), ("policies", "extra")),
        ((".",), (".",)),
    ],
)
def test_a_layer_is_called_by_the_last_part_of_its_folder_where_that_tells_it_apart(folders, names):
    assert layer_names(folders) == names


def test_versions_stand_beside_each_other_whatever_their_files_are_called(tmp_path):
    files = {"policykit.yaml": TWO, "policies/z.yaml": CAP, "team/a.yaml": CAP}

    workspace = load_workspace(write(tmp_path, files), KINDS)

    assert [(policy.id, policy.beside, policy.place.file) for policy in workspace.policies] == [
        ("cap", None, "policies/z.yaml"), ("cap@team", "cap", "team/a.yaml"),
    ]  # fmt: skip


def test_a_folder_within_another_is_a_layer_of_its_own(tmp_path):
    files = {"policykit.yaml": "policies: [policies/, policies/team]\n", "policies/cap.yaml": CAP,
             "policies/team/cap.yaml": CAP}  # fmt: skip

    workspace = load_workspace(write(tmp_path, files), KINDS)

    assert [policy.id for policy in workspace.policies] == ["cap", "cap@team"]


def test_twice_in_one_layer_is_a_mistake_still(tmp_path):
    files = {"policykit.yaml": TWO, "policies/cap.yaml": CAP, "team/a.yaml": CAP, "team/b.yaml": CAP}

    with pytest.raises(InvalidPolicies, match=r"team/b\.yaml:2:10: duplicate policy `cap`; the first is at team/a"):
        load_workspace(write(tmp_path, files), KINDS)


def _asks(program: str, *attributes: str) -> str:
    return (f"programs:\n  - {{id: {program}, purpose: marketing.communications, gives: [{{id: gift, what: a gift}}], "
            f"asks: [{', '.join(attributes)}]}}\n")  # fmt: skip


REMEMBERED = "attributes:\n  - {id: basket, origin: observed}\n  - {id: income, origin: provided}\n"


@pytest.mark.parametrize("asked", ["income", "basket, income"])
def test_an_overlay_asks_for_nothing_that_a_program_of_the_company_asks_for(tmp_path, asked):
    """Who joined one of several may get what only the company's program was to open (`joined: asking_program`)."""
    files = {"policykit.yaml": TWO, "policies/cap.yaml": CAP + REMEMBERED + _asks("club", "basket"),
             "team/a.yaml": _asks("team", asked)}  # fmt: skip
    write(tmp_path, files)

    if "basket" not in asked:
        assert set(load_workspace(tmp_path, KINDS).registry.programs) == {"club", "team"}
    else:
        with pytest.raises(InvalidPolicies, match=r"team/a\.yaml:2:\d+: an overlay cannot ask for `basket`: program "
                                                  r"`club` of an earlier folder does"):  # fmt: skip
            load_workspace(tmp_path, KINDS)


def test_programs_of_one_folder_may_ask_alike(tmp_path):
    files = {"policykit.yaml": TWO, "policies/cap.yaml": CAP + REMEMBERED,
             "team/a.yaml": _asks("team", "basket"), "team/b.yaml": _asks("other", "basket")}  # fmt: skip

    assert set(load_workspace(write(tmp_path, files), KINDS).registry.programs) == {"team", "other"}
