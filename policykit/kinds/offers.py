"""`offers`: how many of the offers that a message shows may have been picked by data (S13)."""

from __future__ import annotations

from fractions import Fraction

from policykit.ir.nodes import And, Arith, Compare, Const, Expr, Type
from policykit.ir.rules import Share
from policykit.ir.specialise import PERSONALISED, SHOWN
from policykit.kinds.base import CHANGES, Context, Kind, Lowered, Schema, text
from policykit.language.policy import Policy

PAGE = """\
Bounds the share of a message's offers that data about the person picked.

```yaml
policies:
  - id: half-of-what-they-see-is-for-everybody
    kind: offers
    require: {personalised: {at_most: 50%}}
    on_breach: {downgrade: {offers: blend}}
    because: Offers that all fit tell people how closely we look.
```

The share is counted over the offers the message shows. `require` holds while it is no larger,
`forbid: {personalised: {at_least: 60%}}` is breached from there on. A generic variant shows no offer
at all. A send of which nobody says what it offers breaches: write `offers: {}` in the manifest where
there are none.

A manifest says `offers: {show: 4, personalised: [{id: crib, chosen_by: [basket], reveals:
special_category, text: A crib}], general: [{id: tea, text: Tea}]}`; without `show` a message holds as
many as there are personalised ones. Texts show them where they say
`{% for offer in offers %}{{ offer.text }}{% endfor %}`.

`offers: blend` lets general offers take the place of personalised ones until the share is kept; of
several policies the smallest share wins. Which ones stay is the same whenever the person is asked
about. A campaign with too few general offers cannot be blended, so such a send is blocked.

An attribute that picks an offer is a use of every text that shows offers: `uses: strip` takes it out
with the offers it picked, and `reveals` says how sensitive it is that the offer is there.

Reason: `offers.personalised`.
"""

_PERCENT = {"type": "percent", "required": True, "meta": {"says": "share of the offers shown, e.g. `50%`"}}


def _schema(bound: str) -> Schema:
    return {"personalised": {"type": "dict", "required": True, "schema": {bound: _PERCENT}}}


def lower(policy: Policy, context: Context) -> Lowered | None:
    bound = "at_most" if policy.demand == "require" else "at_least"
    share = _share(policy.body["personalised"][bound], (policy.demand, "personalised", bound), context)
    if share is None:
        return None
    reason = text("offers.personalised")
    if policy.demand == "require":
        return Lowered(_compared(">", share), reason, share=Share(share.numerator, share.denominator))
    some = Compare(">", PERSONALISED, Const(0, Type.INT))
    breach = And((some, _compared(">=", share)))
    return Lowered(breach, reason, share=Share(share.numerator, share.denominator, itself=False))


def _compared(op: str, share: Fraction) -> Expr:
    """The share in whole numbers: exactly on the limit is on the limit on every path."""
    part = Arith("*", PERSONALISED, Const(share.denominator, Type.INT))
    return Compare(op, part, Arith("*", SHOWN, Const(share.numerator, Type.INT)))  # type: ignore[arg-type]  # two of its operators


def _share(raw: str, path: tuple[str, ...], context: Context) -> Fraction | None:
    share = Fraction(raw.removesuffix("%")) / 100
    if path[0] == "forbid" and not share:
        context.problem(path, "every message has at least 0 % of its offers personalised", "name a share above 0%",
                        "share")  # fmt: skip
        return None
    return share


KIND = Kind("offers", {"require": _schema("at_most"), "forbid": _schema("at_least")}, CHANGES | {"offers"}, lower, PAGE)
