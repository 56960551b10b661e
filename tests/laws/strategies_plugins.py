"""Two plugins, for the law that their order never matters; they even claim one name each from the other."""

from __future__ import annotations

from collections.abc import Iterable

from policykit.hookspecs import Context, Kind, Lowered, hookimpl
from policykit.ir.nodes import Compare, Const, Fact, Type
from policykit.language.policy import Policy
from policykit.vocabulary import FactSpec


def _at_least(limit: int) -> Kind:
    """A kind `grown` whose meaning depends on which plugin gave it."""

    def lower(policy: Policy, context: Context) -> Lowered:
        age = Fact("recipient.age", Type.INT)
        return Lowered(Compare("<", age, Const(limit, Type.INT)), Const("grown.young", Type.STRING))

    return Kind("grown", {"require": {}}, frozenset({"block"}), lower, f"Asks for an age of {limit}.")


class First:
    @staticmethod
    @hookimpl
    def policykit_kinds() -> Iterable[Kind]:
        return [_at_least(18)]

    @staticmethod
    @hookimpl
    def policykit_facts() -> Iterable[FactSpec]:
        return [FactSpec("recipient.shoe_size", "int", "size of shoes", column="shoe_size")]


class Second:
    @staticmethod
    @hookimpl
    def policykit_kinds() -> Iterable[Kind]:
        return [_at_least(16)]

    @staticmethod
    @hookimpl
    def policykit_facts() -> Iterable[FactSpec]:
        return [
            FactSpec("recipient.shoe_size", "double", "size of shoes, in inches", column="shoes"),
            FactSpec("recipient.hat_size", "int", "size of hats", column="hat_size"),
        ]
