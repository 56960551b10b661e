"""Packs of policies: as a list, and each one as a page that somebody who knows the law can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from policykit.reports.words import channel_name, jurisdiction_name, listed

__all__ = [
    "CaseLine", "PackLine", "PackPage", "PolicyPage", "as_json", "lines_as_json", "page_as_markdown", "print_lines",
    "print_page",
]  # fmt: skip

Outcome = Literal["passes", "breached", "unknown", "not meant"]
NOT_ADVICE = (
    "Not legal advice: have somebody who knows the law read it before you rely on it. What is unknown, a country or "
    "a consent, counts as breached: nothing passes for want of a fact."
)
_CODE = 3  # letters of the longest code of a country or group of them; platforms have names
_COLOURS = {"passes": "green", "breached": "red", "unknown": "yellow", "not meant": "dim"}


@dataclass(frozen=True, slots=True)
class PackLine:
    """One pack in the list. status: of its sources, in short; family: its folder in the library."""

    id: str
    version: str
    title: str | None
    jurisdiction: str | None
    family: str
    channels: tuple[str, ...]
    stories: tuple[str, ...]
    policies: tuple[str, ...]
    status: tuple[str, ...]
    audit: bool
    distribution: str
    copied: str | None = None  # the version that the workspace has


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in words. then: what becomes of the message, None when nothing is to say."""

    case: str
    outcome: Outcome
    then: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """One policy in words. alternatives: of which one will do, empty when `asks` says it all."""

    id: str
    speaks_of: str
    asks: str
    alternatives: tuple[str, ...]
    otherwise: str
    because: str | None
    source: str | None
    status: str | None
    verified_on: str | None
    audit: bool
    cases: tuple[CaseLine, ...]


@dataclass(frozen=True, slots=True)
class PackPage:
    line: PackLine
    note: str | None
    file: str
    policies: tuple[PolicyPage, ...]


# --- the list ---------------------------------------------------------------------------------------


def print_lines(lines: Sequence[PackLine], console: Console) -> None:
    for title, group in _groups(lines):
        console.print(Text(f"{title}", style="bold"))
        console.print(Padding(_table([_line(line) for line in group]), (0, 0, 1, 2), expand=False))
    console.print(Text("`policykit packs show ID` reads one as text; `policykit packs add ID` copies it.", "dim"))


def _groups(lines: Iterable[PackLine]) -> Iterator[tuple[str, list[PackLine]]]:
    """Stories, then laws by country, a country before its regions, then platforms."""
    lines = list(lines)
    stories = [line for line in lines if line.jurisdiction is None]
    if stories:
        yield "Stories", sorted(stories, key=lambda line: (line.family, line.id))
    laws = sorted((line for line in lines if line.jurisdiction), key=lambda line: (line.jurisdiction or "", line.id))
    countries = dict.fromkeys((line.jurisdiction or "").split("-")[0] for line in laws)
    for country in sorted(countries, key=lambda name: (len(name) > _CODE, _heading(name))):
        found = [line for line in laws if (line.jurisdiction or "").split("-")[0] == country]
        yield f"{'Platform' if len(country) > _CODE else 'Law'}: {_heading(country)}", found


def _heading(country: str) -> str:
    return jurisdiction_name(country).removeprefix("the ")


def _line(line: PackLine) -> tuple[Text, ...]:
    marks = [line.title or listed(line.policies)]
    told = Text(marks[0])
    extra = [", ".join(line.stories)] if line.stories and line.jurisdiction is None else []
    extra += ["only observed"] if line.audit else []
    extra += [_copied(line)] if line.copied else []
    if extra:
        told.append(f" ({'; '.join(extra)})", "dim")
    status = listed(line.status) if line.status else ""
    return Text(line.id, "cyan"), Text(line.version), Text(status, "yellow" if line.audit else "dim"), told


def _copied(line: PackLine) -> str:
    return "in this workspace" if line.copied == line.version else f"in this workspace as {line.copied}"


