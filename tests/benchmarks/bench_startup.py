"""Start-up and loading: `policykit --version` against a bare interpreter, and 500 policies loaded,
checked and compiled against reading their YAML alone.

    python -m tests.benchmarks.bench_startup [--rounds 11] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.benchmarks.timing import interleaved, verdict

POLICIES = 500
_SHAPES = (
    "kind: consent, require: {quality: {at_least: single_opt_in}, max_age: N months}, on_breach: block",
    "kind: frequency, require: {at_most: N, per: 7 days}, on_breach: block",
    "kind: data, forbid: {origin: {at_least: inferred}, recited: true}, on_breach: {downgrade: {uses: strip}}",
    'kind: quiet_hours, require: {local_time: [{from: "08:00", to: "21:00"}]}, on_breach: block',
    'kind: rule, for: {recipient.country: [FR, DE]}, forbid: "recipient.age < N && send.rank > 40", on_breach: block',
)


def write_workspace(folder: Path) -> None:
    """A workspace of 500 policies of five kinds in ten files."""
    (folder / "policies").mkdir()
    (folder / "policykit.yaml").write_text("mode: enforce\npolicies: [policies/]\n")
    lines = [
        f"  - {{id: policy-{n:03}, {_SHAPES[n % len(_SHAPES)].replace('N', str(n % 24 + 1))}, because: Number {n}.}}"
        for n in range(POLICIES)
    ]
    for part in range(10):
        text = "policies:\n" + "\n".join(lines[part::10]) + "\n"
        (folder / "policies" / f"part-{part}.yaml").write_text(text)


def reading(folder: Path) -> Callable[[], object]:
    texts = [path.read_text() for path in sorted((folder / "policies").glob("*.yaml"))]
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return lambda: [yaml.load(text, Loader=loader) for text in texts]


def compiling(folder: Path) -> Callable[[], object]:
    from tests.benchmarks.workspace import compile_workspace  # imported late: start-up is measured by itself

    def run() -> object:
        ruleset = compile_workspace(folder)
        assert len(ruleset.rules) == POLICIES, len(ruleset.rules)
        return ruleset

    return run


def command(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        write_workspace(Path(place))
        start = interleaved(
            {"python -c pass": command("-c", "pass"), "policykit --version": command("-m", "policykit", "--version")},
            options.rounds,
        )
        load = interleaved({"yaml": reading(Path(place)), "compile": compiling(Path(place))}, options.rounds)
    ratio = start["policykit --version"] / start["python -c pass"]
    print(f"python -c pass        {start['python -c pass'] * 1000:8.1f} ms")
    print(f"policykit --version   {start['policykit --version'] * 1000:8.1f} ms   ratio {verdict(ratio, 6)}")
    print(f"YAML of 500 policies  {load['yaml'] * 1000:8.1f} ms")
    print(
        f"load, check, compile  {load['compile'] * 1000:8.1f} ms   seconds {verdict(load['compile'], 1)}, "
        f"{load['compile'] / load['yaml']:.1f} times reading the YAML"
    )
    if options.json:
        options.json.write_text(json.dumps({**start, **load}, indent=2) + "\n")


if __name__ == "__main__":
    main()
