"""`policykit packs`: what there is, one as a page, and copies in a workspace."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from policykit.assemble import packs_add
from policykit.assemble.packs import digest, installed, pages_of
from policykit.assemble.workspace import open_workspace

LIBRARY = Path(__file__).parents[2] / "policies"


def _files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.yaml")) if path.is_file()
    }


# --- list and show ----------------------------------------------------------------------------------


def test_the_list_groups_stories_and_laws_with_status_and_version(policykit, tmp_path):
    ran = policykit("packs", "list", "--workspace", str(tmp_path))

    lines = [line.rstrip() for line in ran.out.splitlines()]
    headings = [line for line in lines if line and not line.startswith((" ", "`"))]
    assert ran.code == 0
    assert headings[:2] == ["Stories", "Law: Australia"]
    assert headings[-3:] == ["Platform: Apple", "Platform: Gmail", "Platform: WhatsApp"]
    row = next(line for line in lines if "us-tcpa-hours" in line).split()
    assert row[:4] == ["us-tcpa-hours", "1.1.0", "in", "force"]
    assert next(line for line in lines if "us-texas" in line).split()[2:4] == ["secondary", "source"]


def test_the_list_as_json_names_every_pack_once(policykit, tmp_path):
    found = json.loads(policykit("packs", "list", "--json", "--workspace", str(tmp_path)).out)

    ids = [pack["id"] for pack in found]
    written = [path for path in LIBRARY.rglob("*.yaml") if b"\npack:" in b"\n" + path.read_bytes()]
    assert ids == sorted(set(ids))
    assert len(ids) == len(written)
    hours = next(pack for pack in found if pack["id"] == "us-tcpa-hours")
    assert hours["jurisdiction"] == "US"
    assert hours["policies"] == ["us-telemarketing-hours"]
    assert hours["family"] == "law"
    assert hours["status"] == ["in force"]
    assert (hours["audit"], hours["copied"]) == (False, None)


def test_a_page_tells_what_is_asked_why_by_which_law_and_every_case(policykit):
    ran = policykit("packs", "show", "ca-casl-implied")

    told = " ".join(ran.out.split())
    assert ran.code == 0
    assert "marketing messages by email, SMS, MMS or WhatsApp to people in Canada" in told
    assert "not older than 24 months" in told
    assert "not older than 6 months" in told
    assert "a gentler channel is tried; without one it is not sent" in told
    assert "https://laws-lois.justice.gc.ca/eng/acts/E-1.6/" in told
    assert "(read on 2026-11-21)" in told
    assert "Not legal advice" in told
    assert "breached a purchase, two years ago to the second" in told
    assert "passes a purchase, a second before two years have gone" in told
    assert "unknown no ledger at hand: nobody says what they consented to" in told
    assert "not meant mail to France is another law's business" in told


def test_a_page_in_json_and_markdown_has_the_same_cases(policykit):
    page = json.loads(policykit("packs", "show", "us-tcpa-hours", "--json").out)
    markdown = policykit("packs", "show", "us-tcpa-hours", "--markdown").out

    policy = page["policies"][0]
    assert policy["asks"] == "that it leaves between 08:00 and 21:00, on the clock where they live"
    assert policy["otherwise"] == "it waits for the next moment that is allowed"
    assert markdown.startswith("# us-tcpa-hours 1.1.0\n")
    for case in policy["cases"]:
        assert f"| {case['outcome']} | {case['case']} | {case['then'] or ''} |" in markdown
    first = policy["cases"][0]
    assert first == {
        "case": "New York, a second before eight",
        "outcome": "breached",
        "then": "waits until Wednesday 4 March 2026 at 08:00",
    }


def test_every_law_pack_can_be_read_as_a_page():
    home = open_workspace(LIBRARY / "law")
    packs, problems = installed(home.plugins)

    read = {name: list(pages_of(found, home)) for name, found in packs.items() if found.below.parts[0] == "law"}

    assert problems == []
    assert len(read) > 25
    for name, policies in read.items():
        assert [policy.id for policy in policies] == list(packs[name].pack.policies)
        for policy in policies:
            assert None not in (policy.because, policy.source, policy.status, policy.verified_on)
            assert {case.outcome for case in policy.cases} >= {"passes", "breached", "unknown"}
            assert "{" not in policy.asks + policy.speaks_of + "".join(policy.alternatives)


def test_a_pack_that_is_not_there_is_told_with_the_nearest(policykit):
    ran = policykit("packs", "show", "us-tcpa-hour")

    assert ran.code == 2
    assert "there is no pack `us-tcpa-hour`; did you mean `us-tcpa-hours`?" in ran.err


def test_a_part_of_the_name_of_a_pack_is_told_with_those_that_hold_it(policykit):
    ran = policykit("packs", "show", "gmail")

    assert (ran.code, "there is no pack `gmail`; did you mean `gmail-bulk-headers`?" in ran.err) == (2, True)


# --- add --------------------------------------------------------------------------------------------


def test_a_pack_is_copied_with_its_cases_and_says_where_it_comes_from(policykit, workspace):
    root = workspace({})

    ran = policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))

    copy = (root / "policies/law/us-tcpa-hours.yaml").read_text(encoding="utf-8")
    original = (LIBRARY / "law/us-tcpa-hours.yaml").read_bytes()
    first, _, rest = copy.partition("\n")
    assert ran.code == 0, ran.err
    assert first.startswith("# copied from policykit-core ")
    assert first.endswith(f": pack us-tcpa-hours 1.1.0, sha256 {digest(original)}")
    assert rest.encode() == original
    assert ran.out.splitlines()[-1].startswith("next: `policykit test`")
    assert policykit("check", "--workspace", str(root)).out == "no problems\n"
    assert policykit("test", "--workspace", str(root)).code == 0


def test_the_words_that_a_pack_needs_are_registered_and_told(policykit, workspace):
    root = workspace({})

    ran = policykit("packs", "add", "wa-mhmda-health", "kr-night-and-renewal", "--workspace", str(root))

    registered = (root / "policies/packs-registry.yaml").read_text(encoding="utf-8")
    assert ran.code == 0, ran.err
    assert "registered attributes that the cases speak of: first_name, step_free, expecting, home_help" in ran.out
    assert "- id: step_free" in registered
    assert "- id: basket" not in registered  # the workspace has its own
    assert policykit("check", "--workspace", str(root)).out == "no problems\n"
    assert policykit("test", "--workspace", str(root)).code == 0


def test_words_of_a_second_pack_join_those_of_the_first(policykit, workspace):
    root = workspace({})

    policykit("packs", "add", "wa-mhmda-health", "--workspace", str(root))
    policykit("packs", "add", "apple-454-push", "--workspace", str(root))

    registered = (root / "policies/packs-registry.yaml").read_text(encoding="utf-8")
    assert registered.count("- id: step_free") == 1
    assert registered.count("- id: last_shop") == 1
    assert policykit("test", "--workspace", str(root)).code == 0


def test_the_same_pack_again_changes_nothing(policykit, workspace):
    root = workspace({})
    policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))
    before = _files(root)

    ran = policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))

    assert (ran.code, ran.out) == (0, "`us-tcpa-hours` is here already, as it is installed\n")
    assert _files(root) == before


def test_an_edited_copy_is_never_overwritten_and_nothing_else_is_written(policykit, workspace):
    root = workspace({})
    policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))
    copy = root / "policies/law/us-tcpa-hours.yaml"
    copy.write_text(copy.read_text(encoding="utf-8").replace('"21:00"', '"20:00"'), encoding="utf-8")
    before = _files(root)

    ran = policykit("packs", "add", "us-florida", "us-tcpa-hours", "--workspace", str(root))

    assert ran.code == 2
    assert "us-tcpa-hours.yaml` was edited and is not overwritten" in ran.err
    assert _files(root) == before


def test_a_file_of_their_own_in_the_way_is_kept(policykit, workspace):
    root = workspace({"policies/law/us-tcpa-hours.yaml": "policies: []\n"})

    ran = policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))

    assert ran.code == 2
    assert "is no copy of pack `us-tcpa-hours` and is not overwritten" in ran.err
    assert (root / "policies/law/us-tcpa-hours.yaml").read_text(encoding="utf-8") == "policies: []\n"


def test_a_policy_of_the_same_id_elsewhere_is_told(policykit, workspace):
    mine = (LIBRARY / "law/us-florida.yaml").read_text(encoding="utf-8").split("policies:")[1]
    root = workspace({"policies/mine.yaml": f"policies:{mine}"})

    ran = policykit("packs", "add", "us-florida", "--workspace", str(root))

    assert ran.code == 2
    assert "pack `us-florida` holds policy `us-florida-written-consent`, which this workspace has already" in ran.err
    assert not (root / "policies/law").exists()


def test_a_folder_that_the_workspace_does_not_read_is_refused(policykit, workspace):
    root = workspace({})

    ran = policykit("packs", "add", "us-florida", "--to", "laws", "--workspace", str(root))

    assert ran.code == 2
    assert "policies in `laws` would not be read" in ran.err
    assert not (root / "laws").exists()


def test_packs_go_into_the_first_folder_that_is_read(policykit, workspace):
    root = workspace(
        {"policykit.yaml": "policies: [policies/registry.yaml, rules/]\n", "rules/none.yaml": "policies: []\n"}
    )

    ran = policykit("packs", "add", "us-florida", "--workspace", str(root))

    assert ran.code == 0, ran.err
    assert (root / "rules/law/us-florida.yaml").is_file()


def test_a_workspace_that_would_not_be_valid_is_left_as_it_was(policykit, workspace):
    """The workspace registers the pack's fact with another type, so its condition cannot be read."""
    root = workspace({"policies/facts.yaml": "facts:\n  - {path: recipient.night_consent, type: int}\n"})
    before = _files(root)

    ran = policykit("packs", "add", "us-tcpa-hours", "kr-night-and-renewal", "--workspace", str(root))

    assert ran.code == 3
    assert _files(root) == before
    assert not (root / "policies/law").exists()


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(policykit, workspace):
    root = workspace({})
    (root / "policies/law").write_text("a file, where a folder must be")

    ran = policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))

    assert ran.code == 2
    assert "nothing was written" in ran.err
    assert (root / "policies/law").read_text(encoding="utf-8") == "a file, where a folder must be"


