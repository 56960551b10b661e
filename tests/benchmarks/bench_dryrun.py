"""A dry run over a whole audience against its floor: the same facts joined and one row per person written, no rules.

    python -m tests.benchmarks.bench_dryrun [--people 1000000] [--rounds 5] [--memory-limit 2GB] [--folder DIR]
                                            [--json FILE]

The workload is `workload/`: 24 policies, three prepared channels, made-up people with 2.5 consent
records and 6 sends each, in no order. Two runs: `lessened`, by which about a third of the people are,
and `plain`, the same 24 conditions where every breach blocks, so that nothing is. The floor reads the
same files, narrows and joins the same relations for every prepared channel, and writes every fact of
every person. Runs are interleaved, each in a process of its own so that peak memory (GiB) is its own;
only ratios travel to other machines, and processor time where the machine has other work.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb

from policykit.compile import compile_ruleset
from policykit.dryrun.floor import write_facts
from policykit.dryrun.run import Options, Result, dry_run
from policykit.dryrun.sources import Source, Sources, quoted
from policykit.ir.rules import Effect, RuleSet
from policykit.language.load import load_workspace
from policykit.model import DAY, Campaign, Prepared, Use, Variant
from policykit.plugins import discover
from policykit.vocabulary import Vocabulary
from tests.benchmarks.timing import verdict

WORKLOAD = Path(__file__).parent / "workload"
NOW = 1_772_532_000_000_000  # 2026-03-03T10:00Z, a Tuesday
GOALS = {"plain": 1.35, "lessened": 1.8}
ZONES = ("Europe/Paris", "Europe/Berlin", "Europe/London", "Europe/Madrid", "Europe/Rome", "Europe/Lisbon",
         "Europe/Vienna", "Europe/Athens", "Africa/Cairo", "Asia/Kolkata")  # fmt: skip


# --- the data ---------------------------------------------------------------------------------------


def draw(salt: str, of: int) -> str:
    """A number below `of` that looks random and is the same on every run, from the row's number `i`."""
    return f"(hash(i * 31 + {sum(map(ord, salt))}) % {of})"


def pick(salt: str, *members: str | None) -> str:
    listed = ", ".join("NULL" if member is None else quoted(member) for member in members)
    return f"([{listed}])[1 + {draw(salt, len(members))}::INTEGER]"


