"""What a file says is what the store says and what a dry run on the store reads: letter by letter."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.assemble.stores import exported
from policykit.dryrun.rows import file_rows
from policykit.dryrun.run import Options, Workbench
from policykit.dryrun.sources import Source
from policykit.stores.sqlite import SQLiteStore
from policykit.vocabulary import RELATIONS, Vocabulary
from tests.examples import examples

# Any text but what no file of text can hold, and carriage returns, which CSV readers take for line ends.
CELL = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8) | st.sampled_from(
    ["", "a,b", 'say "hi"', "two\nlines", " a ", "|", "007", "true", "None", "2026-01-01T09:00:00Z", "é", "\u2028"]
)
KEY = st.text(st.sampled_from("abc0 -é\"',"), min_size=1, max_size=4)
CONSENTS = next(relation for relation in RELATIONS if relation.name == "consents")
COLUMNS = [column.name for column in CONSENTS.columns]
INSTANTS = st.sampled_from(["2026-01-01T09:00:00Z", "2026-01-01T10:00:00.5+01:00", "", "lately"])


def _row(draw: st.DrawFn) -> dict[str, str]:
    row = {name: draw(CELL) for name in COLUMNS}
    return {**row, "person": draw(KEY), "at": draw(INSTANTS), "expires_at": draw(INSTANTS)}


ROWS = st.lists(st.composite(_row)(), min_size=1, max_size=6)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_consents_come_out_as_they_went_in(rows: list[dict[str, str]]):
    """Events are kept once each, whatever their cells hold; those that name nobody are left out."""
    with tempfile.TemporaryDirectory() as folder, Workbench(Options()) as bench:
        file = Path(folder) / "consents.csv"
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS, quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
        store = SQLiteStore(Path(folder) / "store.db")
        for _ in range(2):
            read = file_rows(bench.connection, "consents", Source(file), Vocabulary())
            store.write("consents", read.cells())
            bench.connection.execute("DROP TABLE consents_read")
        with exported(store, {"consents"}) as files:
            again = list(file_rows(bench.connection, "consents", Source(files["consents"]), Vocabulary()).cells())
        store.close()

    def plain(found: list[dict[str, object]]) -> set[tuple[object, ...]]:
        return {tuple(row.get(name) or None for name in COLUMNS) for row in found}

    assert plain(again) == plain([dict(row) for row in rows])
    assert len(again) == len(plain([dict(row) for row in rows]))
