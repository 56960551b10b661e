"""`program`: give and get; a program is for those who joined it, and uses what it asked for (S2, S6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from policykit.ir.nodes import FALSE, And, Compare, Expr, Fact, In, Joined, Not, Or, Type, UseFact
from policykit.kinds.applies import PROGRAM_SAID
from policykit.kinds.base import CHANGES, Context, Kind, Lowered, text
from policykit.kinds.use_matcher import some_use
from policykit.language.policy import Policy

PAGE = """\
Holds sends to the programs that people join: what a program gives, and what it asks.

```yaml
policies:
  - id: members-only
    kind: program
    require: {joined: this_program}
    on_breach: block
    because: What belongs to a program goes to those who joined it.
```

`joined: this_program`: a program's send goes to people who joined it. `joined: asking_program`: an
attribute that programs ask for, or that was worked out from one, is used only for people who joined
one of them. `asked: this_program`: a program's send uses only what the program asks. The last two
are about single uses, so they may strip. `delivers: true`: a program's send names the benefit that it
brings (`delivers`), and the program gives it.

A person joined a program by a grant that names it, on any channel; they leave it when the grant
ends or by a refusal of the program, its purpose or everything that names no channel. Without a
ledger nobody knows. A send that belongs to no program meets all but `joined: asking_program` as it is.

Reasons: `program.not_joined`, `program.not_asked`, `program.delivers_nothing`.
"""

REQUIRE = {
    "joined": {
        "type": "string",
        "allowed": ["this_program", "asking_program"],
        "meta": {"says": "the person joined the send's program, or one that asked for the attribute"},
    },
    "asked": {
        "type": "string",
        "allowed": ["this_program"],
        "meta": {"says": "the send's program asks for the attribute"},
    },
    "delivers": {"type": "boolean", "allowed": [True], "meta": {"says": "the send names a benefit of its program"}},
}

_PROGRAM = Fact("send.program", Type.STRING)
_DELIVERS = Fact("send.delivers", Type.STRING)
_ATTRIBUTE = UseFact("attribute", Type.STRING)


def lower(policy: Policy, context: Context) -> Lowered | None:
    asked = [(key, word) for key, word in policy.body.items() if word is not False]
    if len(asked) != 1:
        context.problem(("require",), "a `program` policy asks for one thing", "write one policy for each", "body")
        return None
    match asked[0]:
        case "joined", "this_program":
            return Lowered(_of_program(context, Joined), text("program.not_joined"))
        case "joined", _:
            breach = _without_joining(context)
            return Lowered(some_use(breach), text("program.not_joined"), use_breach=breach)
        case "asked", _:
            breach = _of_program(context, lambda name: _is_one_of(_ATTRIBUTE, context.programs[name].asks))
            return Lowered(some_use(breach), text("program.not_asked"), use_breach=breach)
        case _:
            given = {name: [benefit for benefit, _ in program.gives] for name, program in context.programs.items()}
            breach = _of_program(context, lambda name: _is_one_of(_DELIVERS, given[name]))
            return Lowered(breach, text("program.delivers_nothing"))


def _of_program(context: Context, needs: Callable[[str], Expr]) -> Expr:
    """What breaches: the send is of some program, and what that program needs does not hold."""
    cases = [And((Compare("==", _PROGRAM, text(name)), Not(needs(name)))) for name in sorted(context.programs)]
    return And((PROGRAM_SAID, _any(cases)))


def _without_joining(context: Context) -> Expr:
    """What breaches about a use: some program asks for it, or for what it was worked out from, and none was joined."""
    asking: dict[str, list[str]] = {}
    for name in sorted(context.programs):
        for attribute in context.programs[name].asks:
            asking.setdefault(attribute, []).append(name)
    cases = [
        And((Compare("==", _ATTRIBUTE, text(attribute)), Not(_any([Joined(name) for name in asking[member]]))))
        for attribute, registered in sorted(context.attributes.items())
        for member in registered.lineage or (attribute,)
        if member in asking
    ]
    return _any(cases)


def _any(items: Sequence[Expr]) -> Expr:
    return FALSE if not items else items[0] if len(items) == 1 else Or(tuple(items))


def _is_one_of(item: Expr, names: Iterable[str]) -> Expr:
    return In(item, tuple(sorted(names)))


KIND = Kind("program", {"require": REQUIRE}, CHANGES | {"uses"}, lower, PAGE)
