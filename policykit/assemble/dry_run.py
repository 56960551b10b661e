"""A dry run put together: manifest and files in, the summary a marketer reads out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from policykit.assemble.moment import instant, now
from policykit.assemble.offers import doubts_about_offers
from policykit.assemble.pseudonyms import pseudonyms
from policykit.assemble.rates import of_campaign, rates_of
from policykit.assemble.stores import exported, is_suppressed, opened_store
from policykit.assemble.workspace import Opened, manifest, open_workspace
from policykit.dryrun import run
from policykit.dryrun.numbers import Example, Numbers, PolicyNumbers, Suggestion
from policykit.dryrun.preflight import Lack
from policykit.dryrun.sources import Source, Sources
from policykit.errors import Problem, UsageError
from policykit.ir import say
from policykit.ir.rules import Effect, Rule
from policykit.language.campaign import Manifest
from policykit.language.load import Workspace
from policykit.model import Campaign, Decision, LocalTime, Micros, from_micros
from policykit.reports import summary as told
from policykit.reports.rates import Rate
from policykit.reports.words import IMPOSSIBLE_IN_SHORT, channel_name, count, listed
from policykit.stores.base import Store
from policykit.vocabulary import REACTIONS, RELATIONS

_SIZE = re.compile(r"[0-9]+(\.[0-9]+)? ?([KMGT]i?B)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks of a dry run. files: relation -> file given instead of the manifest's (`audience` = people).

    store: what `files` do not give comes from the live store; people only where the manifest names no audience.
    """

    campaign: str
    files: Mapping[str, Path] = field(default_factory=dict)
    known_at: str | None = None
    send_at: str | None = None
    out: Path | None = None
    lists: Path | None = None
    memory_limit: str | None = None
    threads: int | None = None
    store: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A campaign as it is to be judged: with the instants wished for."""

    opened: Opened
    manifest: Manifest
    campaign: Campaign
    known_at: Micros


def planned(folder: Path | None, wish: Wish) -> Planned:
    """The workspace, and the campaign with the instants wished for."""
    known_at, send_at = instant(wish.known_at, "--known-at"), instant(wish.send_at, "--send-at")
    opened = open_workspace(folder)
    found = manifest(opened, wish.campaign)
    campaign = found.campaign if send_at is None else replace(found.campaign, at=send_at)
    return Planned(opened, found, campaign, now() if known_at is None else known_at)


def dry_run(folder: Path | None, wish: Wish, progress: Callable[[str], None] = lambda step: None) -> told.Summary:
    """The summary; decisions and lists are written on the way when they are wished for."""
    if wish.memory_limit is not None and not _SIZE.fullmatch(wish.memory_limit):
        raise UsageError(f"`--memory-limit {wish.memory_limit}` is no size", "write e.g. `1GB` or `800MB`")
    progress("loading policies")
    asked = planned(folder, wish)
    with supplied(asked, wish, progress) as (given, held, reactions):
        result = run.dry_run(
            asked.opened.ruleset,
            asked.campaign,
            given,
            asked.known_at,
            vocabulary=asked.opened.vocabulary,
            out=wish.out,
            lists=wish.lists,
            pseudonym=pseudonyms(asked.opened.workspace.root),
            progress=progress,
            options=run.Options(memory_limit=wish.memory_limit, threads=wish.threads),
        )
    return _summary(asked.opened, asked.manifest, asked.campaign, result, held, reactions)


@contextmanager
def supplied(
    asked: Planned, wish: Wish, progress: Callable[[str], None] = lambda step: None
) -> Iterator[tuple[Sources, list[Problem], tuple[Rate, ...]]]:
    """Where each relation is read from, what the store says of the campaign, and how people answered ones like it."""
    if not wish.store:
        yield sources(asked.manifest, wish.files), list(_unjudged(asked.manifest)), ()
        return
    given = {"people" if name == "audience" else name for name in wish.files}
    if asked.manifest.audience.files.get("people"):
        given.add("people")
    with opened_store(asked.opened) as store:
        progress("reading the store")
        with exported(store, {relation.name for relation in RELATIONS} - given) as files:
            found = _from_store(asked.manifest, wish.files, files)
            registry, manifests = asked.opened.workspace.registry, asked.opened.workspace.manifests
            every = rates_of(store, {**manifests, asked.manifest.id: asked.manifest}, registry, asked.known_at)
            yield (
                replace(found, suppressed=is_suppressed(store)),
                list(_held(asked.manifest.id, store)),
                of_campaign(every, asked.manifest.campaign, registry),
            )


def _from_store(found: Manifest, given: Mapping[str, Path], files: Mapping[str, Path]) -> Sources:
    """The files given, the manifest's audience, and the rest from the store, under the names it has them."""
    stored = {name: Source(path) for name, path in files.items()}
    audience = {"audience": files["people"]} if "people" in files else {}
    return replace(sources(found, {**audience, **given}), **stored)  # type: ignore[arg-type]  # names of relations


