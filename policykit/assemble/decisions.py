"""The decision log and holds, as the command line asks for them."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from policykit.assemble.moment import now
from policykit.assemble.stores import store_of
from policykit.errors import UsageError
from policykit.language.suggest import did_you_mean, some
from policykit.reports import decisions as rendering
from policykit.reports.decisions import Line
from policykit.stores.base import Logged, Store, Verified
from policykit.stores.chain import head_before

_BATCH = 1000
_WRITERS: Mapping[str, tuple[str, Callable[[Line], str]]] = {
    ".jsonl": ("", rendering.as_jsonl),
    ".csv": (",".join(rendering.CSV_COLUMNS) + "\n", rendering.as_csv),
}


def tail(folder: Path | None, most: int) -> list[Line]:
    """The latest decisions, oldest first."""
    with store_of(folder) as (_, store):
        return [_line(each) for each in store.last(most)]


def follow(folder: Path | None, most: int, every_s: float = 0.5) -> Iterator[Line]:
    """The latest decisions, then each as it is made; ends when the caller stops."""
    with store_of(folder) as (_, store):
        seen = 0
        for each in store.last(most):
            seen = each.number
            yield _line(each)
        while True:
            fresh = store.decisions(seen, _BATCH)
            for each in fresh:
                seen = each.number
                yield _line(each)
            if not fresh:
                time.sleep(every_s)


def show(folder: Path | None, wanted: str) -> Line:
    """The decision of an id."""
    with store_of(folder) as (_, store):
        found = store.decision(wanted)
    if found is None:
        raise UsageError(f"there is no decision `{wanted}` in this workspace's log",
                         "ids look like `pk-` and 20 digits; `policykit decisions tail` shows the latest")  # fmt: skip
    return _line(found)


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a check of the log and of the ledger of consents. noted: whether a hash noted earlier is in the
    log, None when none was given.
    """

    verified: Verified
    consents: Verified
    noted: bool | None = None

    @property
    def holds(self) -> bool:
        return self.verified.broken is None and self.consents.broken is None and self.noted is not False


def verify(folder: Path | None, noted: str | None = None) -> Checked:
    """Walks both chains. noted: a head of the log noted earlier, which must still be in it."""
    with store_of(folder) as (_, store):
        found = None if noted is None else any(noted in (each.hash, head_before(each.line)) for each in _all(store))
        return Checked(store.verify(), store.verify_consents(), found)


def export(folder: Path | None, target: Path) -> int:
    """Writes the whole log into a new file, whole or not at all; how many decisions it holds."""
    if target.suffix.lower() not in _WRITERS:
        raise UsageError(f"`{target}` is neither JSON lines nor CSV", f"the ending says which: {some(_WRITERS)}")
    head, render = _WRITERS[target.suffix.lower()]
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder `{target.parent}`", "make it first")
    with store_of(folder) as (_, store):
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            count = 0
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(head)
                for count, each in enumerate(_all(store), 1):  # noqa: B007  # the last one is how many
                    file.write(render(_line(each)))
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    return count


def _all(store: Store) -> Iterator[Logged]:
    after = 0
    while batch := store.decisions(after, _BATCH):
        yield from batch
        after = batch[-1].number


def _line(logged: Logged) -> Line:
    return Line(logged.number, logged.line, logged.hash, logged.nonce, logged.digest)


# --- holds -----------------------------------------------------------------------------------------


def holds(folder: Path | None) -> Mapping[str, str]:
    """Campaigns on hold and why."""
    with store_of(folder) as (_, store):
        return store.holds()


def hold(folder: Path | None, campaign: str, because: str) -> str | None:
    """Puts a campaign on hold; the reason it was on hold for before, None when it was not.

    A name that no manifest has is refused, but not while manifests cannot be read: holding is for
    when something burns.
    """
    if not because.strip():
        raise UsageError("`--because` is empty", "say why in a few words: it is told with every refusal")
    with store_of(folder) as (opened, store):
        known = opened.workspace.manifests
        broken = any(problem.severity == "error" for problem in opened.workspace.warnings)
        if campaign not in known and not broken:
            way_out = f"there is {some(sorted(known))}" if known else "there is none in `campaigns/`"
            raise UsageError(f"there is no campaign `{campaign}`{did_you_mean(campaign, known)}", way_out)
        before = store.holds().get(campaign)
        store.hold(campaign, because.strip(), now())
        return before


def release(folder: Path | None, campaign: str) -> None:
    """Lets a campaign go on."""
    with store_of(folder) as (_, store):
        held = store.holds()
        if not store.release(campaign):
            way_out = f"on hold: {some(sorted(held))}" if held else "no campaign is"
            raise UsageError(f"campaign `{campaign}` is not on hold{did_you_mean(campaign, held)}", way_out)
