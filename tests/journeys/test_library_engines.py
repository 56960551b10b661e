"""The whole library over the demo's people: the reference, the generated Python and DuckDB decide everybody alike."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from policykit.assemble.dry_run import sources
from policykit.assemble.workspace import manifest, open_workspace
from policykit.demo.library import library_path
from policykit.dryrun.person import people_of
from policykit.dryrun.relations import read_data
from policykit.dryrun.run import Options, Workbench, dry_run
from policykit.engine import Engine, reference_decide
from policykit.language.spans import parse_instant

PEOPLE = 1500


@pytest.fixture(scope="module")
def workspace(policykit, tmp_path_factory) -> Path:
    """The demo with every policy of the library."""
    folder = tmp_path_factory.mktemp("whole") / "acme"
    ran = policykit("init", str(folder), "--people", str(PEOPLE))
    assert ran.code == 0, ran.err
    shutil.rmtree(folder / "policies")
    shutil.copytree(library_path(), folder / "policies", ignore=shutil.ignore_patterns("policykit.yaml", "*.md"))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["basket", "new-home", "draft"])
def test_three_engines_decide_everybody_alike(workspace, name) -> None:
    opened = open_workspace(workspace)
    campaign = manifest(opened, name)
    now = parse_instant("2026-11-25T09:00:00Z")
    assert now is not None

    # a difference between DuckDB and the reference raises
    result = dry_run(opened.ruleset, campaign.campaign, sources(campaign, {}), now, vocabulary=opened.vocabulary,
                     options=Options(sample=PEOPLE))  # fmt: skip
    engine = Engine(opened.ruleset)
    with Workbench(Options()) as bench:
        data = read_data(bench.connection, sources(campaign, {}), opened.vocabulary)
        people = people_of(bench.connection, opened.ruleset, data, range(1, PEOPLE + 1))

    assert result.verified == PEOPLE
    assert len(opened.ruleset.rules) == 30
    for person in people.values():
        assert engine.decide(campaign.campaign, person, now) == reference_decide(
            opened.ruleset, campaign.campaign, person, now
        )
