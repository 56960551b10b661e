"""`rule`: a condition written out as an expression."""

from __future__ import annotations

from policykit.ir.nodes import Not
from policykit.kinds.base import CHANGES, Context, Kind, Lowered, text
from policykit.language.policy import Policy

PAGE = """\
A condition of your own, in the expression language (a subset of CEL), where no other kind says it.

```yaml
policies:
  - id: no-shame-on-shared-screens
    kind: rule
    forbid: "send.address.shared && uses.exists(u, u.sensitivity in ['financial', 'special_category'])"
    on_breach: block
    because: Someone else may see it first.
```

`forbid` is breached where the expression is true, `require` where it is false; both also where it is
unknown, because a fact it needs is not known. `policykit facts` lists what an expression may name.

Reason: `rule.breached`.
"""


def lower(policy: Policy, context: Context) -> Lowered | None:
    condition = context.parse(policy.body)
    if condition is None:
        return None
    return Lowered(condition if policy.demand == "forbid" else Not(condition), text("rule.breached"))


KIND = Kind("rule", {"require": None, "forbid": None}, CHANGES, lower, PAGE)
