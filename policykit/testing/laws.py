"""How a suite of laws behaves in pytest: a law is left out only where that is declared, and then it must fail."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from policykit.errors import UsageError


class LawSuite:
    """Methods `test_l7_...` are laws. exceptions: law, or `law[case]` -> why it does not hold."""

    exceptions: ClassVar[Mapping[str, str]] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give a law its cases; refuse marks that would leave it out in silence."""
        law = law_of(metafunc.function.__name__)
        if law is None:
            return
        ours = metafunc.function.__dict__.get("policykit_exception")
        for mark in metafunc.definition.iter_markers():
            if mark.name in ("skip", "skipif", "xfail") and mark is not ours:
                raise UsageError(f"law {law} is marked `{mark.name}`", f'declare `exceptions = {{"{law}": "why"}}`')
        self.give_cases(law, metafunc)

    def give_cases(self, law: str, metafunc: pytest.Metafunc) -> None:
        """Parametrise a law; overridden by suites that have cases."""

    def case(self, law: str, held: object, name: str) -> Any:
        """One case of a law, marked where it is excepted."""
        why = self.exceptions.get(f"{law}[{name}]")
        marks = [pytest.mark.xfail(reason=f"{law}: {why}", strict=True)] if why else []
        return pytest.param(held, id=name, marks=marks)

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        if cls.__module__.startswith("policykit.testing."):
            return
        laws = {name: law for base in cls.__mro__[1:] for name in vars(base) if (law := law_of(name))}
        for name in laws.keys() & vars(cls).keys():
            raise UsageError(f"`{cls.__name__}` replaces {name}", f'declare `exceptions = {{"{laws[name]}": "why"}}`')
        if unknown := {each.partition("[")[0] for each in cls.exceptions} - set(laws.values()):
            raise UsageError(f"`{cls.__name__}` excepts {', '.join(sorted(unknown))}, which is no law")
        for name, law in laws.items():
            if law in cls.exceptions:
                setattr(cls, name, _excepted(getattr(cls, name), f"{law}: {cls.exceptions[law]}"))


def law_of(name: str) -> str | None:
    """`L7` of `test_l7_...`, None for other names."""
    word = name.removeprefix("test_").partition("_")[0]
    return word.upper() if name.startswith("test_l") and word[1:].isdigit() else None


def _excepted(law: types.FunctionType, reason: str) -> types.FunctionType:
    """A copy of a law that must fail."""
    copy = types.FunctionType(law.__code__, law.__globals__, law.__name__, law.__defaults__, law.__closure__)
    copy.__dict__.update(law.__dict__)
    copy.__annotations__ = law.__annotations__
    mark = pytest.mark.xfail(reason=reason, strict=True)
    copy.pytestmark = [mark.mark]  # type: ignore[attr-defined]  # where pytest keeps marks
    copy.policykit_exception = mark.mark  # type: ignore[attr-defined]  # so that nobody else's mark passes for it
    return copy
