"""Which kinds of grants the consents of a campaign's data hold: for `check`, before anybody is judged."""

from __future__ import annotations

import duckdb

from policykit.dryrun.relations import Table
from policykit.dryrun.sources import quoted
from policykit.lint import Grants
from policykit.vocabulary import GRANTS

_MOST = 1000  # a column with more kinds of words than that is no register of forms


def kinds_of_grants(connection: duckdb.DuckDBPyConnection, consents: Table) -> list[Grants]:
    """Grants by what they share; most first."""

    def _column(name: str) -> str:
        return name if name in consents.columns else "CAST(NULL AS VARCHAR)"

    named = [f"{_column(name)} AS {name}" for name in ("quality", "basis", "channel", "purpose", "program")]
    kinds = ", ".join((
        *named, f"coalesce({_column('defects')} IS NOT NULL, FALSE) AS defective",
        f"{_column('evidence')} IS NOT NULL AS evidence",
    ))  # fmt: skip
    rows = connection.execute(
        f"SELECT count(*), {kinds} FROM {consents.sql} WHERE status IN ({', '.join(map(quoted, GRANTS))}) "
        f"AND {_column('attribute')} IS NULL GROUP BY ALL ORDER BY ALL DESC LIMIT {_MOST}"
    ).fetchall()
    return [Grants(*row) for row in rows]
