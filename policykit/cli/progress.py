"""What a long command shows on a terminal while it works; on standard error, so that output stays clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Step = Callable[[str, float], None]  # what is being done, and how much of the whole is done (0 to 1)


@contextmanager
def showing() -> Iterator[Step]:
    """Yields a function to report progress with; the bar is gone at the end."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=1.0)

        def step(what: str, done: float) -> None:
            progress.update(task, description=what, completed=done)

        yield step
