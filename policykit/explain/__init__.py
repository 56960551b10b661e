"""Why one person gets, or does not get, a message: a decision and the facts beneath it, in words.

The reference interpreter is asked again for every policy, so that what is told is what was meant.
"""

from policykit.explain.story import explain

__all__ = ["explain"]
