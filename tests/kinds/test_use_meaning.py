"""The use matcher against its words: what a body says of one use, told without trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.backends.reference import Facts, evaluate
from policykit.hookspecs import Lowered
from policykit.ir.nodes import Fact, Type, UseCollectedFor, UseFact, UseLeaf, UseOrigin, Value
from policykit.ir.walk import use_leaves_of
from policykit.language.policy import OnBreach, Policy
from policykit.vocabulary import DEGREES, ORIGINS, SENSITIVITIES
from tests.examples import examples

from .conftest import KINDS, context_of

RANKS, DEGREE, SENSITIVITY = dict(ORIGINS), dict(DEGREES), dict(SENSITIVITIES)
PURPOSES = ("functional", "marketing.communications")
CATEGORIES = ("user", "user.health", "user.healthy", "user.health.genetic")
Use = Mapping[str, Any]


def _values(members: tuple[str, ...]) -> st.SearchStrategy[Any]:
    some = st.lists(st.sampled_from(members), min_size=1, max_size=3, unique=True)
    return st.sampled_from(members) | some | some.map(lambda names: {"not": names})


def _bounded(rank: Mapping[str, int]) -> st.SearchStrategy[Any]:
    members = tuple(rank)
    bound = st.sampled_from(members)
    in_order = st.tuples(bound, bound).map(lambda pair: sorted(pair, key=rank.__getitem__))
    both = in_order.map(lambda pair: dict(zip(("at_least", "at_most"), pair, strict=True)))
    return _values(members) | bound.map(lambda m: {"at_least": m}) | bound.map(lambda m: {"at_most": m}) | both


OF_DEGREE = st.sampled_from([{word: {"fact": "recipient.degree"}} for word in ("at_least", "at_most")])
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "origin": _bounded(RANKS) | OF_DEGREE,
        "sensitivity": _bounded(SENSITIVITY),
        "category": _values(CATEGORIES),
        "recited": st.booleans(),
        "permission": st.booleans(),
        "refused": st.booleans(),
        "collected_for": _values(("this_purpose", *PURPOSES)),
    },
).filter(bool)
USES = st.fixed_dictionaries(
    {
        "origin": st.none() | st.sets(st.sampled_from(tuple(RANKS)), min_size=1, max_size=3),
        "sensitivity": st.none() | st.sampled_from(tuple(SENSITIVITY)),
        "category": st.none() | st.sampled_from((*CATEGORIES, "user_health")),
        "recited": st.none() | st.booleans(),
        "permission": st.none() | st.booleans(),
        "refused": st.none() | st.booleans(),
        "collected_for": st.none() | st.sets(st.sampled_from(("this_purpose", *PURPOSES))),
    }
)


def _lowered(demand: Any, body: Any) -> Lowered:
    policy = Policy("p", "data", demand, body, OnBreach("block"))
    problems: list[Any] = []
    found = KINDS["data"].lower(policy, context_of(policy, problems))
    assert problems == []
    assert found is not None
    return found


# --- the words ---


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _all(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _any(values: list[bool | None]) -> bool | None:
    return _not(_all([_not(value) for value in values]))


def _fits(raw: Any, rank: Callable[[str], int | None], has: Callable[[str], bool | None]) -> bool | None:
    """Whether one value fits a matcher. rank: of a member named in it. has: whether the value is that member."""
    match raw:
        case str():
            return has(raw)
        case list():
            return _any([has(name) for name in raw])
        case {"not": names}:
            return _not(_any([has(name) for name in names]))
        case _:
            own = rank("")
            sides: list[bool | None] = []
            for word, bound in raw.items():
                limit = rank("fact" if isinstance(bound, dict) else bound)
                known = own is not None and limit is not None
                sides.append((own >= limit if word == "at_least" else own <= limit) if known else None)  # type: ignore[operator]
            return _all(sides)


def _origin(demand: str, raw: Any, origins: set[str] | None, degree: str | None) -> bool | None:
    """Some member of the set fits (forbid), or every one does (require)."""

    def fits(origin: str) -> bool | None:
        def rank(name: str) -> int | None:
            if name == "fact":
                return None if degree is None else DEGREE[degree]
            return RANKS[name or origin]

        return _fits(raw, rank, lambda name: name == origin)

    every = {origin: fits(origin) for origin in RANKS}
    if demand == "forbid":
        return _any([_all([None if origins is None else origin in origins, fit]) for origin, fit in every.items()])
    return _all([_any([None if origins is None else origin not in origins, fit]) for origin, fit in every.items()])


def _met(demand: str, body: Mapping[str, Any], use: Use, degree: str | None) -> bool | None:
    """Whether the use has all that the body names."""

    def has_text(key: str) -> Callable[[str], bool | None]:
        return lambda name: None if use[key] is None else use[key] == name

    def covered(name: str) -> bool | None:
        category = use["category"]
        return None if category is None else category == name or category.startswith(name + ".")

    def sensitivity(name: str) -> int | None:
        named = name or use["sensitivity"]
        return None if named is None else SENSITIVITY[named]

    def collected(name: str) -> bool | None:
        return None if use["collected_for"] is None else name in use["collected_for"]

    answers: list[bool | None] = []
    for key, raw in body.items():
        if key == "origin":
            answers.append(_origin(demand, raw, use["origin"], degree))
        elif key == "sensitivity":
            answers.append(_fits(raw, sensitivity, has_text("sensitivity")))
        elif key == "category":
            answers.append(_fits(raw, lambda _: None, covered))
        elif key == "collected_for":
            answers.append(_fits(raw, lambda _: None, collected))
        else:
            answers.append(None if use[key] is None else use[key] is raw)
    return _all(answers)


def _leaf(use: Use, leaf: UseLeaf) -> Value:
    match leaf:
        case UseOrigin(origin=origin):
            return None if use["origin"] is None else origin in use["origin"]
        case UseCollectedFor(purpose=purpose):
            return None if use["collected_for"] is None else (purpose or "this_purpose") in use["collected_for"]
        case UseFact(field=name):
            found: Value = use[name]
            return found


@settings(max_examples=examples(400), deadline=None)
@given(
    demand=st.sampled_from(("require", "forbid")),
    body=BODIES,
    uses=st.none() | st.lists(USES, max_size=3),
    degree=st.none() | st.sampled_from(tuple(DEGREE)),
)
def test_a_use_breaches_as_the_words_say(
    demand: str, body: dict[str, Any], uses: list[Use] | None, degree: str | None
) -> None:
    """`forbid` is breached when some use has all of it, `require` when some use fails any of it."""
    lowered = _lowered(demand, body)
    assert lowered.use_breach is not None
    leaves = use_leaves_of(lowered.use_breach)
    values = {Fact("recipient.degree", Type.STRING): degree}
    rows = None if uses is None else tuple({leaf: _leaf(use, leaf) for leaf in leaves} for use in uses)

    each = [_met(demand, body, use, degree) for use in uses or ()]
    breaches = each if demand == "forbid" else [_not(met) for met in each]

    assert evaluate(lowered.breach, Facts(values, rows)) is (None if uses is None else _any(breaches))
    for row, breach in zip(rows or (), breaches, strict=True):
        assert evaluate(lowered.use_breach, Facts(values, rows, row)) is breach


def test_purchased_and_provided_is_not_at_most_provided() -> None:
    lowered = _lowered("require", {"origin": {"at_most": "provided"}})
    assert lowered.use_breach is not None
    row = {leaf: _leaf({"origin": {"provided", "purchased"}}, leaf) for leaf in use_leaves_of(lowered.use_breach)}

    assert evaluate(lowered.breach, Facts({}, (row,))) is True
