"""Forgetting people, and values that were kept as long as was promised."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TypeAlias

from policykit.assemble.moment import now
from policykit.assemble.pseudonyms import key_file, pseudonyms
from policykit.assemble.stores import check_shared, opened_store, read_for_store, store_of
from policykit.errors import InvalidPolicies, UsageError
from policykit.facts import cells
from policykit.facts.consent import later_by
from policykit.ir.nodes import Fact, Months, Sends, Span
from policykit.ir.rules import RuleSet
from policykit.ir.walk import leaves_of
from policykit.language.spans import MonthSpan, parse_span
from policykit.model import DAY, Micros
from policykit.stores.base import Forgotten, Row, Store

_SUPPRESSED = "send.address.suppressed"

Unknown: TypeAlias = Literal["keep", "drop"]


@dataclass(frozen=True, slots=True)
class Done:
    """What was forgotten, of everybody together. unreadable: nothing of it can be read from the store's files.
    obeyed: some enforced policy reads that an address is suppressed; else an old file does bring them back.
    """

    counts: Forgotten
    unreadable: bool
    obeyed: bool = True


def forget(folder: Path | None, people: Sequence[str], *, dry: bool) -> Done:
    """Takes people out of the store, all or, when somebody is not in it, nobody. dry: says what would go.

    Raises `UsageError` for somebody nobody knows, by their place among `people`: an id is never repeated.
    """
    people = list(dict.fromkeys(people))
    with store_of(folder) as (opened, store):
        root = opened.workspace.root
        # Without a key nobody was ever called by a pseudonym; asking for one would make it.
        name = pseudonyms(root) if key_file(root).exists() else None
        who = {person: name(person) if name else None for person in people}
        found = [store.would_forget(*one) for one in who.items()]
        _check_known(found)
        if dry:
            return Done(_together(found), unreadable=True, obeyed=_is_obeyed(opened.ruleset))
        done = [store.forget(person, now(), pseudonym) for person, pseudonym in who.items()]
        return Done(_together(done), store.scrub(), _is_obeyed(opened.ruleset))


def _is_obeyed(ruleset: RuleSet) -> bool:
    enforced = (rule.breached for rule in ruleset.rules if rule.mode == "enforce")
    return any(isinstance(leaf, Fact) and leaf.path == _SUPPRESSED for each in enforced for leaf in leaves_of(each))


def _check_known(found: Sequence[Forgotten]) -> None:
    unknown = [place for place, one in enumerate(found, 1) if one == Forgotten()]
    if not unknown:
        return
    which = "of this id" if len(found) == 1 else f"of id number {unknown[0]} of the {len(found)} given"
    raise UsageError(f"the store knows nobody {which}; nothing was forgotten",
                     "ids are those of the `people` relation, exactly spelled; who was forgotten is not known any more"
                     )  # fmt: skip


def _together(counts: Sequence[Forgotten]) -> Forgotten:
    return Forgotten(**{each.name: sum(getattr(one, each.name) for one in counts) for each in fields(Forgotten)})


# --- what is past its keep ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retained:
    """What was too old. past: attribute -> values past their `keep`. unknown: attribute with a `keep` -> values of
    which nobody knows since when they are there, kept unless unknown_goes. history: sends. unreadable: as in `Done`.
    """

    past: Mapping[str, int]
    unknown: Mapping[str, int]
    history: int
    unknown_goes: bool
    unreadable: bool = True


def retain(folder: Path | None, unknown: Unknown, *, dry: bool) -> Retained:
    """Drops values past the `keep` that their attribute is registered with, and sends past `keep: {history: ...}`.

    Sends that a policy may still read stay, whatever is promised. dry: says what would go.
    """
    opened, errors = read_for_store(folder)
    if errors:  # nobody knows what was promised, nor how far back policies read
        raise InvalidPolicies(errors)
    check_shared(opened)
    attributes = opened.workspace.registry.attributes
    keeps = {name: span for name, one in attributes.items() if (span := span_of(one.keep))}
    inputs = {each for name, one in attributes.items() for each in one.lineage if each != name}
    history = span_of(opened.workspace.config.keep.get("history"))
    with opened_store(opened) as store:
        at = now()
        values = _Values(keeps, inputs, at, drops_unknown=unknown == "drop")
        values.look_through(store)
        sent_goes = _sent_goes(history, longest_window(opened.ruleset), at)
        if dry:
            sends = sum(map(sent_goes, store.rows("history")))
            return Retained(values.past, values.unknown, sends, unknown == "drop")
        values.drop(store)
        sends = store.amend("history", lambda row: None if sent_goes(row) else row)
        dropped = values.counts + Counter({"history": sends} if sends else {})
        if dropped:
            _note(store, dropped, at)
        unreadable = store.scrub() if dropped else True
        return Retained(values.past, values.unknown, sends, unknown == "drop", unreadable)


def _note(store: Store, dropped: Mapping[str, int], at: Micros) -> None:
    event = f"pt-{os.urandom(10).hex()}"
    said = {"id": event, "at": at, "event": "retained", "dropped": dict(sorted(dropped.items()))}
    store.note(event, json.dumps(said, separators=(",", ":")))


def span_of(keep: str | None) -> Span | None:
    found = parse_span(keep)
    return Months(found.count) if isinstance(found, MonthSpan) else found


def is_past(collected: Micros, keep: Span, at: Micros) -> bool:
    """Whether something was kept as long as promised: at the very instant that ends, it is."""
    return at >= later_by(collected, keep)


def longest_window(ruleset: RuleSet) -> Micros:
    """How far back any rule reads in history; a calendar window as long as it can be, anywhere on earth."""
    leaves = (leaf for rule in ruleset.rules for each in (rule.breached, rule.reason) for leaf in leaves_of(each))
    found = [leaf.window for leaf in leaves if isinstance(leaf, Sends)]
    return max((window.rolling or _LONGEST[window.calendar or "month"] for window in found), default=0)


_LONGEST = {"day": 3 * DAY, "week": 9 * DAY, "month": 33 * DAY}


def _sent_goes(keep: Span | None, longest: Micros, now_: Micros) -> Callable[[Row], bool]:
    def _goes(row: Row) -> bool:
        at = cells.instant(row.get("at"))
        return keep is not None and at is not None and is_past(at, keep, now_) and now_ - at > longest + DAY

    return _goes


_ORIGIN = ("origin", "collected_for")


class _Values:
    """Values past their keep, as rows of attributes and as columns `attributes.<id>` of people.

    A column has the provenance of the row of the same person and attribute; without one nobody knows its age.
    inputs: attributes that others are inferred from; where theirs came from outlives the value, because policies ask
    it of those others (M9). past, unknown: values by attribute.
    """

    def __init__(self, keeps: Mapping[str, Span], inputs: Set[str], at: Micros, *, drops_unknown: bool) -> None:
        self._keeps, self._inputs, self._at, self._drops_unknown = keeps, inputs, at, drops_unknown
        self.past: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self._columns: dict[tuple[str, str], bool | None] = {}  # person and attribute -> whether it is past

    @property
    def counts(self) -> Counter[str]:
        """How many of each attribute go."""
        return self.past + self.unknown if self._drops_unknown else Counter(self.past)

    def look_through(self, store: Store) -> None:
        for row in store.rows("people"):
            self._columns.update(dict.fromkeys(self._columns_of(row)))
        for row in store.rows("attributes"):
            of = str(row["person"]), str(row["attribute"])
            past = self._is_past(row)
            if of in self._columns:
                self._columns[of] = past
            elif cells.text(row.get("value")) is not None:
                self._count(of[1], past=past)
        for (_, attribute), past in self._columns.items():
            self._count(attribute, past=past)

    def drop(self, store: Store) -> None:
        """Columns before rows: a value never stands there without its provenance."""
        if any(map(self._goes, self._columns.values())):
            store.amend("people", self._without_columns)
        store.amend("attributes", lambda row: self._left_of(row) if self._goes(self._is_past(row)) else row)

    def _left_of(self, row: Row) -> Row | None:
        said = {name: row.get(name) for name in _ORIGIN if cells.text(row.get(name)) is not None}
        if not said or str(row["attribute"]) not in self._inputs:
            return None
        return {"person": row["person"], "attribute": row["attribute"], **said}

    def _columns_of(self, row: Row) -> list[tuple[str, str]]:
        person = str(row["id"])
        return [(person, name) for name in self._keeps if cells.text(row.get(f"attributes.{name}")) is not None]

    def _is_past(self, row: Row) -> bool | None:
        """None when nobody knows; False also for what nobody promised to drop."""
        keep = self._keeps.get(str(row["attribute"]))
        if keep is None:
            return False
        collected = cells.instant(row.get("collected_at"))
        return None if collected is None else is_past(collected, keep, self._at)

    def _goes(self, past: bool | None) -> bool:  # noqa: FBT001  # a state
        return self._drops_unknown if past is None else past

    def _count(self, attribute: str, *, past: bool | None) -> None:
        if past is None:
            self.unknown[attribute] += 1
        elif past:
            self.past[attribute] += 1

    def _without_columns(self, row: Row) -> Row:
        gone = {f"attributes.{of[1]}" for of in self._columns_of(row) if self._goes(self._columns.get(of, False))}
        return {name: cell for name, cell in row.items() if name not in gone} if gone else row
