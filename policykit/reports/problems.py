"""Problems as text, JSON, SARIF or GitHub annotations: plain findings in, one string out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policykit.errors import Problem
from policykit.version import __version__

__all__ = ["FORMATS", "as_dict", "count_line"]


def count_line(problems: Sequence[Problem]) -> str:
    """`3 errors, 1 warning`, or `no problems`."""
    errors = sum(problem.severity == "error" for problem in problems)
    counts = [(errors, "error"), (len(problems) - errors, "warning")]
    return ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts if n) or "no problems"


def as_dict(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "help": problem.help,
    }


def _text(problems: Sequence[Problem]) -> str:
    return "\n".join([*(str(problem) for problem in problems), count_line(problems)])


def _json(problems: Sequence[Problem]) -> str:
    found = [as_dict(problem) for problem in problems]
    errors = sum(problem.severity == "error" for problem in problems)
    return json.dumps({"errors": errors, "problems": found}, indent=2, ensure_ascii=False)


def _sarif(problems: Sequence[Problem]) -> str:
    """SARIF 2.1.0, the format code-scanning services read."""
    driver = {
        "name": "policykit",
        "semanticVersion": __version__,
        "rules": [{"id": code} for code in sorted({problem.code for problem in problems})],
    }
    run = {"tool": {"driver": driver}, "results": [_sarif_result(problem) for problem in problems]}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _sarif_result(problem: Problem) -> dict[str, Any]:
    text = problem.message + (f"\nhelp: {problem.help}" if problem.help else "")
    result: dict[str, Any] = {"ruleId": problem.code, "level": problem.severity, "message": {"text": text}}
    if problem.place:
        region = {"startLine": problem.place.line, "startColumn": problem.place.column}
        where = {"artifactLocation": {"uri": problem.place.file.replace("\\", "/")}, "region": region}
        result["locations"] = [{"physicalLocation": where}]
    return result


def _github(problems: Sequence[Problem]) -> str:
    return "\n".join(_annotation(problem) for problem in problems)


def _annotation(problem: Problem) -> str:
    """One workflow command; its escapes are those of GitHub's toolkit (`%`, CR, LF; in properties `:` and `,` too)."""
    text = problem.message + (f"\nhelp: {problem.help}" if problem.help else "")
    place = problem.place
    at = f"file={_property(place.file)},line={place.line},col={place.column}," if place else ""
    return f"::{problem.severity} {at}title={_property(problem.code)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: Mapping[str, Callable[[Sequence[Problem]], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
