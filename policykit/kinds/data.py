"""`data`: which remembered attributes may shape a send."""

from __future__ import annotations

from policykit.kinds.base import CHANGES, Context, Kind, Lowered, text
from policykit.kinds.use_matcher import SCHEMA, read_use, some_use
from policykit.language.policy import Policy

PAGE = """\
Bounds the attributes that may shape a send: in the text, in what picked the people, in what picked
an offer. `forbid` is breached when some use matches every field, `require` when some use fails one.

```yaml
policies:
  - id: their-own-degree
    kind: data
    require: {origin: {at_most: {fact: recipient.degree}}}
    on_breach: {downgrade: {uses: strip}}
    because: They said how far we may go.
```

Fields: `attribute`, `category` (a parent covers its children), `origin`, `sensitivity`, `recited`,
`selected`, `collected_for` (`this_purpose` or purposes), `permission`, `refused`,
`controller` (`this_controller` or names), `age`, `within_keep`, `disclosed`. Values: a value, a list, `{not: [a]}`,
`{at_least: x}`, `{at_most: x}` on ordered scales, `{fact: path}`.

An attribute's origins are its own and those of all it was inferred from: `forbid` matches if any
does, `require` asks it of every one. A send whose uses are unknown breaches.

`refused` is what this person said of the attribute, or of one it was inferred from: the live refusal
of a consent record that names it (`attribute: basket`) and whose channel and purpose cover the send.

Reasons: `data.forbidden`, `data.not_allowed`.
"""


def lower(policy: Policy, context: Context) -> Lowered | None:
    breach = read_use(context, policy.demand, policy.body)
    if breach is None:
        return None
    reason = text("data.forbidden" if policy.demand == "forbid" else "data.not_allowed")
    return Lowered(some_use(breach), reason, use_breach=breach)


KIND = Kind("data", {"require": SCHEMA, "forbid": SCHEMA}, CHANGES | {"uses"}, lower, PAGE)
