"""What data files say about one person, row by row and as it is written: for the person, who asked."""

from __future__ import annotations

from collections.abc import Mapping

from policykit.dryrun.cells import as_text
from policykit.dryrun.run import Options, Workbench
from policykit.dryrun.sources import Opened, Source, open_source, quoted
from policykit.errors import BadData
from policykit.vocabulary import RELATIONS, Vocabulary

Rows = tuple[Mapping[str, str], ...]
_MOST = 10_000  # rows of one person in one file
_RELATIONS = {relation.name: relation for relation in RELATIONS}


def rows_about(sources: Mapping[str, list[Source]], vocabulary: Vocabulary, person: str) -> dict[str, Rows]:
    """Relation -> the rows about the person, columns under the names of the vocabulary, empty cells left out.

    sources: relation -> its files; people may stand in several. Raises `BadData` with what is wrong with any file.
    """
    with Workbench(Options()) as bench:
        found: dict[str, list[Mapping[str, str]]] = {}
        problems = []
        for name, files in sources.items():
            for source in files:
                opened, wrong = open_source(bench.connection, _RELATIONS[name], source, vocabulary)
                problems += wrong
                if opened is not None:
                    found.setdefault(name, []).extend(_rows(bench, opened, person))
        if problems:
            raise BadData(problems)
        return {name: tuple(dict(row) for row in dict.fromkeys(tuple(each.items()) for each in rows))
                for name, rows in found.items()}  # fmt: skip


def _rows(bench: Workbench, opened: Opened, person: str) -> list[Mapping[str, str]]:
    key = opened.columns["id" if opened.relation.name == "people" else "person"]
    names = list(opened.columns)
    read = ", ".join(as_text(opened.columns[name]) for name in names)
    rows = bench.connection.execute(
        f"SELECT {read} FROM {opened.scan} WHERE {as_text(key)} = {quoted(person)} LIMIT {_MOST}"
    ).fetchall()
    return [{name: str(cell) for name, cell in zip(names, row, strict=True) if cell not in (None, "")} for row in rows]