def _unjudged(found: Manifest) -> Iterator[Problem]:
    """A warning for brakes that nobody can judge without the store."""
    for name in sorted(found.brakes.keys() & set(REACTIONS)):
        message = f"the brake `{name}` is not judged: how people answered past sends is in the store"
        yield Problem(None, message, "add `--store`", "brake.no-store", "warning")


def _held(campaign: str, store: Store) -> Iterator[Problem]:
    because = store.holds().get(campaign)
    if because is not None:
        message = f"`{campaign}` is on hold ({because}): until it is released its marketing sends are refused"
        yield Problem(None, message, f"`policykit release {campaign}` lets it go on", "campaign.held", "warning")


def sources(found: Manifest, files: Mapping[str, Path]) -> Sources:
    """Where each relation is: given on the command line, else named by the manifest; a mapping of columns stays."""
    given = {"people" if name == "audience" else name: path for name, path in files.items()}
    columns = found.audience.columns
    known = {name: Source(_near(file.path), file.columns, file.place) for name, file in found.audience.files.items()}
    known |= {name: Source(path, columns.get(name, {})) for name, path in given.items()}
    people = known.pop("people", None)
    if people is None:
        raise UsageError(
            Problem(
                found.audience.place or found.place,
                f"campaign `{found.id}` names no audience",
                "write `audience: {from: people.csv}`, or give `--audience FILE`",
            )
        )
    return Sources(people, **known, ignore=found.audience.ignore)  # type: ignore[arg-type]  # names of relations


