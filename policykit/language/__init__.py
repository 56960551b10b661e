"""LOAD: YAML with positions into policies, registry, cases and campaigns."""
