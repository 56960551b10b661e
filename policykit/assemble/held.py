"""What is held about one person: their rows, and the decisions that used them. Shown to nobody but who asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from policykit.assemble.moment import now
from policykit.assemble.pseudonyms import key_file, pseudonyms
from policykit.assemble.stores import check_shared, opened_store
from policykit.assemble.workspace import Opened
from policykit.dryrun.one import Rows, rows_about
from policykit.dryrun.sources import Source
from policykit.errors import UsageError
from policykit.facts.consent import node_path, refuses
from policykit.facts.records import read_consent
from policykit.language.campaign import Manifest
from policykit.model import Campaign, from_micros
from policykit.reports.disclosure import PROFILE, Decided, Guard, Held, Person, guard_text
from policykit.sends import DecisionRecord, from_line
from policykit.stores.base import Asked, Cell, Row, Store
from policykit.vocabulary import CHANNELS, PURPOSES, RELATIONS

_BATCH = 1000
_INSTANTS = {
    relation.name: {column.name for column in relation.columns if column.type == "timestamp"} for relation in RELATIONS
}
_NO_LOG = "decisions: data files hold no log of them, the live store does"
_NO_SUPPRESSIONS = "addresses nothing is sent to any more: only the live store knows them"
_NO_TEXTS = "texts of messages: neither the log nor the history keeps them"


def of_files(opened: Opened, person: str, given: Mapping[str, Path]) -> Person:
    """What data files say: those of `data:`, the audiences of the campaigns, and files given instead."""
    sources = _sources(opened, given)
    found = {name: tuple(map(_readable(name), rows)) for name, rows in
             rows_about(sources, opened.vocabulary, person).items()}  # fmt: skip
    if not any(found.values()):
        raise _nobody("the data files of this workspace know")
    absent = [relation.name for relation in RELATIONS if relation.name not in sources]
    missing = (*(f"{name}: no file holds them" for name in absent), _NO_LOG, _NO_SUPPRESSIONS, _NO_TEXTS)
    refused = _refused(opened, found.get("consents", ()))
    return _person(person, "the data files of the workspace", found, None, missing, refused)


def _sources(opened: Opened, given: Mapping[str, Path]) -> dict[str, list[Source]]:
    sources: dict[str, dict[Path, Source]] = {}
    root, config = opened.workspace.root, opened.workspace.config
    for name, file in config.data.items():
        sources.setdefault(name, {})[(root / file).resolve()] = Source(root / file)
    for found in opened.workspace.manifests.values():
        for name, data in found.audience.files.items():
            if data.path.is_file():  # a campaign's audience may not be exported yet
                sources.setdefault(name, {})[data.path.resolve()] = Source(data.path, data.columns, data.place)
    for option, path in given.items():
        name = "people" if option == "audience" else option
        sources[name] = {path: Source(path)}
    return {name: list(files.values()) for name, files in sources.items()}


def of_store(opened: Opened, person: str) -> Person:
    """What the live store says, its log of decisions and its suppressions included."""
    check_shared(opened)
    with opened_store(opened) as store:
        at = now()
        known = store.known([Asked("email", "", person)], at)
        stored = known.named[0]
        if stored is None:
            raise _nobody("the store knows")
        rows: dict[str, Iterable[Row]] = {
            "people": (stored.people,), "addresses": stored.addresses, "attributes": stored.attributes,
            "consents": stored.consents, "history": stored.history, "feedback": stored.feedback,
        }  # fmt: skip
        found = {name: tuple(_texts(name, row) for row in each) for name, each in rows.items()}
        suppressed = known.suppressed or frozenset()
        if suppressed:
            found["suppressed"] = tuple({"channel": family, "address": key} for family, key in sorted(suppressed))
        decisions = tuple(_decisions(opened, store, person))
    return _person(person, "the live store", found, decisions, (_NO_TEXTS,), _refused(opened, stored.consents))


def _nobody(where: str) -> UsageError:
    way_out = "ids are those of the `people` relation, exactly spelled; who was forgotten is not known any more"
    return UsageError(f"{where} nobody of this id", way_out)


# --- rows ------------------------------------------------------------------------------------------


def _texts(relation: str, row: Row) -> dict[str, str]:
    """Cells as texts, empty ones left out; our own instants count microseconds, those of people are as written."""
    texts = {}
    for name, cell in row.items():
        if cell in (None, "") or (name == "id" and relation == "history"):
            continue
        is_ours = name in _INSTANTS.get(relation, ()) and relation != "people"
        texts[name] = _text(cell, is_instant=is_ours)
    return texts


def _readable(relation: str) -> Callable[[Mapping[str, str]], dict[str, str]]:
    """For rows of files: Parquet types instants, which come as microseconds."""
    instants = _INSTANTS[relation]
    return lambda row: {
        name: _moment(int(text)) if name in instants and text.isdigit() else text for name, text in row.items()
    }


def _text(cell: Cell, *, is_instant: bool) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return _moment(cell) if is_instant and isinstance(cell, int) else str(cell)


def _moment(at: int) -> str:
    found: datetime = from_micros(at)
    return found.isoformat(timespec="seconds")


def _person(
    person: str, known_from: str, found: Mapping[str, Rows], decisions: tuple[Decided, ...] | None,
    missing: tuple[str, ...], refused: tuple[str, ...],
) -> Person:  # fmt: skip
    people = found.get("people", ())
    profile = {PROFILE.get(name, name): text for row in people for name, text in row.items()
               if not name.startswith("attributes.")}  # fmt: skip
    values = [Held(name.removeprefix("attributes."), text) for row in people for name, text in row.items()
              if name.startswith("attributes.")]  # fmt: skip
    values += [_held(row) for row in found.get("attributes", ())]
    others = [name for name in (*(r.name for r in RELATIONS), "suppressed") if name not in ("people", "attributes")]
    rows = tuple((name, tuple(_without(row) for row in found[name])) for name in others if found.get(name))
    empty = tuple(f"{name}: nothing is held" for name in others if name in found and not found[name])
    return Person(person, known_from, tuple(sorted(values, key=lambda each: each.what)), tuple(sorted(profile.items())),
                  rows, decisions, (*missing, *empty), refused)  # fmt: skip


def _refused(opened: Opened, rows: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """Registered attributes that the person refused by now, for some purpose on some channel at least."""
    ruleset, at = opened.ruleset, now()
    records = [record for row in rows if (record := read_consent(ruleset, row)).attribute is not None]
    if not records:
        return ()
    sends = [Campaign(None, (), None, purpose=each) for each in (*ruleset.purposes, *PURPOSES)]
    sends += [Campaign(None, (), None, program=each) for each in ruleset.programs]
    paths = [{node: place for place, node in enumerate(node_path(ruleset, each) or ())} for each in sends]
    channels = (*CHANNELS, *ruleset.ranks)
    return tuple(
        name for name in sorted(ruleset.attributes)
        if any(refuses(records, name, path, channel, at) for path in paths for channel in channels)
    )  # fmt: skip


def _held(row: Mapping[str, str]) -> Held:
    purposes = tuple(filter(None, row.get("collected_for", "").split("|")))
    return Held(row.get("attribute", ""), row.get("value", ""), row.get("origin"), row.get("collected_at"), purposes,
                row.get("permission"))  # fmt: skip


def _without(row: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in row.items() if name != "person")


# --- decisions ---------------------------------------------------------------------------------------


def _decisions(opened: Opened, store: Store, person: str) -> Iterator[Decided]:
    """The decisions about the person that the log still tells, oldest first. They are logged under the pseudonym."""
    root = opened.workspace.root
    if not key_file(root).exists():
        return  # without a key nobody was ever called by a pseudonym
    name, after = pseudonyms(root)(person), 0
    sentences = {policy.id: policy.disclosed_as for policy in opened.workspace.policies}
    while batch := store.decisions(after, _BATCH):
        after = batch[-1].number
        for logged in batch:
            if name in logged.line and "verdict" in (row := json.loads(logged.line)) and row.get("person") == name:
                yield _decided(from_line(logged.line), opened.workspace.manifests, sentences)


def _decided(record: DecisionRecord, manifests: Mapping[str, Manifest], sentences: Mapping[str, str | None]) -> Decided:
    left = record.decision.channel if record.effect != "refused" else None
    guards = (Guard(policy, text, sentences.get(policy)) for policy, text in record.because.items())
    return Decided(
        id=record.id,
        at=_moment(record.at),
        outcome=_outcome(record),
        campaign=record.campaign,
        channel=left or record.channel,
        used=_used(record, manifests.get(record.campaign or "")),
        because=tuple(guard_text(guard) for guard in guards if guard.disclosed_as or guard.because),
        records=record.records,
    )


def _outcome(record: DecisionRecord) -> str:
    words = {"passed": "sent", "refused": "not sent", "replaced": "sent in a gentler form", "put_off": "put off"}
    return words[record.effect]


def _used(record: DecisionRecord, found: Manifest | None) -> tuple[str, ...]:
    """What shaped the message that left, as the campaign stands today; what was stripped did not."""
    if found is None or record.effect == "refused":
        return record.recites
    channel = record.decision.channel or record.channel
    changes = record.decision.changes
    prepared = next((each for each in found.campaign.prepared if each.channel == channel), None)
    variant = prepared and (prepared.generic if changes.generic else prepared.content)
    uses = {use.attribute for use in (variant.uses or ())} if variant else set()
    return tuple(sorted((uses - set(changes.strip)) | set(record.recites)))
