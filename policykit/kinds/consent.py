"""`consent`: a grant that is good enough, and no refusal that covers the send (M6)."""

from __future__ import annotations

from typing import Any

from policykit.ir.fold import fold
from policykit.ir.nodes import (
    FALSE,
    TRUE,
    Compare,
    ConsentMet,
    ConsentWasMet,
    Expr,
    Fact,
    If,
    Member,
    Not,
    Or,
    Requirement,
    Type,
)  # fmt: skip
from policykit.kinds.base import (
    CHANGES,
    Context,
    Kind,
    Lowered,
    Path,
    Schema,
    flag_shape,
    matcher_shape,
    names_shape,
    one_of_names,
    read_span,
    text,
)
from policykit.kinds.matchers import Subject, read_matcher
from policykit.language.policy import Policy
from policykit.vocabulary import BASES, QUALITIES, REFUSED_LEVELS

PAGE = """\
Asks for consent to this send: for its program or purpose, on its channel.

```yaml
policies:
  - id: push-by-invitation
    kind: consent
    for: {channel: [push, web_push]}
    require: {quality: {at_least: single_opt_in}, names: [channel], max_age: 24 months}
    on_breach: {downgrade: {channel: less_intrusive}}
    because: Most people call push the most invasive channel, so we use it only when invited.
```

`require` is met when no refusal that covers the send is live and one grant in force has all of:
`quality` (a rung, a list, at_least, at_most), `basis` (legal bases), `max_age` (e.g. `24 months`),
`names` (of `channel`, `program`, `purpose`: the grant names it itself), `defects: none`,
`evidence: true`, `controller: this_controller`. `require: {}` asks for any grant.
`require: {any: [{...}, {...}]}` is met when one of several such descriptions is.

`forbid: {refused_for: [purpose, everything]}` is breached by a live refusal of those levels
(`channel`, `purpose`, `everything`) and asks for no grant.

Reasons: `consent.missing`, `consent.expired`, `consent.quality`, `consent.refused`,
`consent.withdrawn`, `consent.objected`.
"""

_NAMED = ("channel", "program", "purpose")

_GRANT: Schema = {
    "quality": matcher_shape("rungs of the quality ladder that will do", [rung for rung, _ in QUALITIES], ordered=True),
    "basis": names_shape("legal bases that will do", BASES),
    "max_age": {"type": "span", "meta": {"says": "how long a grant holds, e.g. `24 months`"}},
    "names": names_shape("what the grant must name itself", _NAMED),
    "defects": {
        "type": "string",
        "allowed": ["none"],
        "meta": {"says": "`none`: not pre-ticked, bundled, conditional"},
    },
    "evidence": {**flag_shape("the grant must carry evidence"), "allowed": [True]},
    "controller": {
        "type": "string",
        "allowed": ["this_controller"],
        "meta": {"says": "given to the company that sends"},
    },
}
REQUIRE: Schema = {
    **_GRANT,
    "any": {
        "type": "list",
        "minlength": 2,
        "schema": {"type": "dict", "schema": _GRANT},
        "meta": {"says": "several descriptions of a grant, one of which will do"},
    },
}
FORBID = {
    "refused_for": {**names_shape("levels of refusal", REFUSED_LEVELS), "required": True},
}

_STATUS = Fact("consent.status", Type.STRING)


def lower(policy: Policy, context: Context) -> Lowered | None:
    return _require(policy.body, context) if policy.demand == "require" else _forbid(policy.body, context)


def _require(body: dict[str, Any], context: Context) -> Lowered | None:
    requirements = _requirements(body, context)
    if not requirements:
        return None
    met = tuple(ConsentMet(requirement) for requirement in requirements)
    return Lowered(Not(met[0] if len(met) == 1 else Or(met)), _why_not(requirements))


def _forbid(body: dict[str, Any], context: Context) -> Lowered | None:
    path = ("forbid", "refused_for")
    levels = one_of_names(context, path, body["refused_for"], REFUSED_LEVELS, "level of refusal")
    if levels is None:
        return None
    members = tuple(Member("consent.refused_for", level, context.place(*path)) for level in sorted(levels))
    breach: Expr = members[0] if len(members) == 1 else Or(members)
    return Lowered(breach, _by_status(("objected", "withdrawn"), text("consent.refused")))


def _requirements(body: dict[str, Any], context: Context) -> tuple[Requirement, ...]:
    """What will do, one or several alternatives; none after reporting what is wrong."""
    path: Path = ("require",)
    if "any" not in body:
        requirement = _requirement(body, context, path)
        return (requirement,) if requirement else ()
    beside = [key for key in body if key != "any"]
    if beside:
        message = f"`{beside[0]}` stands beside `any`, which says all there is to say"
        context.problem((*path, beside[0]), message, "write it into each item of `any`", "shape")
    read = [_requirement(each, context, (*path, "any", i)) for i, each in enumerate(body["any"])]
    found = tuple(dict.fromkeys(each for each in read if each))
    if None not in read and len(found) < len(read):
        context.problem((*path, "any"), "two items of `any` ask for the same", "leave one out", "shape")
    return found if len(found) == len(read) and not beside else ()


def _requirement(body: dict[str, Any], context: Context, path: Path) -> Requirement | None:
    before = len(context.problems)
    quality = _rungs(body["quality"], context, (*path, "quality")) if "quality" in body else None
    bases = _names(body, context, (*path, "basis"), BASES, "legal basis")
    names = _names(body, context, (*path, "names"), _NAMED, "scope") or frozenset()
    max_age = read_span(context, (*path, "max_age"), body["max_age"]) if "max_age" in body else None
    if len(context.problems) > before:
        return None
    return Requirement(
        quality, bases, max_age, names, "defects" in body, body.get("evidence", False), "controller" in body
    )


def _names(
    body: dict[str, Any], context: Context, path: Path, known: tuple[str, ...], what: str
) -> frozenset[str] | None:
    key = path[-1]
    return one_of_names(context, path, body[key], known, what) if key in body else None


def _rungs(raw: Any, context: Context, path: Path) -> frozenset[str] | None:
    """The rungs of the quality ladder that will do; which they are must be known now, so facts do not fit."""
    subject = Subject("quality", Type.STRING, tuple(rung for rung, _ in QUALITIES), QUALITIES)
    condition = read_matcher(context, path, raw, subject)
    if condition is None:
        return None
    fits = {rung: fold(condition(text(rung)), {}) for rung, _ in QUALITIES}
    if any(fit not in (TRUE, FALSE) for fit in fits.values()):
        context.problem(path, "`quality` cannot be compared with a fact", "name the rungs that will do", "matcher")
        return None
    return frozenset(rung for rung, fit in fits.items() if fit == TRUE)


def _why_not(requirements: tuple[Requirement, ...]) -> Expr:
    """The reason: what stands in the way first, an expired grant before a weak one."""
    missing = If(Compare("==", _STATUS, text("missing")), text("consent.missing"), text("consent.quality"))
    once = tuple(ConsentWasMet(requirement) for requirement in requirements)
    time = If(once[0] if len(once) == 1 else Or(once), text("consent.expired"), missing)
    return _by_status(("objected", "withdrawn", "refused"), time)


def _by_status(statuses: tuple[str, ...], otherwise: Expr) -> Expr:
    for status in reversed(statuses):
        otherwise = If(Compare("==", _STATUS, text(status)), text(f"consent.{status}"), otherwise)
    return otherwise


KIND = Kind("consent", {"require": REQUIRE, "forbid": FORBID}, CHANGES, lower, PAGE)
