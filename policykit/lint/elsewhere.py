"""Pages of codes that are told where a thing is read, and not by a lint."""

from __future__ import annotations

from policykit.lint.base import Page

PAGES: tuple[Page, ...] = ()