# --- copies that grow old ----------------------------------------------------------------------------


def _older(path: Path) -> None:
    """The copy as an earlier version of the pack would have left it."""
    _, _, rest = path.read_bytes().partition(b"\n")
    rest = rest.replace(b"version: 1.1.0", b"version: 0.9.0")
    line = f"# copied from policykit-core 0.0.1: pack us-tcpa-hours 0.9.0, sha256 {digest(rest)}\n"
    path.write_bytes(line.encode() + rest)


def test_check_tells_of_a_copy_that_is_older_and_add_brings_it_up_to_date(policykit, workspace):
    root = workspace({})
    policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))
    for name in ("us-tcpa-hours.yaml", "us-tcpa-hours.cases.yaml"):
        _older(root / "policies/law" / name)

    found = json.loads(policykit("check", "--json", "--workspace", str(root)).out)["problems"]
    ran = policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))

    assert [(problem["code"], problem["severity"]) for problem in found] == [("pack.older", "warning")] * 2
    assert found[0]["message"] == "pack `us-tcpa-hours` is here in version 0.9.0; 1.1.0 is installed"
    assert ran.code == 0, ran.err
    assert policykit("check", "--workspace", str(root)).out == "no problems\n"


def test_check_tells_of_a_copy_that_was_edited(policykit, workspace):
    root = workspace({})
    policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))
    copy = root / "policies/law/us-tcpa-hours.yaml"
    copy.write_text(copy.read_text(encoding="utf-8") + "# our own\n", encoding="utf-8")

    found = json.loads(policykit("check", "--json", "--workspace", str(root)).out)["problems"]

    assert [(problem["code"], problem["severity"]) for problem in found] == [("pack.edited", "warning")]


