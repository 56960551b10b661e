"""Changes every threshold, list, flag and window of every shipped policy, one at a time, and runs that policy's cases.

A mutant survives when no case fails: then a number stands in the library that nobody tests.

    python tests/laws/mutate_policies.py [WORKSPACE]        prints survivors; exit 1 if there are any

What is changed: numbers by one, lengths of time by one of their unit, clock times by a minute, a rung of a scale by
one step either way, days of the week at both ends, flags; each member of a list is left out; in expressions the
literals likewise and comparisons with the bound in or out. Keys of a body are left out, `for` and `when` also whole;
a word of a closed list becomes each other one of it, a key its parent or something below it; what a breach asks for
becomes something else.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from policykit.cases import run_cases
from policykit.compile import compile_ruleset
from policykit.errors import InvalidPolicies
from policykit.language.load import Workspace, load_workspace
from policykit.plugins import Plugins, discover
from policykit.vocabulary import ORIGINS, QUALITIES, REFUSED_LEVELS, SENSITIVITIES, STYLES, Scale

LIBRARY = Path(__file__).resolve().parents[2] / "policies"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BODY = ("for", "when", "require", "forbid", "on_breach", "score", "starts", "ends")
BASES = ("consent", "contract", "legitimate_interest")
WORDS = (
    BASES,
    ("day", "week", "month"),
    REFUSED_LEVELS,
    STYLES,
    tuple(name for name, _ in ORIGINS),
    ("push", "sms", "email"),
)
# Not `channel` instead of `block`: where a breach is the same on every channel, none is left, and that is a block too.
# Changes that mean the same: on Saturdays the other window is open from noon to nine anyway.
SAME = {
    (policy, "require.local_time[1].days: `sun` -> `sat-sun`") for policy in ("us-texas-hours", "us-texas-call-hours")
}
EFFECTS: tuple[Any, ...] = ("block", {"downgrade": {"uses": "strip"}}, {"downgrade": {"content": "generic"}})
SCALES = {name: scale for scale in (QUALITIES, SENSITIVITIES, ORIGINS) for name, _ in scale}


@dataclass(frozen=True)
class Mutant:
    """One change. policy: as plain YAML after the change; file: where it comes from, below the library."""

    file: str
    policy: dict[str, Any]
    says: str


def mutants(library: Path) -> Iterator[Mutant]:
    for path in files_of(library):
        for policy in (read_yaml(path) or {}).get("policies", ()):
            if isinstance(policy, dict):
                yield from mutants_of(path.relative_to(library).as_posix(), policy)


def files_of(library: Path) -> list[Path]:
    """Its files with policies; a workspace within it has its own cases."""
    within = [path.parent for path in library.rglob("policykit.yaml") if path.parent != library]
    return [
        path
        for path in sorted(library.rglob("*.yaml"))
        if not path.name.endswith(".cases.yaml") and not any(path.is_relative_to(other) for other in within)
    ]


def mutants_of(file: str, policy: dict[str, Any]) -> Iterator[Mutant]:
    for key in ("for", "when"):
        if key in policy:
            yield Mutant(file, {name: said for name, said in policy.items() if name != key}, f"without `{key}`")
    for effect in EFFECTS:
        # What is only observed makes no difference to a message, whatever it asks for.
        if effect != policy["on_breach"] and policy.get("mode") != "audit":
            yield Mutant(file, {**policy, "on_breach": effect}, f"on_breach: `{effect}`")
    for key in BODY:
        if key in policy:
            for changed, says in changes(policy[key], key):
                yield Mutant(file, {**deepcopy(policy), key: changed}, f"{key}{says}")


def changes(value: Any, key: str) -> Iterator[tuple[Any, str]]:
    """Every single change of a value, with where it was made and how."""
    if isinstance(value, dict):
        for name, inner in value.items():
            for changed, says in changes(inner, name):
                yield {**value, name: changed}, f".{name}{says}"
            if key in ("for", "require", "forbid", "any") and len(value) > 1:
                yield {other: kept for other, kept in value.items() if other != name}, f": without `{name}`"
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if len(value) > 1:
                yield [*value[:index], *value[index + 1 :]], f": without `{inner}`"
            for changed, says in changes(inner, key):
                yield [*value[:index], changed, *value[index + 1 :]], f"[{index}]{says}"
    else:
        for changed in scalar_changes(value, key):
            yield changed, f": `{value}` -> `{changed}`"


def scalar_changes(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        if value > 0:
            yield value - 1
    elif isinstance(value, str):
        yield from text_changes(value, key)


def text_changes(value: str, key: str) -> Iterator[str]:
    if span := re.fullmatch(r"(\d+) (\w+?)s?", value):
        count, unit = int(span[1]), span[2]
        yield f"{count + 1} {unit}s"
        yield f"{count - 1} {unit}s" if count > 1 else f"59 {'minutes' if unit == 'hour' else 'seconds'}"
    elif share := re.fullmatch(r"(\d+)%", value):
        yield from (f"{other}%" for other in (int(share[1]) - 10, int(share[1]) + 10) if 0 <= other <= 100)
    elif clock := re.fullmatch(r"(\d\d):(\d\d)", value):
        minute = int(clock[1]) * 60 + int(clock[2])
        for other in (minute - 1, minute + 1):
            if 0 <= other <= 1440:
                yield f"{other // 60:02d}:{other % 60:02d}"
    elif key == "days":
        yield from day_changes(value)
    elif key in ("at_least", "at_most") and value in SCALES:
        yield from steps(value, SCALES[value])
    elif key in ("when", "require", "forbid"):
        yield from expression_changes(value)
    else:
        yield from word_changes(value, key)


def word_changes(value: str, key: str) -> Iterator[str]:
    yield from dict.fromkeys(other for words in WORDS if value in words for other in words if other != value)
    if re.fullmatch(r"[A-Z]{2}", value):
        yield "ZZ"
    if key in ("category", "purpose") and "." in value:
        yield value.rpartition(".")[0]
    if key == "category":
        yield f"{value}.narrower"
    if value == "this_purpose":
        yield "marketing"
    if value == "this_controller":
        yield "another"


def steps(value: str, scale: Scale) -> Iterator[str]:
    """The nearest members of another rank, above and below."""
    rank = dict(scale)[value]
    above = [name for name, other in scale if other > rank]
    below = [name for name, other in scale if other < rank]
    yield from (*above[:1], *below[-1:])


def day_changes(value: str) -> Iterator[str]:
    first, _, last = value.partition("-")
    if first not in DAYS:
        return
    start, end = DAYS.index(first), DAYS.index(last or first)
    for one, other in ((start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1)):
        if 0 <= one <= other <= 6:
            yield f"{DAYS[one]}-{DAYS[other]}"


_TOKEN = re.compile(r"'[^']*'|\d+\.\d+|\d+|<=|>=|<|>|==|!=|&&|\|\||!|\[[^\]]*\]")
_TURNED = {"<=": "<", ">=": ">", "<": "<=", ">": ">=", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "!": ""}


def expression_changes(text: str) -> Iterator[str]:
    for token in _TOKEN.finditer(text):
        for other in token_changes(token[0]):
            yield text[: token.start()] + other + text[token.end() :]


def token_changes(token: str) -> Iterator[str]:
    if token in _TURNED:
        yield _TURNED[token]
    elif token.startswith("["):
        members = [member.strip() for member in token[1:-1].split(",")]
        for index in range(len(members) if len(members) > 1 else 0):
            yield "[" + ", ".join(members[:index] + members[index + 1 :]) + "]"
    elif token.startswith("'"):
        yield "'another text'"
    elif "." in token:
        yield from (str(float(token) + 1), str(float(token) - 1))
    else:
        yield from (str(int(token) + 1), str(int(token) - 1))


# --- running --------------------------------------------------------------------------------------------


def read_yaml(path: Path) -> Any:
    """As policykit reads it: clock times and dates stay text."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Texts)