def _near(path: Path) -> Path:
    """The path as the user would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


# --- numbers into words --------------------------------------------------------------------------------


def _summary(
    opened: Opened, found: Manifest, campaign: Campaign, result: run.Result, held: Iterable[Problem],
    reactions: tuple[Rate, ...],
) -> told.Summary:  # fmt: skip
    numbers, ruleset = result.numbers, opened.ruleset
    rules = {rule.policy: rule for rule in ruleset.rules}
    return told.Summary(
        campaign=found.id,
        planned=_planned(campaign),
        audience=numbers.rows,
        people=numbers.people,
        allowed=numbers.allowed,
        downgraded=numbers.downgraded,
        blocked=numbers.blocked,
        unknown=numbers.unknown,
        moved=dict(numbers.moved),
        stripped=dict(numbers.stripped),
        generic=numbers.generic,
        delayed=numbers.delayed,
        blended=numbers.blended,
        channels=dict(numbers.channels),
        styles=dict(numbers.styles),
        impossible=dict(numbers.impossible),
        policies=tuple(_policy_count(p, rules[p.policy], opened.workspace) for p in numbers.policies),
        suggestions=tuple(_suggestions(numbers.suggestions)),
        examples=tuple(_example(example) for example in numbers.examples),
        warnings=(
            *held,
            *_unplanned(found, campaign),
            *doubts_about_offers(ruleset, found),
            *(lack_problem(lack) for lack in result.lacks),
            *result.warnings,
            *_of_others_left_out(opened, found),
        ),
        brakes=(*_brakes(found, numbers), *_past_brakes(found, reactions)),
        reactions=reactions,
        assumed={fact: (_value(ruleset.assume[fact]), n) for fact, n in numbers.assumed.items()},
        mode=opened.workspace.config.mode,
        rules=ruleset.hash,
    )


def _policy_count(found: PolicyNumbers, rule: Rule, workspace: Workspace) -> told.PolicyCount:
    waiver = next((each for each in workspace.waivers if each.rule == rule.policy), None)
    what = asks(rule.effect) if waiver is None else f"sets aside {listed(f'`{policy}`' for policy in waiver.policies)}"
    return told.PolicyCount(
        found.policy, found.breached, found.alone, found.unknown, what, rule.because, found.audit, found.sent,
        rule.owner, waiver is not None,
    )  # fmt: skip


def _of_others_left_out(opened: Opened, found: Manifest) -> Iterator[Problem]:
    """Warnings of the workspace, without those about other campaigns."""
    others = {each.file for each in opened.workspace.manifests.values()} - {found.file}
    yield from (each for each in opened.warnings if each.place is None or each.place.file not in others)


def _unplanned(found: Manifest, campaign: Campaign) -> Iterator[Problem]:
    """Without an instant there is nothing to judge: nobody gets it."""
    if campaign.at is None:
        message = f"`{found.id}` does not say when it is sent, so it goes to nobody"
        way_out = 'write e.g. `send: {at: "2026-03-02T10:00", zone: recipient}` in the manifest, or give `--send-at`'
        yield Problem(found.place, message, way_out, "campaign.unplanned", "warning")


def _planned(campaign: Campaign) -> str:
    at = campaign.at
    if at is None:
        return "with no planned instant"
    if not isinstance(at, LocalTime):
        return f"planned for {say.moment(from_micros(at))} (UTC)"
    clock = f"on the clock of {at.zone}" if at.zone else "on each person's own clock"
    return f"planned for {say.moment(datetime.fromisoformat(at.at))}, {clock}"


def asks(effect: Effect) -> str:
    """What a breach asks for, as the end of a sentence about a policy."""
    match effect.part:
        case "block":
            return "stops it"
        case "channel" if effect.channels:
            return f"wants it by {listed((channel_name(c) for c in sorted(effect.channels)), 'or')}"
        case "channel":
            return "wants a gentler channel"
        case "uses":
            return "takes the data out"
        case "content":
            return "wants the generic text"
        case "send_at":
            return "lets it wait for an allowed hour"
        case "offers":
            return "wants more offers that are for everybody"


def _suggestions(found: Iterable[Suggestion]) -> list[told.Suggestion]:
    """The largest of each kind: what to ask people, what to find out, and which policies stand alone."""
    kept = [
        suggestion
        for kind, most in (("consent", 1), ("fact", 3), ("policy", 3))
        for suggestion in [s for s in found if s.kind == kind][:most]
    ]
    return [told.Suggestion(s.more_allowed, s.of_blocked, _suggested(s)) for s in kept]


def _suggested(suggestion: Suggestion) -> str:
    more = count(suggestion.more_allowed)
    blocked = "any" if suggestion.of_blocked == suggestion.more_allowed else count(suggestion.of_blocked)
    now_blocked = f" (now nothing goes to {blocked} of them)" if suggestion.of_blocked else ""
    match suggestion.kind:
        case "consent":
            return f"{more} more would go as planned if the consent they need were asked for and given{now_blocked}"
        case "fact":
            return f"up to {more} more would go as planned if you knew {say.missing(suggestion.subject)}{now_blocked}"
        case _:
            return f"`{suggestion.subject}` alone keeps {more} from going as planned{now_blocked}"


def _example(example: Example) -> told.Example:
    decision = example.decision
    others = f", like {count(example.alike - 1)} more" if example.alike > 1 else ""
    text = f"{_outcome(decision)}{others}"
    return told.Example(example.person, str(decision.verdict), text, decision.determining)


def _outcome(decision: Decision) -> str:
    by = f" because of {listed(f'`{policy}`' for policy in decision.determining)}" if decision.determining else ""
    if decision.channel is None:
        why = f" ({IMPOSSIBLE_IN_SHORT[decision.impossible]})" if decision.impossible else ""
        return f"not sent{by}{why}"
    changes = decision.changes
    parts = [f"moved to {channel_name(changes.channel)}"] if changes.channel else []
    parts += ["with the generic text"] if changes.generic else []
    parts += [f"without {listed(f'`{attribute}`' for attribute in changes.strip)}"] if changes.strip else []
    parts += [f"with {count(changes.blend, 'personalised offer')} left"] if changes.blend is not None else []
    parts += ["sent later"] if changes.send_at is not None else []
    return f"{', '.join(parts)}{by}"


def lack_problem(lack: Lack) -> Problem:
    """A fact that nobody has, with the ways out."""
    needs = (
        f", which {listed(f'`{policy}`' for policy in lack.policies)} look{'s' if len(lack.policies) == 1 else ''} at"
    )
    what = f"nobody in the audience has `{lack.fact}`{needs if lack.policies else ''}"
    if lack.assumed:
        return Problem(None, f"{what}; it is assumed for everybody", None, "preflight.assumed", "warning")
    return Problem(None, what, "; or ".join(lack.ways), "preflight.unknown", "warning")


def _brakes(found: Manifest, numbers: Numbers) -> Iterable[told.Brake]:
    for name, limit in sorted(found.brakes.items()):
        if name not in REACTIONS:
            number: int = getattr(numbers, name)
            yield told.Brake(name, limit, number / numbers.rows if numbers.rows else 0.0)


def _past_brakes(found: Manifest, reactions: Iterable[Rate]) -> Iterable[told.Brake]:
    """Limits on how people answered the campaign's own past sends and those of its style."""
    for name, limit in sorted(found.brakes.items()):
        for rate in reactions:
            share = rate.share(name) if name in REACTIONS and rate.of != "origin" else None
            if share is not None:
                yield told.Brake(name, limit, share, f"{rate.of} {rate.name}")


def _value(value: bool | float | str) -> str:  # noqa: FBT001  # any value of the vocabulary
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
