"""What `policykit run --loopback` tells the program it starts: real policies, and no real sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from policykit.enforce.loopback import checked
from policykit.errors import UsageError
from policykit.model import Micros

_SERVER, _STORE, _AT = "POLICYKIT_LOOPBACK", "POLICYKIT_LOOPBACK_STORE", "POLICYKIT_LOOPBACK_AT"


@dataclass(frozen=True, slots=True)
class Trial:
    """server: URL of the loopback server. store: URL of a store that is thrown away. at: None = the real clock."""

    server: str
    store: str
    at: Micros | None = None

    def clock(self) -> Callable[[], Micros] | None:
        """The clock that stands still, None = the real one."""
        at = self.at
        return None if at is None else lambda: at

    def environment(self) -> dict[str, str]:
        at = {} if self.at is None else {_AT: str(self.at)}
        return {_SERVER: self.server, _STORE: self.store, **at}


def trial_of(environ: Mapping[str, str]) -> Trial | None:
    """The trial this process is part of; None in real life.

    Raises `UsageError` when only parts of it are said: then nothing may be taken for real or for a trial.
    """
    server, store, at = environ.get(_SERVER), environ.get(_STORE), environ.get(_AT)
    if not (server or store or at):
        return None
    if not (server and store) or (at and not at.isdecimal()):
        raise UsageError(f"`{_SERVER}` and `{_STORE}` are set by `policykit run --loopback` together, not by hand",
                         "unset them")  # fmt: skip
    return Trial(checked(server), store, int(at) if at else None)