class _Texts(yaml.SafeLoader):
    """Numbers, flags and nothing else; the rest is text."""


_Texts.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rsplit(":", 1)[-1] in ("bool", "float", "null", "int", "merge")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def registry_of(library: Path) -> Path:
    """Its own, or that of the library it lies in."""
    return next(path for path in (library / "registry.yaml", library.parent / "registry.yaml") if path.is_file())


@dataclass(frozen=True)
class Bench:
    """A library that was loaded once; only policies are read again."""

    library: Path
    workspace: Workspace
    found: Plugins


def bench(library: Path) -> Bench:
    found = discover()
    return Bench(library, load_workspace(library, found.kinds, found.facts), found)


def survives(bench: Bench, mutant: Mutant) -> bool | None:
    """Whether every case about the policy still holds; None when the change makes no policy at all."""
    found = bench.found
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "policykit.yaml").write_text("policies: [registry.yaml, policy.yaml]\ncontroller: acme\n")
        (root / "registry.yaml").write_bytes(registry_of(bench.library).read_bytes())
        beside = {
            key: said for key, said in read_yaml(bench.library / mutant.file).items() if key not in ("pack", "policies")
        }
        (root / "policy.yaml").write_text(yaml.safe_dump({**beside, "policies": [mutant.policy]}, allow_unicode=True))
        try:
            mutated = load_workspace(root, found.kinds, found.facts)
            ruleset = compile_ruleset(mutated.policies, mutated.registry, found.kinds)
        except InvalidPolicies:
            return None
    cases = [case for file in bench.workspace.cases for case in file.cases if case.policy == mutant.policy["id"]]
    words = mutated.registry.vocabulary
    return not any(run_cases(ruleset, words, [case])[0][0].failures for case in cases)  # until one fails


def run(library: Path) -> tuple[int, list[Mutant]]:
    """How many mutants were tried, and those that survived."""
    every = list(mutants(library))
    with ProcessPoolExecutor(initializer=_start, initargs=(library,)) as pool:
        lives = list(pool.map(_try, every, chunksize=16))
    alive = [mutant for mutant, lived in zip(every, lives, strict=True)
             if lived and (mutant.policy["id"], mutant.says) not in SAME]  # fmt: skip
    return sum(lived is not None for lived in lives), alive


_BENCH: list[Bench] = []


def _start(library: Path) -> None:
    _BENCH[:] = [bench(library)]


def _try(mutant: Mutant) -> bool | None:
    return survives(_BENCH[0], mutant)


def main() -> int:
    library = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else LIBRARY
    tried, alive = run(library)
    lines = [f"survives: {mutant.file} {mutant.policy['id']} {mutant.says}\n" for mutant in alive]
    sys.stdout.writelines([*lines, f"{tried} mutants, {len(alive)} survive\n"])
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
