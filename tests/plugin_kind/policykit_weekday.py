"""A kind of policy, `weekday`, and a fact, `recipient.tier`: all that a third party has to write.

There is nothing about Python or SQL here: a kind lowers to conditions, and every engine reads those.
"""

from __future__ import annotations

from collections.abc import Iterable

from policykit import hookimpl
from policykit.hookspecs import Context, Kind, Lowered
from policykit.ir.nodes import Const, In, LocalPart, Not, Type
from policykit.ir.rules import Part
from policykit.language.policy import Policy
from policykit.vocabulary import FactSpec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

PAGE = """\
Says on which days of the week, at the person's place, a send may not leave (or the only ones it may).

```yaml
policies:
  - id: never-on-sunday
    kind: weekday
    forbid: {days: [sun]}
    on_breach: block
    because: Sunday is a day of rest.
```

A recipient whose zone is unknown breaches. Reason: `weekday.closed`.
"""

SCHEMA = {"days": {"type": "list", "required": True, "empty": False, "allowed": list(DAYS)}}


def lower(policy: Policy, context: Context) -> Lowered | None:
    days = policy.body["days"]
    if len(set(days)) == len(DAYS):
        context.problem((policy.demand, "days"), "all seven days are listed", "leave some day out")
        return None
    named = In(LocalPart("weekday"), tuple(sorted(DAYS.index(day) for day in set(days))))
    return Lowered(named if policy.demand == "forbid" else Not(named), Const("weekday.closed", Type.STRING))


@hookimpl
def policykit_kinds() -> Iterable[Kind]:
    parts: frozenset[Part] = frozenset({"block", "channel"})
    return [Kind("weekday", {"require": SCHEMA, "forbid": SCHEMA}, parts, lower, PAGE)]


@hookimpl
def policykit_facts() -> Iterable[FactSpec]:
    tiers = (("none", 0), ("silver", 1), ("gold", 2))
    names = tuple(name for name, _ in tiers)
    return [
        FactSpec("recipient.tier", "string", "rung of the loyalty programme", members=names, scale=tiers, column="tier")
    ]
