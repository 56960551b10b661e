"""What people tell us back, received: verified by who signed it, answered as the workspace says, in force at once."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from policykit import addresses
from policykit.adapters.base import Settings
from policykit.adapters.events import Event, Incoming, Receiver
from policykit.assemble import live
from policykit.assemble.live_rules import settings_of
from policykit.assemble.moment import now as clock
from policykit.assemble.stores import StoreHere
from policykit.assemble.workspace import Opened, find_root
from policykit.errors import EventRefused, UsageError
from policykit.language.providers import Provider
from policykit.language.suggest import did_you_mean, some
from policykit.model import Micros
from policykit.responses import addressed, answer
from policykit.stores.base import Asked, Store
from policykit.stores.cells import reach_of

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
SECRET_VARIABLE = "POLICYKIT_EVENTS_SECRET"  # noqa: S105  # a name; where `providers.app` names none
_log = logging.getLogger("policykit")


@dataclass(frozen=True, slots=True)
class Answered:
    """One event that was believed. id: of its rows of feedback. people: how many it was about, 0 = nobody we know.

    done: what it amounts to, in words. again: it had come before, and nothing was written.
    """

    id: str
    kind: str
    channel: str | None
    people: int
    done: tuple[str, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a request. provider: None when nobody reads such requests.

    refused: why nothing of it was believed (`unsigned`, `signature`, `stale`, `unreadable`, `unknown`), else None.
    """

    provider: str | None
    events: tuple[Answered, ...] = ()
    refused: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(event.id for event in self.events)

    @property
    def status(self) -> int:
        """The HTTP status to answer with: 204, or 401 and 400, upon which providers try again or give up."""
        if self.refused is None:
            return 204
        return 401 if self.refused in ("unsigned", "signature", "stale") else 400


@dataclass(frozen=True, slots=True)
class _About:
    """Everybody an event may be about, where they are reached, and ids of the consents they have.

    known: whether somebody is known at the address it names, if it names one.
    """

    people: frozenset[str]
    places: Set[tuple[str, str]]
    consents: Set[object]
    known: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """A workspace at which events are received."""

    opened: Opened
    store: Store
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def receive(self, incoming: Incoming, now: Micros, provider: str | None = None) -> Received:
        """Believes what is signed and writes what is to be done about it, before it returns.

        Raises `UsageError` where a credential is missing, `StoreUnavailable` when nothing could be written: let the
        provider try again then.
        """
        receiver = self._receiver(incoming, provider)
        if receiver is None:
            return _refused(None, "unknown")
        try:
            events = receiver.read(incoming, self._settings(receiver.name), now)
        except EventRefused as error:
            return _refused(receiver.name, error.why)
        return Received(receiver.name, tuple(self._answered(event, receiver.name, now) for event in events))

    def _receiver(self, incoming: Incoming, provider: str | None) -> Receiver | None:
        known = self.opened.plugins.receivers
        if provider is None:
            return next((each for _, each in sorted(known.items()) if each.claims(incoming)), None)
        if provider not in known:
            raise UsageError(f"nobody reads events of `{provider}`{did_you_mean(provider, known)}",
                             f"there is {some(sorted(known))}; a plugin may be missing")  # fmt: skip
        return known[provider]

    def _settings(self, name: str) -> Settings:
        said = self.opened.workspace.config.providers.get(name, Provider())
        settings, fallback = settings_of(said, self.environ), self.environ.get(SECRET_VARIABLE)
        if name == "app" and "events_secret" not in said.credentials and fallback:
            return Settings({**settings.credentials, "events_secret": fallback}, settings.options)
        return settings

    def _answered(self, event: Event, provider: str, now: Micros) -> Answered:
        about = self._about(event, now)
        people = sorted(about.people)
        manifest = self.opened.workspace.manifests.get(event.campaign or "")
        purpose = manifest.campaign.purpose if manifest is not None else None
        found = answer(event, provider, self.opened.workspace.responses, people, purpose, now, about.places,
                       known=about.known)  # fmt: skip
        written = [self.store.suppress(found.suppressions).written] if found.suppressions else []
        fresh = [row for row in found.consents if row["id"] not in about.consents]
        written += [self.store.write("consents", fresh).written] if fresh else []
        written += [self.store.write("feedback", found.feedback).written] if found.feedback else []
        return Answered(event.id, event.kind, event.channel, len(people), found.done, again=not any(written))

    def _about(self, event: Event, now: Micros) -> _About:
        places = [Asked(channel, addresses.key(channel, text)) for channel, text in addressed(event)]
        known = self.store.known([*places, Asked("", "", event.person)], now)
        found = {person.id: person for living in known.people[: len(places)] for person in living}
        # Named by who signed, also when nobody knows them; where the address is somebody else's, it is about both.
        people = {event.person} if event.person in found else {*found, *filter(None, [event.person])}
        named = {person.id: person for person in (*found.values(), *filter(None, known.named)) if person.id in people}
        reached = {place for person in named.values() for place in reach_of(person)}
        consents = {row.get("id") for person in named.values() for row in person.consents}
        return _About(frozenset(people), reached, consents, known=not event.address or bool(found))


def _refused(provider: str | None, why: str) -> Received:
    # In the log of the process, not of decisions: anybody can send us what is refused, as often as they like.
    _log.warning("an event %s was refused: %s", f"of `{provider}`" if provider else "that nobody here reads", why)
    return Received(provider, (), why)


# --- the workspace of this process --------------------------------------------------------------------

_lock = threading.Lock()
_here: dict[Path, StoreHere] = {}


def receive(
    headers: Headers, body: bytes | str, *, url: str | None = None,
    workspace: str | os.PathLike[str] | None = None, provider: str | None = None, now: Micros | None = None,
) -> Received:  # fmt: skip
    """Take in a request that a provider made to a webhook of yours; the very next send obeys.

    headers: as they came, in any case. body: the raw bytes, before anything parses them: they are what is signed.
    url: the address the provider called, as it is written there (Twilio signs it). workspace: else
    that of `policykit.install`, else `POLICYKIT_WORKSPACE`, else the nearest one. provider: only if two read such
    requests. Nothing is believed that is not signed. Raises `StoreUnavailable` when nothing could be written.
    """
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    raw = body.encode() if isinstance(body, str) else bytes(body)
    incoming = Incoming(tuple((str(name), str(value)) for name, value in pairs), raw, url)
    return desk(workspace).receive(incoming, clock() if now is None else now, provider)


def desk(workspace: str | os.PathLike[str] | None = None) -> Desk:
    """The workspace at which this process receives; it works while policies are broken."""
    installed = live.installed()
    if installed is not None and (workspace is None or Path(workspace).resolve() == installed.root):
        return Desk(installed.reloader.opened, installed.store)
    said = workspace or os.environ.get(live.WORKSPACE_VARIABLE) or None
    root = find_root(Path(said) if said is not None else None).resolve()
    with _lock:
        if root not in _here:
            _here[root] = StoreHere(root)
        return Desk(_here[root].opened, _here[root].store)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
