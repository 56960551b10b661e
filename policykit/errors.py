"""Every error policykit raises, and the problems it reports.

PolicykitError
├── UsageError            wrong use or configuration          exit 2
│   ├── WorkspaceNotFound
│   └── BadData           a data file cannot be used
├── InvalidPolicies       policies, registry, campaigns       exit 3
├── CasesFailed           expectations not met                exit 4
├── PluginError           a plugin is missing or broken       exit 2
├── NaiveTime             an instant without a zone (also a ValueError)
├── UnreadableSend        a request of a known provider that its adapter cannot read
├── UnrenderableContent   a template that cannot be rendered for a person
├── UnsupportedRewrite    asked for what an adapter did not declare
├── EventRefused          an event that is not what a provider signed: nothing of it is believed
├── StoreUnavailable      the store cannot be reached, or is locked
├── SendBlocked           a result, no fault: the decision was to block (only with `on_block: raise`)
├── EnginesDisagree       two engines gave two answers: our fault, exit 70
└── InternalError         any other fault of ours             exit 70

A `Problem` is not an exception: it is one located finding. Errors that stand for files
carry all their problems, so that one run reports everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "BadData",
    "CasesFailed",
    "EnginesDisagree",
    "EventRefused",
    "InternalError",
    "InvalidPolicies",
    "NaiveTime",
    "Place",
    "PluginError",
    "PolicykitError",
    "Problem",
    "SendBlocked",
    "StoreUnavailable",
    "UnreadableSend",
    "UnrenderableContent",
    "UnsupportedRewrite",
    "UsageError",
    "WorkspaceNotFound",
]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: a file as the user would type it, line and column from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: where, what was found and expected, and the way out.

    place: None when there is no file (a command-line value).
    help: a whole sentence of what to do, without the word "help"; None when the message says it.
    code: stable, dotted, documented (`yaml.duplicate-key`, `policy.unknown-key`, ...).
    """

    place: Place | None
    message: str
    help: str | None = None
    code: str = "invalid"
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        head = f"{self.place}: " if self.place else ""
        mark = "warning: " if self.severity == "warning" else ""
        tail = f"\n  help: {self.help}" if self.help else ""
        return f"{head}{mark}{self.message}{tail}"

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        place = self.place or Place("", 0, 0)
        return (place.file, place.line, place.column, self.message)


class PolicykitError(Exception):
    """The root: everything policykit raises on purpose."""

    exit_code = 70


class UsageError(PolicykitError):
    """Wrong use or configuration. `problems` holds every finding, possibly one."""

    exit_code = 2

    def __init__(self, problems: str | Problem | Iterable[Problem], help: str | None = None) -> None:
        if isinstance(problems, str):
            problems = Problem(None, problems, help)
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(sorted(problems, key=lambda p: p.sort_key))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class WorkspaceNotFound(UsageError):
    """No `policykit.yaml` here or in any folder above."""


class BadData(UsageError):
    """A data file that is missing, unreadable, or whose columns cannot be used."""


class PluginError(UsageError):
    """A plugin that something needs is missing, or failed to load."""


class InvalidPolicies(PolicykitError):
    """Policies, registry, cases or campaigns with errors; all of them are in `problems`."""

    exit_code = 3

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems, key=lambda p: p.sort_key))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CasesFailed(PolicykitError):
    """Cases whose expectations were not met."""

    exit_code = 4


class NaiveTime(PolicykitError, ValueError):
    """An instant without a zone: policykit never guesses one."""

    exit_code = 2


class UnreadableSend(PolicykitError):
    """A request that an adapter claims and cannot read. why: in words, without anything of the body."""

    def __init__(self, adapter: str, why: str) -> None:
        self.adapter, self.why = adapter, why
        super().__init__(f"adapter `{adapter}` cannot read this request: {why}")


class UnrenderableContent(PolicykitError):
    """A template that cannot be rendered for a person. part: of the content; why: without anything of the text."""

    def __init__(self, part: str, why: str) -> None:
        self.part, self.why = part, why
        super().__init__(f"part `{part}` of the content cannot be rendered: {why}")


class UnsupportedRewrite(PolicykitError):
    """An adapter was asked for an effect it does not declare, or cannot have on this request."""

    def __init__(self, adapter: str, effect: str, why: str = "") -> None:
        self.adapter, self.effect = adapter, effect
        super().__init__(f"adapter `{adapter}` cannot {effect} this request" + (f": {why}" if why else ""))


class EventRefused(PolicykitError):
    """why: `unsigned`, `signature`, `stale`, `unreadable` or `unknown`; the message holds nothing of the event."""

    def __init__(self, provider: str, why: str) -> None:
        self.provider, self.why = provider, why
        super().__init__(f"an event of `{provider}` was refused: {_REFUSED[why]}")


_REFUSED = {
    "unsigned": "it is not signed",
    "signature": "its signature does not fit",
    "stale": "it was signed too long ago, or for a time to come",
    "unreadable": "it cannot be read",
    "unknown": "nobody here reads such events",
}


class StoreUnavailable(PolicykitError):
    """The store cannot be reached, or stays locked. Nothing was changed."""

    exit_code = 2


class SendBlocked(PolicykitError):
    """A send was refused and the workspace asked for an exception (`on_block: raise`).

    decisions: the records of every send of the call, `policykit.sends.DecisionRecord`.
    """

    exit_code = 1

    def __init__(self, decisions: Iterable[Any]) -> None:
        self.decisions = tuple(decisions)
        blocked = [each for each in self.decisions if each.effect == "refused"]
        super().__init__("; ".join(f"{each.reason} ({each.id})" for each in blocked) or "blocked")


class EnginesDisagree(PolicykitError):
    """The reference and another engine gave different answers for one send: a fault of ours."""


class InternalError(PolicykitError):
    """Any other fault of ours; the message says what to report."""