def make(folder: Path, people: int) -> None:
    """The three files, as Parquet, unless they are there already."""
    if (folder / "history.parquet").exists():
        return
    at = f"make_timestamptz({NOW} - CAST({{}} AS BIGINT))"
    address = "CASE WHEN {} < {} THEN '{}' || i END"
    queries = {
        "people": f"""
            SELECT i AS id, {pick("country", "FR", "DE", "US", "CA", "IN", "GB", "ES", "IT")} AS country,
            {pick("zone", *ZONES)} AS zone, CAST(16 + {draw("age", 60)} AS INTEGER) AS age,
            {pick("account", "consumer", "consumer", "consumer", "business")} AS account_type,
            {draw("customer", 4)} > 0 AS customer, {at.format(f"{draw('bought', 800)} * {DAY}")} AS last_purchase_at,
            {pick("degree", "observed", "provided")} AS degree,
            CAST(100 + {draw("tolerance", 100)} AS INTEGER) AS tolerance,
            {draw("suppressed", 100)} = 0 AS suppressed, {draw("registered", 10)} = 0 AS registered_refusal,
            CAST(4 + {draw("offers", 3)} AS INTEGER) AS offers,
            CAST({draw("personal", 3)} AS INTEGER) AS personal_offers,
            {address.format(draw("has push", 10), 6, "token-")} AS "address.push",
            {address.format(draw("has email", 10), 9, "someone-")} AS "address.email",
            {address.format(draw("has sms", 10), 7, "+336")} AS "address.sms",
            {draw("shared", 10)} = 0 AS "address.push.shared"
            FROM range({people}) AS t(i)""",
        "consents": f"""
            SELECT 'c' || i AS id, CAST({draw("who", people)} AS BIGINT) AS person,
            {pick("status", *["given"] * 37, "renewed", "refused", "withdrawn")} AS status,
            {pick("channel", "*", "*", "*", "push", "push", "email", "sms")} AS channel,
            {pick("purpose", *["marketing.communications"] * 4, "marketing", "*", "analytics")} AS purpose,
            {pick("quality", *["double_opt_in"] * 4, "single_opt_in", "soft_opt_in")} AS quality,
            {pick("basis", *["consent"] * 5, "legitimate_interest")} AS basis,
            {at.format(f"{draw('given', 800)} * {DAY} + {draw('second', 86_400)} * 1000000")} AS "at"
            FROM range({people * 5 // 2}) AS t(i)""",
        "history": f"""
            SELECT CAST({draw("whom", people)} AS BIGINT) AS person,
            {at.format(f"{draw('day', 30)} * {DAY} + {draw('sec', 86_400)} * 1000000")} AS "at",
            {pick("by", "email", "email", "push", "sms")} AS channel,
            {pick("class", "marketing", "marketing", "service", "transactional")} AS message_class,
            {pick("of", "spring", "basket", "news")} AS campaign
            FROM range({people * 6}) AS t(i)""",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for name, query in queries.items():
            connection.execute(f"COPY ({query}) TO {quoted(str(folder / f'{name}.parquet'))} (FORMAT parquet)")


def sources(folder: Path) -> Sources:
    people, consents, history = (Source(folder / f"{name}.parquet") for name in ("people", "consents", "history"))
    return Sources(people, consents=consents, history=history)


def campaign() -> Campaign:
    """The same by push, email and SMS, with a basket that is not named and a name that is."""
    content, generic = Variant((Use("basket", recited=False), Use("name", recited=True))), Variant(())
    prepared = tuple(Prepared(channel, "acme", content, generic) for channel in ("push", "email", "sms"))
    return Campaign("spring", prepared, NOW + 3_600_000_000, "marketing", "marketing.communications", controller="acme")


def workload(name: str) -> tuple[RuleSet, Vocabulary]:
    plugins = discover()
    workspace = load_workspace(WORKLOAD, plugins.kinds, plugins.facts)
    ruleset = compile_ruleset(workspace.policies, workspace.registry, plugins.kinds)
    if name == "plain":
        ruleset = replace(
            ruleset,
            rules=tuple(replace(rule, effect=Effect("block"), use_breached=None, hours=None) for rule in ruleset.rules),
        )
    return ruleset, workspace.registry.vocabulary


# --- one run, in a process of its own ------------------------------------------------------------------


def one(what: str, name: str, folder: Path, out: Path, memory_limit: str | None) -> dict[str, float]:
    """Seconds, peak memory, and shares of one run."""
    ruleset, vocabulary = workload(name)
    options = Options(memory_limit=memory_limit)
    start, began = time.perf_counter(), time.process_time()
    found: dict[str, float] = {}
    if what == "floor":
        write_facts(ruleset, campaign(), sources(folder), NOW, out, vocabulary=vocabulary, options=options)
    else:
        steps: list[tuple[str, float]] = []
        result: Result = dry_run(
            ruleset, campaign(), sources(folder), NOW, vocabulary=vocabulary, out=out, options=options,
            progress=lambda step: steps.append((step, time.perf_counter())),
        )  # fmt: skip
        numbers = result.numbers
        found = {"lessened": numbers.downgraded / numbers.rows, "blocked": numbers.blocked / numbers.rows}
        ends = [*(at for _, at in steps[1:]), time.perf_counter()]
        found |= {f"step {step}": end - at for (step, at), end in zip(steps, ends, strict=True)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - began, "gigabytes": peak, **found}


def apart(what: str, name: str, arguments: argparse.Namespace, out: Path) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.bench_dryrun",
        "--one",
        what,
        name,
        "--folder",
        str(arguments.folder),
        "--out",
        str(out),
    ]
    command += ["--memory-limit", arguments.memory_limit] if arguments.memory_limit else []
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-limit")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(*arguments.one, arguments.folder, arguments.out, arguments.memory_limit)))
        return
    with tempfile.TemporaryDirectory() as place:
        arguments.folder = arguments.folder or Path(place)
        make(arguments.folder, arguments.people)
        report(compare(arguments, Path(place) / "out.parquet"), arguments)


def compare(arguments: argparse.Namespace, out: Path) -> dict[str, dict[str, float]]:
    runs: dict[str, list[dict[str, float]]] = {}
    for _ in range(arguments.rounds):
        for name in GOALS:
            for what in ("floor", "run"):
                runs.setdefault(f"{what} {name}", []).append(apart(what, name, arguments, out))
    return {run: {key: statistics.median(f[key] for f in found) for key in found[0]} for run, found in runs.items()}


def report(found: dict[str, dict[str, float]], arguments: argparse.Namespace) -> None:
    for run, values in found.items():
        print(f"{run:16}", "  ".join(f"{key} {value:.2f}" for key, value in values.items()))
    for name, goal in GOALS.items():
        ratio = found[f"run {name}"]["seconds"] / found[f"floor {name}"]["seconds"]
        print(
            f"{name}: {verdict(ratio, goal)} times the floor; by processor time "
            f"{found[f'run {name}']['cpu'] / found[f'floor {name}']['cpu']:.2f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"people": arguments.people, **found}, indent=2))


if __name__ == "__main__":
    main()
