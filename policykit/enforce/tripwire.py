"""An alarm for requests to providers that found a way around the guards.

Every transport has to find its host: the interpreter's audit events tell of it, whatever library asks.
Not seen: transports that resolve names in C (pycurl, grpc), and requests through a proxy, where only the
proxy's name is looked up. A connection that is kept alive from before is not looked up again.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeAlias

from policykit.enforce.underway import UNDERWAY, Mark, seen

_LOG = logging.getLogger("policykit.tripwire")

# Told the host, and the package that asked for it as far as the stack tells.
Report: TypeAlias = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    suffixes: tuple[str, ...]
    report: Report
    stop: bool


_EVENTS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.connect"})
_LOCK = threading.Lock()
_watches: tuple[_Watch, ...] = ()
_hooked = False


def watch(hosts: Iterable[str], report: Report, *, stop: bool = False) -> Callable[[], None]:
    """Tells of every look-up of such a host while no guard forwards a request; the result ends the watch.

    hosts: names; their subdomains count too. report: called as (host, library), in the thread that asked.
    stop: the look-up then fails as well, with a PermissionError, so that nothing leaves.
    """
    global _hooked
    one = _Watch(tuple(sorted({host.lower().strip(".") for host in hosts})), report, stop)
    with _LOCK:
        _set((*_watches, one))
        if not _hooked:
            # An audit hook cannot be taken away: it stays for good and asks `_watches`.
            sys.addaudithook(_heard)
            _hooked = True

    def unwatch() -> None:
        with _LOCK:
            _set(tuple(each for each in _watches if each is not one))

    return unwatch


def _set(watches: tuple[_Watch, ...]) -> None:
    global _watches
    _watches = watches


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if not _watches or event not in _EVENTS:
        return
    host = _host(event, args)
    if host is None or seen(host):
        return
    for each in _watches:
        if any(host == suffix or host.endswith("." + suffix) for suffix in each.suffixes):
            _tell(each, host)


def _host(event: str, args: tuple[Any, ...]) -> str | None:
    named = args[1] if event == "socket.connect" else args[0]
    if isinstance(named, tuple) and named:
        named = named[0]
    if isinstance(named, bytes | bytearray):
        named = named.decode("ascii", "replace")
    return named.lower().rstrip(".") if isinstance(named, str) else None


def _tell(each: _Watch, host: str) -> None:
    token = UNDERWAY.set(Mark())  # what the report itself sends is nobody's way around
    try:
        each.report(host, _library())
    except Exception as fault:  # border: the application only looked up a name
        _LOG.error("the tripwire could not report (%s)", type(fault).__name__)
    finally:
        UNDERWAY.reset(token)
    if each.stop:
        raise PermissionError(f"a request to `{host}` found a way around policykit's guards")


def _library() -> str:
    """The package nearest to the look-up that is not the interpreter's own; its own library, when there is none."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    own = "asyncio" if threading.current_thread().name.startswith("asyncio_") else "socket"
    while frame is not None:
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if name not in sys.stdlib_module_names and name not in ("policykit", "__main__", ""):
            return name
        if own == "socket" and name in ("http", "smtplib", "ftplib", "asyncio"):
            own = name
        frame = frame.f_back
    return own
