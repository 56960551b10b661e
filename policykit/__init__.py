"""policykit: policy-as-code for marketing messages."""

from policykit.version import __version__

__all__ = ["__version__"]
