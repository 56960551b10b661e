"""Everything that can be said of a workspace before anybody is judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from policykit.assemble.dry_run import lack_problem, sources
from policykit.assemble.moment import now
from policykit.assemble.offers import doubts_about_offers
from policykit.assemble.packs import copies
from policykit.assemble.providers import without_adapter
from policykit.assemble.sender import missing_sender_address
from policykit.assemble.waivers import check_waivers
from policykit.assemble.workspace import Opened, in_order, manifest, read
from policykit.dryrun.grants import kinds_of_grants
from policykit.dryrun.preflight import preflight
from policykit.dryrun.relations import Data, read_data
from policykit.dryrun.run import Options, Workbench
from policykit.errors import Problem, UsageError
from policykit.language.campaign import Manifest
from policykit.language.suggest import did_you_mean
from policykit.lint import PAGES, Silence, lint, no_address, page_text, silenced, silences, useless_grants
from policykit.model import Micros
from policykit.stores.open import open_store


def check(folder: Path | None, campaign: str | None = None, at: Micros | None = None) -> list[Problem]:
    """Every mistake and doubt there is, in order of place; with a campaign, also what its data lacks.

    at: when waivers are looked at, None = now.
    """
    opened, problems = read(folder)
    if not any(problem.severity == "error" for problem in problems):
        workspace = opened.workspace
        problems += lint(
            workspace.policies, opened.ruleset, opened.vocabulary, workspace.config.assume, _spelt(opened),
            workspace.manifests, workspace.packs,
        )  # fmt: skip
        problems += [*_store(opened), *without_adapter(opened), *copies(opened)]
        problems += missing_sender_address(opened)
        problems += [
            each for found in workspace.manifests.values() for each in doubts_about_offers(opened.ruleset, found)
        ]
        problems += check_waivers(opened, now() if at is None else at)
        if campaign is not None:
            problems += _check_data(opened, campaign)
        problems = silenced(problems, _silences(opened), PAGES)
    return in_order(problems)


def explained(code: str) -> str:
    """The page of a code of `check`. Raises `UsageError` when there is none."""
    known = PAGES if code in PAGES else {each.partition(".")[2]: page for each, page in PAGES.items()}
    if code not in known:
        raise UsageError(f"there is no page of a code `{code}`{did_you_mean(code, PAGES)}",
                         "`policykit docs` lists them, below `checks/`")  # fmt: skip
    return page_text(known[code])


def _unreachable(found: Manifest, data: Data) -> Iterator[Problem]:
    """Channels to fall back to on which the data has no address of anybody."""
    for prepared in found.campaign.prepared[1:]:
        if data.get("addresses") is None and f"address.{prepared.channel}" not in data.people.columns:
            yield no_address(found, prepared.channel)


def _silences(opened: Opened) -> list[Silence]:
    """What the workspace has answered, everywhere and at its policies and campaigns."""
    workspace = opened.workspace
    said = silences(workspace.config.silence)
    for policy in workspace.policies:
        said += silences(policy.node.get("silence") if policy.node else None, policy.node)
    for found in workspace.manifests.values():
        said += silences(found.silence, found.place)
    return said


def _spelt(opened: Opened) -> dict[str, set[str]]:
    """How manifests spell what policies may name too."""
    manifests = opened.workspace.manifests
    providers = {each.provider for found in manifests.values() for each in found.campaign.prepared if each.provider}
    return {"send.campaign": set(manifests), "send.provider": providers | set(opened.workspace.config.providers)}


def _store(opened: Opened) -> Iterator[Problem]:
    """What is wrong with the URL of the store; it is not reached for."""
    config = opened.workspace.config
    try:
        open_store(config.store, opened.workspace.root, opened.plugins.stores).close()
    except UsageError as error:
        for problem in error.problems:
            yield replace(problem, place=config.store_place, code="config.store")


def _check_data(opened: Opened, campaign: str) -> list[Problem]:
    """What is wrong with a campaign's files, and the facts that policies need and nobody in them has."""
    found = manifest(opened, campaign)
    try:
        with Workbench(Options()) as bench:
            data = read_data(bench.connection, sources(found, {}), opened.vocabulary, opened.ruleset.attributes)
            lacks = preflight(bench.connection, opened.ruleset, found.campaign, data)
            consents = data.get("consents")
            grants = kinds_of_grants(bench.connection, consents) if consents is not None else []
            useless = useless_grants(grants, opened.ruleset, found.audience.place or found.place)
            return [*data.warnings, *(lack_problem(lack) for lack in lacks), *useless, *_unreachable(found, data)]
    except UsageError as error:
        return list(error.problems)
