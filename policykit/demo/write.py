"""The demo workspace on disk: all of it, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from policykit.demo import people as made_up
from policykit.demo.library import shelf
from policykit.errors import UsageError

_WORKSPACE = Path(__file__).resolve().parent / "workspace"


def write_demo(target: Path, library: Path, people: int = 20_000) -> None:
    """Writes a workspace that works at once into a new or empty folder.

    library: folder of the library of policies (`library.library_path`). people: how many to make up.
    A folder with anything in it is refused; when something fails, nothing is left behind.
    """
    _refuse_used(target)
    place = target.resolve()  # `.` has no name and no parent to write beside
    folder = place if place.is_dir() else place.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=folder))
    except OSError as error:
        raise UsageError(f"cannot write in the folder `{folder}`: {error.strerror}") from error
    try:
        _fill(room / "new", library, people)
        _move(room / "new", place)
    except OSError as error:
        raise UsageError(f"cannot write the workspace `{target}`: {error.strerror}") from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _refuse_used(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise UsageError(f"`{target}` is a file", "name a folder that is new or empty")
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"folder `{target}` is not empty", "name a folder that is new or empty")


def _move(made: Path, target: Path) -> None:
    """Puts the workspace in its place. An empty folder stays the same folder: somebody may stand in it."""
    if not target.exists():
        made.replace(target)
        return
    for child in sorted(made.iterdir()):
        child.replace(target / child.name)


def _fill(root: Path, library: Path, count: int) -> None:
    for path in sorted(_WORKSPACE.rglob("*")):
        if path.is_file():
            _copy(path, root / path.relative_to(_WORKSPACE))
    for name, path in shelf(library).items():
        _copy(path, root / "policies" / name)
    _write_people(root / "data", count)


_HEADERS = {
    "people": made_up.PEOPLE,
    "addresses": made_up.ADDRESSES,
    "consents": made_up.CONSENTS,
    "history": made_up.HISTORY,
    "attributes": made_up.ATTRIBUTES,
}


def _write_people(folder: Path, count: int) -> None:
    """No value holds a comma, a quote or a line end, so a row is its fields joined."""
    folder.mkdir()
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.csv").open("wb")) for name in _HEADERS}
        for name, header in _HEADERS.items():
            files[name].write(",".join(header).encode() + b"\n")
        for tables in made_up.make_people(count):
            for name, file in files.items():
                file.write("".join([",".join(row) + "\n" for row in getattr(tables, name)]).encode())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
