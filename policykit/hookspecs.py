"""The whole extension surface on one page: what a plugin may add, and the types it adds it with.

A plugin is a distribution with an entry point in the group `policykit`; the entry point names a
module (or object) with functions marked `@policykit.hookimpl`. Plugins add kinds, facts, adapters,
stores, guards, receivers of feedback, packs and observers; they never add verdicts (M4). What is built in
is registered through these same hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pluggy

from policykit.adapters.base import Adapter
from policykit.adapters.events import Receiver
from policykit.errors import Place, Problem
from policykit.ir.nodes import Expr, Hours
from policykit.ir.rules import Part, Share
from policykit.language.policy import Policy
from policykit.model import Attribute, Program
from policykit.sends import DecisionRecord
from policykit.stores.base import Store
from policykit.vocabulary import FactSpec, Vocabulary

PROJECT = "policykit"  # also the entry point group

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Demand: TypeAlias = Literal["require", "forbid"]
Schema: TypeAlias = Mapping[str, Any]  # a Cerberus schema: key -> rules

OpenStore: TypeAlias = Callable[[str, Path], Store]  # the URL of `store:` and the workspace's folder -> the store
Detach: TypeAlias = Callable[[], None]
Attach: TypeAlias = Callable[[Any], Detach]  # takes a `policykit.enforce.plan.Gate`, which stands on a higher floor


@dataclass(frozen=True, slots=True)
class Lowered:
    """What a policy of a kind means.

    breach: BOOL; true when the body is not met, without regard to where the policy applies.
    reason: STRING; the stable code of a breach, `<kind>.<word>`.
    use_breach: BOOL about the use at hand: which uses breach it; only then may a policy ask for
        `uses: strip`. `breach` must be true exactly when it is true of some use.
    hours: when it would not be breached; only then may a policy ask for `send_at: next_allowed`.
    share: how many offers may be personalised; only then may a policy ask for `offers: blend`.
    """

    breach: Expr
    reason: Expr
    use_breach: Expr | None = None
    hours: Hours | None = None
    share: Share | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a kind may know while it lowers one policy, and where it reports what is wrong with it.

    channels: name -> company rank. parse: the expression of a quoted text as a typed condition,
    None when it was reported as wrong.
    """

    policy: Policy
    vocabulary: Vocabulary
    attributes: Mapping[str, Attribute]
    programs: Mapping[str, Program]
    purposes: tuple[str, ...]
    channels: Mapping[str, int]
    problems: list[Problem]
    parse: Callable[..., Expr | None]

    def place(self, *path: str | int) -> Place:
        """Where the value under a path of keys stands, e.g. `place("require", "quality")`."""
        return self.policy.place_of(*path)

    def problem(
        self, path: tuple[str | int, ...], message: str, way_out: str | None = None, code: str = "body"
    ) -> None:
        """Report what is wrong with the value under a path; the policy is then not compiled."""
        self.problem_at(self.place(*path), message, way_out, code)

    def problem_at(self, place: Place, message: str, way_out: str | None = None, code: str = "body") -> None:
        self.problems.append(Problem(place, message, way_out, f"policy.{code}"))


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of policies with its own body.

    schemas: for each demand the kind has, the Cerberus schema of the body below it, or None when
        the body is an expression. lower runs only on a body that has this shape.
    parts: the changes its policies may ask for; `block` always may.
    lower: what a policy of this kind means; None after reporting a problem.
    page: its documentation, Markdown, with a policy that works in a fenced `yaml` block.
    extra: schema of further keys its policies have beside the common ones.
    """

    name: str
    schemas: Mapping[Demand, Schema | None]
    parts: frozenset[Part]
    lower: Callable[[Policy, Context], Lowered | None]
    page: str
    extra: Schema = field(default_factory=dict)


@hookspec
def policykit_kinds() -> Iterable[Kind]:  # type: ignore[empty-body]  # a spec has no body
    """Kinds of policy this plugin adds.

    Names are shared by everybody: a name that is taken is reported and the later kind is left out.
    A kind consists of data and one pure function; every backend judges what it lowers to.
    """


@hookspec
def policykit_facts() -> Iterable[FactSpec]:  # type: ignore[empty-body]  # a spec has no body
    """Facts this plugin adds to the vocabulary, e.g. `recipient.tier`.

    `column` names where an audience file holds the fact. Paths are shared by everybody, as kinds are.
    """


@hookspec
def policykit_adapters() -> Iterable[Adapter]:  # type: ignore[empty-body]  # a spec has no body
    """Adapters this plugin adds, one per provider, as instances.

    A provider's name is shared by everybody, as names of kinds are; it is what manifests write under
    `provider:` and `policykit.yaml` under `providers:`.
    """


@hookspec
def policykit_stores() -> Mapping[str, OpenStore]:  # type: ignore[empty-body]  # a spec has no body
    """Stores this plugin adds: scheme of the URL in `store:` -> what opens it.

    `store: redis://...` is opened by the one who gave `redis`. `sqlite` and `memory` are taken.
    """


@hookspec
def policykit_guards() -> Iterable[Attach]:  # type: ignore[empty-body]  # a spec has no body
    """Guards of further transports this plugin adds.

    Each is called with the gate when policykit is installed in a process, and gives back what takes
    it off again. A transport whose library is not there is no error: do nothing.
    """


@hookspec
def policykit_feedback() -> Iterable[Receiver]:  # type: ignore[empty-body]  # a spec has no body
    """Receivers this plugin adds, one per provider, as instances: they read what providers tell us back.

    A receiver says whether a request is signed as it should be, and which events it holds; what is done
    about them the workspace says (`responses:`). Names are shared by everybody, as names of kinds are.
    """


@hookspec
def policykit_packs() -> Iterable[Path]:  # type: ignore[empty-body]  # a spec has no body
    """Folders with packs this plugin adds: policies with their cases, for `policykit packs`.

    A folder is a workspace of its own (it has a `policykit.yaml`), so that `policykit test` runs its
    cases where they are. Each file with a section `pack:` is a pack, and the cases beside it belong to
    it. Ids of packs are shared by everybody, as names of kinds are.
    """


@hookspec
def policykit_decided(decisions: Sequence[DecisionRecord]) -> None:
    """Called after sends were decided, with the records of one request: for audit sinks and metrics.

    It cannot change anything and runs beside the sending threads, soon after the decisions; what it
    raises is logged once and costs the send nothing.
    """