def test_line_ends_of_another_system_are_no_edit(policykit, workspace):
    root = workspace({})
    policykit("packs", "add", "us-tcpa-hours", "--workspace", str(root))
    copy = root / "policies/law/us-tcpa-hours.yaml"
    copy.write_bytes(copy.read_bytes().replace(b"\n", b"\r\n"))

    assert policykit("check", "--workspace", str(root)).out == "no problems\n"


def test_the_list_says_which_packs_the_workspace_has(policykit, workspace):
    root = workspace({})
    policykit("packs", "add", "us-tcpa-hours", "us-florida", "--workspace", str(root))
    _older(root / "policies/law/us-tcpa-hours.yaml")

    found = json.loads(policykit("packs", "list", "--json", "--workspace", str(root)).out)

    assert {pack["id"]: pack["copied"] for pack in found if pack["copied"]} == {
        "us-florida": "1.1.0",
        "us-tcpa-hours": "0.9.0",
    }


# --- packs of plugins ---------------------------------------------------------------------------------


@pytest.fixture
def harbour(tmp_path, monkeypatch):
    """A distribution beside policykit that brings a pack of its own."""
    site = tmp_path / "site"
    shutil.copytree(Path(__file__).parents[1] / "plugin_packs", site)
    info = site / "policykit_harbour-0.2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: policykit-harbour\nVersion: 0.2.0\n")
    (info / "entry_points.txt").write_text("[policykit]\nharbour = policykit_harbour\n")
    monkeypatch.syspath_prepend(str(site))
    return site


def test_a_plugin_brings_packs_that_are_listed_shown_and_copied(policykit, workspace, harbour):
    root = workspace({})

    listed = json.loads(policykit("packs", "list", "--json", "--workspace", str(root)).out)
    shown = policykit("packs", "show", "harbour-quiet")
    added = policykit("packs", "add", "harbour-quiet", "--workspace", str(root))

    assert next(pack for pack in listed if pack["id"] == "harbour-quiet")["distribution"] == "policykit-harbour 0.2.0"
    assert "policykit-harbour 0.2.0" in shown.out
    assert added.code == 0, added.err
    assert "registered attributes that the cases speak of: berth" in added.out
    assert policykit("test", "--workspace", str(root)).code == 0


def test_scalars_are_written_as_yaml_reads_them_back():
    values = ["plain words", "yes", "a: b", "1.0", "#x", 3, True, ["a", "NO"], "(광고)", ""]

    assert [packs_add._scalar(value) for value in values] == [
        "plain words", '"yes"', '"a: b"', '"1.0"', '"#x"', "3", "true", '[a, "NO"]', '"(광고)"', '""',
    ]  # fmt: skip
