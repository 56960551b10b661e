"""`purpose`: attributes are used for what they were collected for, whoever the person is (S1)."""

from __future__ import annotations

from policykit.errors import Place
from policykit.ir.nodes import Expr, Fact
from policykit.ir.walk import nodes
from policykit.kinds.base import CHANGES, Context, Kind, Lowered, text
from policykit.kinds.use_matcher import SCHEMA, read_use, some_use
from policykit.language.policy import Policy

PAGE = """\
Holds the use of an attribute against the purposes it, and all it was inferred from, were collected
for. The kind of account makes no difference: `recipient.account_type` is refused here.

```yaml
policies:
  - id: collected-for-this
    kind: purpose
    require: {collected_for: this_purpose}
    on_breach: {downgrade: {uses: strip}}
    because: We use what people told us only for what they told us it was for.
```

`this_purpose` is the send's own purpose; a purpose covers its children. The fields are those of
`data`, so a policy may narrow to a category or an origin by `forbid`:

`forbid: {category: user.content, collected_for: {not: [this_purpose]}}`

Reason: `purpose.mismatch`.
"""

_ACCOUNT = "recipient.account_type"


def lower(policy: Policy, context: Context) -> Lowered | None:
    breach = read_use(context, policy.demand, policy.body)
    refused = _refuse_account_type(policy, context, breach)
    return None if refused or breach is None else Lowered(some_use(breach), text("purpose.mismatch"), use_breach=breach)


def _refuse_account_type(policy: Policy, context: Context, breach: Expr | None) -> bool:
    """Whether `when` or the body reads the account type (the loader looks at `for`); reported where it does."""
    way_out = "remove it: what was collected for one purpose is not used for another, for any kind of account"
    message = f"a `purpose` policy may not look at `{_ACCOUNT}`"
    where: list[Place] = []
    when = context.parse(policy.when) if policy.when else None
    for expr in (when, breach):
        found = [node for node in nodes(expr) if isinstance(node, Fact) and node.path == _ACCOUNT] if expr else []
        where.extend(node.place or context.place() for node in found)
    for place in where:
        context.problem_at(place, message, way_out, "account-type")
    return bool(where)


KIND = Kind("purpose", {"require": SCHEMA, "forbid": SCHEMA}, CHANGES | {"uses"}, lower, PAGE)
