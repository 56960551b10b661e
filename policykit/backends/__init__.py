"""JUDGE: the reference meaning, generated Python, and SQL."""
