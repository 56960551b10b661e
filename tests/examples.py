"""How many examples a law is tried with: all of them in the whole run, a share of them every day."""

from __future__ import annotations

from hypothesis import settings

EVERYDAY = "everyday"  # the Hypothesis profile that tests/conftest.py loads for `-m "not slow"`, and only then
SHARE = 5
FEWEST = 2


def examples(full: int) -> int:
    """The number of examples, or of rows in one, for a law that the whole run tries with `full`.

    Read while tests are collected, after conftest has chosen the profile.
    """
    return max(FEWEST, full // SHARE) if settings.get_current_profile_name() == EVERYDAY else full
