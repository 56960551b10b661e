"""The demo workspace: what `policykit init` writes. Sits low: it knows files, not policies."""
