"""What `check` says of waivers: those about to end, those that ended, those that set nothing aside."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.assemble.workspace import Opened
from policykit.errors import Problem
from policykit.ir.fold import fold
from policykit.ir.nodes import TRUE, And
from policykit.kinds.waiver import WAIVER
from policykit.language.waivers import Waiver
from policykit.lint import can_never_be
from policykit.model import DAY, Micros
from policykit.reports.words import count

WARN_BEFORE: Micros = 30 * DAY


def check_waivers(opened: Opened, now: Micros) -> Iterator[Problem]:
    """A warning for each waiver that ended, ends within 30 days, or is for no send that its policy speaks of."""
    for waiver in opened.workspace.waivers:
        if waiver.ends is None or not waiver.sound:
            continue
        last = f"`{waiver.id}`, which sets `{waiver.policy}` aside for {waiver.owner},"
        if waiver.ends <= now:
            message = f"{last} ended (`{waiver.until}`): the policy stands again"
            yield _warning(waiver, "ends", message, "remove it; or ask for another one", "ended")
        elif waiver.ends - now <= WARN_BEFORE:
            days = max(1, -(-(waiver.ends - now) // DAY))
            message = f"{last} ends `{waiver.until}`, in {count(days, 'day')}"
            yield _warning(waiver, "ends", message, "let it end, or agree on a later day with the owner of the policy",
                           "ending")  # fmt: skip
        yield from _idle(waiver, opened)


def _idle(waiver: Waiver, opened: Opened) -> Iterator[Problem]:
    """A warning where the waiver can change nothing."""
    rules = {rule.policy: rule for rule in opened.ruleset.rules}
    enforced = [rules[name] for name in waiver.policies if name in rules and rules[name].mode == "enforce"]
    if not enforced:
        message = f"`{waiver.id}` sets nothing aside: `{waiver.policy}` stops nothing (its `mode` is not `enforce`)"
        yield _warning(waiver, "policy", message, "remove it until the policy is enforced", "nothing-to-waive")
        return
    told = rules.get(waiver.rule)
    scopes = [fold(And((told.applies or TRUE, rule.applies or TRUE)), {}) for rule in enforced] if told else []
    named = [policy for policy in opened.workspace.policies if policy.id in waiver.policies]
    apart = all(
        (waiver.ends is not None and policy.starts is not None and waiver.ends <= policy.starts)
        or (waiver.starts is not None and policy.ends is not None and policy.ends <= waiver.starts)
        for policy in named
    )
    if apart or (scopes and all(can_never_be(scope, opened.vocabulary) for scope in scopes)):
        message = f"`{waiver.id}` can never apply: `{waiver.policy}` speaks of no send that is in its scope"
        yield _warning(waiver, "id", message, "correct `for`, `when` or the dates", "never-applies")


def _warning(waiver: Waiver, key: str, message: str, way_out: str, code: str) -> Problem:
    return Problem(waiver.place_of(key), f"waiver {message}", way_out, f"{WAIVER}.{code}", "warning")
