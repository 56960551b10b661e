"""What people read: one file per rendering, all from the same numbers."""