def _table(rows: Iterable[tuple[Text, ...]]) -> Table:
    rows = list(rows)
    table = Table.grid(padding=(0, 2))
    for column in range(len(rows[0])):
        table.add_column(no_wrap=column < len(rows[0]) - 1, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def lines_as_json(lines: Iterable[PackLine]) -> list[dict[str, Any]]:
    return [asdict(line) for line in lines]


# --- one pack ---------------------------------------------------------------------------------------


def print_page(page: PackPage, console: Console) -> None:
    for part in _page(page):
        console.print(part)


def _page(page: PackPage) -> Iterator[RenderableType]:
    yield Text.assemble((page.line.id, "bold cyan"), (f" {page.line.version}", "bold"))
    if page.line.title:
        yield Text(page.line.title, "bold")
    yield Text(_about(page.line))
    yield Text(f"{page.line.distribution}, {page.file}", "dim")
    if page.note:
        yield Padding(Text(page.note), (1, 0, 0, 0))
    if page.line.jurisdiction:
        yield Padding(Text(NOT_ADVICE, "dim"), (1, 0, 0, 0))
    for policy in page.policies:
        yield from _policy(policy)


def _about(line: PackLine) -> str:
    parts = [_heading(line.jurisdiction)] if line.jurisdiction else []
    parts += [f"stories {', '.join(line.stories)}"] if line.stories else []
    parts += [listed(channel_name(channel) for channel in line.channels)] if line.channels else ["every channel"]
    return " · ".join([*parts, *line.status])


def _policy(policy: PolicyPage) -> Iterator[RenderableType]:
    mode = (" only observed (mode: audit)", "yellow") if policy.audit else ""
    yield Text.assemble("\n", (policy.id, "bold"), mode)
    rows = [(Text(name, "dim"), Text(said)) for name, said in _facts(policy)]
    yield Padding(_table(rows), (0, 0, 0, 2), expand=False)
    if policy.cases:
        yield Padding(Text("Tried on", "dim"), (1, 0, 0, 2))
        yield Padding(_table([_case(case) for case in policy.cases]), (0, 0, 0, 4), expand=False)


def _facts(policy: PolicyPage) -> Iterator[tuple[str, str]]:
    yield "Speaks of", policy.speaks_of
    yield "Asks", "\n".join([policy.asks, *(f"• {each}" for each in policy.alternatives)])
    yield "Otherwise", policy.otherwise
    if policy.because:
        yield "Because", policy.because
    if policy.source:
        yield "Source", policy.source
    if policy.status:
        yield "Status", f"{policy.status}{f' (read on {policy.verified_on})' if policy.verified_on else ''}"


def _case(case: CaseLine) -> tuple[Text, ...]:
    told = Text(case.case)
    if case.then:
        told.append(f": {case.then}", "dim")
    return Text(case.outcome, _COLOURS[case.outcome]), told


def as_json(page: PackPage) -> dict[str, Any]:
    return {**asdict(page.line), "note": page.note, "file": page.file, "policies": [asdict(p) for p in page.policies]}


def page_as_markdown(page: PackPage) -> str:
    lines = [f"# {page.line.id} {page.line.version}", "", page.line.title or "", "", _about(page.line), ""]
    lines += [page.note, ""] if page.note else []
    lines += [NOT_ADVICE, ""] if page.line.jurisdiction else []
    for policy in page.policies:
        lines += [f"## {policy.id}{' (only observed)' if policy.audit else ''}", ""]
        for name, said in _facts(policy):
            first, *more = said.split("\n")
            lines += [f"- **{name}:** {first}", *(f"  - {each.removeprefix('• ')}" for each in more)]
        rows = [f"| {case.outcome} | {_cell(case.case)} | {_cell(case.then or '')} |" for case in policy.cases]
        lines += ["", "| outcome | case | then |", "|---|---|---|", *rows, ""] if rows else [""]
    return "\n".join(lines).rstrip() + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
