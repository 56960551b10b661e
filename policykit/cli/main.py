"""The command `policykit`. Importing this imports next to nothing: `--version` must be instant."""

import sys


def main(words: list[str] | None = None) -> int:
    """The exit code.

    0 fine, 1 a brake was crossed or the log is not whole, 2 wrong use, 3 policies invalid, 4 cases failed,
    70 our fault.
    """
    words = sys.argv[1:] if words is None else words
    if words == ["--version"]:
        from policykit.version import __version__  # here and below: what is not imported costs no start-up

        print(f"policykit {__version__}")
        return 0
    try:
        from policykit.cli.border import run

        return run(words)
    except KeyboardInterrupt:  # while it was still being imported; the border handles all others
        print("interrupted", file=sys.stderr)
        return 130
