"""A whole audience judged in SQL: the same rules, the same rounds, rows never pass through Python."""
