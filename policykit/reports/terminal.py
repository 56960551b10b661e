"""The summary of a dry run for a terminal, read by the person who planned the campaign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from policykit.errors import Problem
from policykit.reports.rates import in_lines
from policykit.reports.summary import Brake, PolicyCount, Summary
from policykit.reports.words import IMPOSSIBLE, STYLE_NAMES, channel_name, count, share

__all__ = ["print_summary"]

_BAR = 30
_EXAMPLES = 6  # more are in the JSON


def print_summary(summary: Summary, console: Console) -> None:
    """Prints every part that has something to say."""
    for part in _parts(summary):
        console.print(part)


def _parts(summary: Summary) -> Iterator[RenderableType]:
    yield from _head(summary)
    yield from _warnings(summary)
    yield _totals(summary)
    yield from _changes(summary)
    yield from _reasons(summary)
    yield from _styles(summary)
    yield from _reactions(summary)
    yield from _suggestions(summary)
    yield from _examples(summary)
    yield from _today(summary)


def _head(summary: Summary) -> Iterator[RenderableType]:
    people = "" if summary.people == summary.audience else f" to {count(summary.people, 'person')}"
    yield Text.assemble(
        ("Dry run of ", ""), (summary.campaign, "bold"), f": {count(summary.audience, 'message')}{people}, ",
        f"{summary.planned}. Nothing was sent.",
    )  # fmt: skip


def _section(title: str, *body: RenderableType) -> Iterator[RenderableType]:
    yield Text(f"\n{title}", style="bold")
    for item in body:
        yield Padding(item, (0, 0, 0, 2), expand=False)


def _table(rows: Iterable[tuple[str | Text, ...]], right: tuple[int, ...] = ()) -> Table:
    rows = list(rows)
    table = Table.grid(padding=(0, 2))
    for column in range(len(rows[0])):
        table.add_column(justify="right" if column in right else "left", no_wrap=column in right)
    for row in rows:
        table.add_row(*row)
    return table


def _totals(summary: Summary) -> RenderableType:
    rows = [
        ("sent as planned", summary.allowed, "green"),
        ("sent, but changed", summary.downgraded, "yellow"),
        ("not sent", summary.blocked, "red"),
    ]
    lines = [
        (name, count(number), share(number, summary.audience), _bar(number, summary.audience, colour))
        for name, number, colour in rows
    ]
    return Padding(_table(lines, right=(1, 2)), (1, 0, 0, 2), expand=False)


def _bar(part: int, whole: int, colour: str) -> Text:
    """A bar on a scale of the whole; a count that is not zero never has an empty bar."""
    filled = round(_BAR * part / whole) if whole else 0
    filled = max(filled, 1) if part else 0
    return Text.assemble(("█" * filled, colour), ("░" * (_BAR - filled), "dim"))


def _changes(summary: Summary) -> Iterator[RenderableType]:
    rows = [(f"moved to {channel_name(channel)}", n) for channel, n in _largest(summary.moved)]
    rows += [("sent with the generic text", summary.generic)]
    rows += [(f"`{attribute}` left out of the text", n) for attribute, n in _largest(summary.stripped)]
    rows += [("blended: general offers in the place of personalised ones", summary.blended)]
    rows += [("sent later, at the next allowed hour", summary.delayed)]
    lines = [(count(n), what) for what, n in rows if n]
    if lines:
        note = "" if sum(n for _, n in rows) <= summary.downgraded else " (one message can be changed in several ways)"
        yield from _section(f"What was changed{note}", _table(lines, right=(0,)))
    if summary.impossible:
        why = [(count(n), IMPOSSIBLE.get(word, word)) for word, n in _largest(summary.impossible)]
        yield from _section("Not sent because a change could not be made", _table(why, right=(0,)))
    if summary.channels:
        out = [(count(n), channel_name(channel)) for channel, n in _largest(summary.channels)]
        yield from _section("What goes out, by channel", _table(out, right=(0,)))


def _largest(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _reasons(summary: Summary) -> Iterator[RenderableType]:
    enforced = [p for p in summary.policies if p.breached and not p.audit]
    audited = [p for p in summary.policies if p.breached and p.audit and not p.waiver]
    silent = sum(not p.breached and not p.waiver for p in summary.policies)
    if enforced:
        tail = f"{silent} other {'policy' if silent == 1 else 'policies'} had nothing to object to."
        yield from _section("Why", _reason_table(enforced, summary.audience), *([Text(tail, "dim")] if silent else []))
    if audited:
        yield from _section("Only observed (mode: audit), changes nothing", _reason_table(audited, summary.audience))
    yield from _waivers(summary)


def _waivers(summary: Summary) -> Iterator[RenderableType]:
    """What waivers let through, with who answers for it and why."""
    used = sorted((p for p in summary.policies if p.waiver and p.breached), key=lambda p: (-p.sent, p.policy))
    rows: list[tuple[str | Text, ...]] = []
    for waiver in used:
        told = Text.assemble((waiver.policy, "bold"), f" {waiver.asks} (owner: {waiver.owner})")
        if waiver.breached > waiver.sent:
            told.append(f"; {count(waiver.breached - waiver.sent)} more it was for do not go out anyway", "dim")
        told.append(f"\n{' '.join((waiver.because or '').split())}", "dim")
        rows.append((count(waiver.sent), share(waiver.sent, summary.audience), told))
    if rows:
        yield from _section("Let through by waivers", _table(rows, right=(0, 1)))


def _reason_table(policies: Iterable[PolicyCount], audience: int) -> Table:
    """Numbers first, so that sentences have the width: policy and what it asks, its reason, how it decided."""
    rows = [
        (count(policy.breached), share(policy.breached, audience), _reason(policy))
        for policy in sorted(policies, key=lambda p: (-p.breached, p.policy))
    ]
    return _table(rows, right=(0, 1))


def _reason(policy: PolicyCount) -> Text:
    told = Text.assemble((policy.policy, "bold"), f" {policy.asks}" if policy.asks else "")
    parts = [f"decides alone for {count(policy.alone)}"] if policy.alone else []
    parts += [f"for want of a fact for {count(policy.unknown)}"] if policy.unknown else []
    if parts:
        told.append(f" ({', '.join(parts)})", "dim")
    if policy.because:
        told.append(f"\n{' '.join(policy.because.split())}", "dim")
    return told


def _styles(summary: Summary) -> Iterator[RenderableType]:
    whole = sum(summary.styles.values())
    rows = [(share(n, whole), STYLE_NAMES.get(style, style)) for style, n in _largest(summary.styles) if n]
    if rows:
        yield from _section("How the messages that go out will feel", _table(rows, right=(0,)))


def _reactions(summary: Summary) -> Iterator[RenderableType]:
    lines = [Text(line) for line in in_lines(summary.reactions)]
    if lines:
        yield from _section("How people answered sends like these in the last 90 days", *lines)


def _suggestions(summary: Summary) -> Iterator[RenderableType]:
    lines = [Text(f"• {suggestion.text}") for suggestion in summary.suggestions]
    if lines:
        yield from _section("What would help", *lines)


def _examples(summary: Summary) -> Iterator[RenderableType]:
    rows = [(example.person, example.text) for example in summary.examples[:_EXAMPLES]]
    if rows:
        more = f"`policykit explain {summary.campaign} {rows[0][0]}` tells one person's story"
        yield from _section("For example", _table(rows), Text(more, "dim"))


def _warnings(summary: Summary) -> Iterator[RenderableType]:
    if summary.warnings:
        yield from _section("Before you trust these numbers", *(_warning(problem) for problem in summary.warnings))


def _warning(problem: Problem) -> Text:
    """What the audience lacks comes with its ways out; single cells are only counted (`check --campaign` has more)."""
    place = f"{problem.place.file}: " if problem.place else ""
    ways = (problem.help or "").split("; or ") if problem.code.startswith("preflight.") else []
    leads = ("either ", "or ") if len(ways) > 1 else ("",)
    lines = [f"  {lead}{way}" for lead, way in zip(leads, ways, strict=False) if way]
    return Text("\n".join([f"• {place}{problem.message}", *lines]))


def _today(summary: Summary) -> Iterator[RenderableType]:
    told = {
        "enforce": "Guards enforce these policies today: this is what would happen.",
        "audit": "Guards only observe today (mode: audit): everything would be sent as planned, and recorded.",
        "off": "Guards are off today (mode: off): everything would be sent as planned, and nothing recorded.",
    }
    lines = [Text(told[summary.mode])]
    for path, (value, n) in sorted(summary.assumed.items()):
        lines.append(Text(f"`{path}` was assumed to be `{value}` for {count(n, 'message')}, where nobody says."))
    yield from _section("Today", *lines)
    if summary.brakes:
        yield from _section("Brakes", *map(_brake, summary.brakes))


def _brake(brake: Brake) -> Text:
    state = ("crossed", "bold red") if brake.crossed else ("holds", "green")
    if brake.of is not None:  # of past sends, where a thousandth is much
        return Text.assemble(state, f": {brake.name} of {brake.of} {brake.share:.2%}, limit {brake.limit:.2%}")
    return Text.assemble(state, f": {brake.name} {brake.share:.1%}, limit {brake.limit:.1%}")
