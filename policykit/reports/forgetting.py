"""What was forgotten and what was dropped, in words; no id, no address and no value."""

from __future__ import annotations

from collections.abc import Mapping

from policykit.reports.words import listed

STILL_THERE = (
    "warning: others had the store open, so what was taken out may still be read from its file\n"
    "  help: run `policykit retain` when nobody else reads it for long"
)
NOT_OBEYED = (
    "warning: no policy in force reads `send.address.suppressed`, so an old file brings them back to be mailed\n"
    "  help: `policykit packs add channels-addresses` has one that does"
)
_WORDS = {
    "addresses": ("address", "addresses"), "attributes": ("value", "values"), "consents": ("consent", "consents"),
    "feedback": ("answer of theirs", "answers of theirs"), "history": ("send", "sends"),
    "waiting": ("send that waits", "sends that wait"),
}  # fmt: skip


def forgotten(counts: Mapping[str, int], people: int, *, dry: bool, obeyed: bool = True) -> str:
    """counts: of `stores.base.Forgotten`. `forgot 1 person: 2 addresses, 3 values and 5 sends; ...`.

    obeyed: whether a policy in force reads what is suppressed.
    """
    what = [f"{counts[name]:,} {words[counts[name] != 1]}" for name, words in _WORDS.items() if counts[name]]
    gone = f": {listed(what)}" if what else ""
    would, number = ("would forget" if dry else "forgot"), f"{people:,} {'person' if people == 1 else 'people'}"
    said = f"{would} {number}{gone}"
    if counts["decisions"]:
        one = counts["decisions"] == 1
        word = "would say" if dry else "says" if one else "say"
        said += (
            f"\n{counts['decisions']:,} {'decision' if one else 'decisions'} in the log {word} no more who it was about"
        )
    if counts["suppressed"]:
        one = counts["suppressed"] == 1
        word = "would be" if dry else "is" if one else "are"
        said += f"\n{counts['suppressed']:,} {'address' if one else 'addresses'} {word} suppressed"
        said += ": nothing is sent there" if obeyed else ""
    return said


def retained(past: Mapping[str, int], history: int, *, dry: bool) -> str:
    """A line per attribute."""
    word = "would go" if dry else "dropped"
    lines = [f"{name}: {count:,} past their keep, {word}" for name, count in sorted(past.items())]
    lines += [f"sends: {history:,} past their keep, {word}"] if history else []
    return "\n".join(lines) or "nothing is past its keep"


def unknown_age(unknown: Mapping[str, int], *, goes: bool, dry: bool) -> str:
    """What nobody knows the age of, and what became of it."""
    what = listed(f"{count:,} of `{name}`" for name, count in sorted(unknown.items()))
    became = ("would go" if dry else "dropped") if goes else "kept"
    way_out = "" if goes else "\n  help: import them with `collected_at`, or drop them with `--unknown drop`"
    return f"warning: nobody knows since when some values are there: {what}; {became}{way_out}"
