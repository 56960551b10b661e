"""COMPILE: the typed tree of conditions, its expression front end, partial evaluation and wording."""
