"""Where the library of policies lies, and which of its files the demo takes."""

from __future__ import annotations

from pathlib import Path

from policykit.errors import InternalError

PACKAGE = Path(__file__).resolve().parent.parent

# Files the demo's policies are copied from: those that its two campaigns and its people make speak.
SHELF: tuple[str, ...] = (
    "registry.yaml",
    "consent/refusals",
    "consent/email",
    "channels/push",
    "channels/texts-and-calls",
    "channels/shared",
    "channels/suppressed",
    "channels/tolerance",
    "purpose/collected-for",
    "data/origin",
    "data/sensitive",
    "data/degree",
    "data/age",
    "style/recital",
    "style/help",
    "frequency/caps",
    "quiet_hours/evenings",
)


def library_path(package: Path = PACKAGE) -> Path:
    """The folder of the library: inside an installed wheel, or `policies/` of a checkout.

    package: the folder of the package `policykit`.
    """
    for candidate in library_folders(package):
        return candidate
    raise InternalError(f"the library of policies is missing from this installation: looked beside `{package}`")


def library_folders(package: Path = PACKAGE) -> tuple[Path, ...]:
    """The folder of the library, or none where the installation lacks it."""
    candidates = (package / "_library", package.parent / "policies")
    return tuple(folder for folder in candidates if (folder / "registry.yaml").is_file())[:1]


def shelf(library: Path) -> dict[str, Path]:
    """The library's files that go into a demo, by their path below `policies/`."""
    names = [name for entry in SHELF for name in _files(entry)]
    return {name: library / name for name in names}


def _files(entry: str) -> tuple[str, ...]:
    return (entry,) if entry.endswith(".yaml") else (f"{entry}.yaml", f"{entry}.cases.yaml")
