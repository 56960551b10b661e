"""The stories of the library: what carries each of them, and the tables of policies/README.md that say so.

python -m tests.journeys.stories    writes the tables anew
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policykit.assemble.workspace import Opened, open_workspace
from policykit.demo.library import library_path
from policykit.language.campaign import Manifest
from policykit.language.campaign_cases import CampaignCase
from policykit.language.tree import to_plain
from policykit.language.yaml import read_yaml

LIBRARY = library_path()
README = LIBRARY / "README.md"
NAMES = tuple(f"S{n}" for n in range(1, 23))
EVERY = "S17"  # the many: every policy is judged for one person and for ten million alike

# What carries a story besides policies, or instead of them.
BESIDES: Mapping[str, str] = {
    "S1": "`policykit check` refuses a purpose policy that looks at the kind of account",
    "S3": "[overlay and waiver](teams/launch/overlay.yaml), `locked`, `policykit explain`",
    "S15": "`policykit disclose`; a campaign that uses what no sentence discloses is refused",
    "S16": "[responses](feedback/answers.yaml), `policykit feedback ingest`, `policykit.feedback.receive`",
    "S17": "every policy: each is judged for one person and for ten million alike",
    "S19": "`policykit feedback rates`, the same beside a dry run's forecast, and brakes that use them",
    "S21": "`policykit scan`; a dry run refuses what is personal and not registered",
}


@dataclass(frozen=True)
class Story:
    """One story. policies: id -> file below the library. cases: those about one of them. totals: of its campaigns."""

    name: str
    title: str
    policies: Mapping[str, str]
    cases: int
    campaigns: tuple[Manifest, ...]
    totals: tuple[CampaignCase, ...]


def opened() -> tuple[Opened, Opened]:
    """The library, and the team that stands on top of it."""
    return open_workspace(LIBRARY), open_workspace(LIBRARY / "teams")


def stories(workspaces: Sequence[Opened]) -> dict[str, Story]:
    """Every story by its name, in order."""
    library = workspaces[0].workspace
    manifests = [manifest for each in workspaces for manifest in each.workspace.manifests.values()]
    return {name: _story(name, title, library.packs, workspaces, manifests) for name, title in titles().items()}


def _story(name, title, packs, workspaces, manifests) -> Story:  # type: ignore[no-untyped-def]  # see `stories`
    policies = {
        policy: pack.path.relative_to(LIBRARY).as_posix()
        for pack in sorted(packs, key=lambda pack: str(pack.path))
        if name in pack.stories
        for policy in pack.policies
    }
    about = [case for file in workspaces[0].workspace.cases for case in file.cases if case.policy in policies]
    campaigns = tuple(manifest for manifest in manifests if name in told_by(manifest))
    shown = {manifest.id for manifest in campaigns}
    totals = (case for each in workspaces for file in each.workspace.cases for case in file.campaigns)
    return Story(name, title, policies, len(about), campaigns, tuple(case for case in totals if case.campaign in shown))


def titles() -> dict[str, str]:
    """What each story is called, as the pages of policykit tell them."""
    told = LIBRARY.parent / "policykit" / "docs" / "stories.yaml"
    node, problems = read_yaml(told, told.name)
    assert node is not None, problems
    return {story["story"]: story["title"] for story in to_plain(node)}


def told_by(manifest: Manifest) -> set[str]:
    """The stories that the first lines of a manifest name."""
    assert manifest.path is not None
    heading = manifest.path.read_text(encoding="utf-8").split("\ncampaign:")[0]
    return set(re.findall(r"S\d+", heading))


# --- the tables --------------------------------------------------------------------------------------------


def tables(workspaces: Sequence[Opened]) -> dict[str, str]:
    """The generated parts of policies/README.md."""
    return {"stories": "\n".join(_of_stories(workspaces)), "files": "\n".join(_of_files(workspaces[0]))}


def _of_stories(workspaces: Sequence[Opened]) -> Iterator[str]:
    yield "| story | | carried by | cases | shown by |"
    yield "|---|---|---|---|---|"
    for story in stories(workspaces).values():
        carried = [f"[`{policy}`]({file})" for policy, file in story.policies.items()]
        carried += [BESIDES[story.name]] if story.name in BESIDES else []
        shown = [f"[{manifest.id}]({_below(manifest)})" for manifest in story.campaigns] or ["any of them"]
        cases = str(story.cases + len(story.totals) or "")
        yield f"| {story.name} | {story.title} | {', '.join(carried)} | {cases} | {', '.join(shown)} |"


def _below(manifest: Manifest) -> str:
    assert manifest.path is not None
    return manifest.path.relative_to(LIBRARY).as_posix()


def _of_files(library: Opened) -> Iterator[str]:
    yield "| file | what it says | policies |"
    yield "|---|---|---|"
    for pack in sorted(library.workspace.packs, key=lambda pack: str(pack.path)):
        file = pack.path.relative_to(LIBRARY).as_posix()
        yield f"| [{file}]({file}) | {pack.title} | {', '.join(f'`{policy}`' for policy in pack.policies)} |"


def with_tables(text: str, parts: Mapping[str, str]) -> str:
    """The page with each part between its marks replaced."""
    for name, part in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{part}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8"), tables(opened())), encoding="utf-8")
