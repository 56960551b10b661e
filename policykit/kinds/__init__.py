"""LOWER: one file per family of policies: its shape, its lowering to rules, its page."""
