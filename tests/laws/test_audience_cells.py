"""Cells are read alike by the files' SQL, by hand-written sends, and by the plain reader of the laws.

These began as counterexamples: an hour 24, a second 60 and an offset of 25 hours were instants to
DuckDB and unreadable to Python, so a send of the history lay in one engine's window only.
"""

from __future__ import annotations

import duckdb
import pytest

from policykit.dryrun import cells
from policykit.dryrun.sources import quoted
from policykit.facts.records import read_instant
from policykit.facts.values import read_text
from policykit.ir.nodes import Type
from tests.laws import oracle
from tests.laws.strategies_audience import FLAGS, NUMBERS, SPELT


def in_sql(text: str, kind: str) -> object:
    """The cell as the dry run reads it from a text column."""
    return duckdb.sql(f"SELECT {cells.read_text(quoted(text), kind)}").fetchall()[0][0]  # type: ignore[arg-type]


@pytest.mark.parametrize("text", SPELT)
def test_an_instant_is_one_everywhere_or_nowhere(text: str) -> None:
    said = oracle.read_instant(text)

    assert (in_sql(text, "timestamp"), read_instant(text)) == (said, said)


@pytest.mark.parametrize("text", SPELT)
def test_an_instant_as_a_value_is_one_everywhere_or_nowhere(text: str) -> None:
    in_file = duckdb.sql(f"SELECT {cells.read_value(quoted(text), 'timestamp')}").fetchall()[0][0]

    assert in_file == read_text(text, Type.TIMESTAMP)


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_one_everywhere_or_nowhere(text: str) -> None:
    assert in_sql(text, "int") == oracle.read_int(text) == read_text(text, Type.INT)
    assert in_sql(text, "double") == oracle.read_double(text) == read_text(text, Type.DOUBLE)


@pytest.mark.parametrize("text", FLAGS)
def test_a_flag_is_one_everywhere_or_nowhere(text: str) -> None:
    assert in_sql(text, "bool") == oracle.read_bool(text) == read_text(text, Type.BOOL)


def test_the_texts_are_read_and_refused() -> None:
    read = [text for text in SPELT if oracle.read_instant(text) is not None]

    assert 5 <= len(read) < len(SPELT) - 5
