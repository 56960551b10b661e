"""Putting guards on and taking them off: nothing is loaded for it, and everything is as before after it."""

import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from policykit.enforce.guards import attach_all
from policykit.enforce.guards.shared import patch
from policykit.enforce.plan import Gate
from tests.guards.gates import ScriptedGate

PATCHED = [
    (requests.Session, "get_adapter"),
    (urllib.request.OpenerDirector, "open"),
    (httpx.Client, "send"),
    (httpx.AsyncClient, "send"),
    (aiohttp.ClientSession, "_request"),
]


def _now() -> list[Any]:
    return [vars(owner)[name] for owner, name in PATCHED]


def test_detaching_puts_back_the_very_same_functions():
    before = _now()

    detach = attach_all(ScriptedGate())
    during = _now()
    detach()

    assert all(ours is not theirs for ours, theirs in zip(during, before, strict=True))
    assert _now() == before
    assert [each.__qualname__ for each in during] == [each.__qualname__ for each in before]


def test_detaching_twice_harms_nobody():
    before = _now()
    detach = attach_all(ScriptedGate())

    detach()
    detach()

    assert _now() == before


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)])
def test_several_gates_come_and_go_in_any_order(double, order):
    before = _now()
    gates = [ScriptedGate() for _ in range(3)]
    detach = [attach_all(gate) for gate in gates]

    requests.post(f"{double.url}/send/x", b"x")
    for place in order:
        detach[place]()
        gates[place].asked.clear()
        requests.post(f"{double.url}/send/x", b"x")
        assert gates[place].asked == []

    assert _now() == before
    assert [len(gate.planned) for gate in gates] == [1 + order.index(place) for place in range(3)]


class Owner:
    def word(self) -> str:
        return "plain"


def _saying(text: str) -> Callable[..., Any]:
    return lambda plain, switch: lambda self: f"{text} {plain(self)}" if switch.on else plain(self)


def test_a_patch_of_somebody_else_over_ours_stays():
    before = Owner.word
    undo = patch(Owner, "word", _saying("ours"))
    ours = Owner.word
    Owner.word = lambda self: f"theirs {ours(self)}"
    assert Owner().word() == "theirs ours plain"

    undo()

    assert Owner().word() == "theirs plain"
    Owner.word = before


def test_plugins_guards_are_put_on_and_taken_off():
    told: list[str] = []

    def attach(gate: Gate) -> Callable[[], None]:
        told.append("on")
        return lambda: told.append("off")

    attach_all(ScriptedGate(), more=[attach])()

    assert told == ["on", "off"]


def test_a_guard_that_cannot_be_put_on_leaves_none_behind():
    def broken(gate: Gate) -> Callable[[], None]:
        raise ValueError("no such library")

    before, finders = _now(), list(sys.meta_path)

    with pytest.raises(ValueError, match="no such library"):
        attach_all(ScriptedGate(), more=[broken])

    assert (_now(), sys.meta_path) == (before, finders)


def _alone(program: str) -> str:
    """What a program says in an interpreter of its own."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_no_transport_is_loaded_to_be_guarded():
    said = _alone("""
        import sys
        from policykit.enforce.guards import attach_all
        from tests.guards.gates import ScriptedGate
        detach = attach_all(ScriptedGate())
        names = ("requests", "urllib3", "urllib.request", "httpx", "aiohttp")
        print([name for name in names if name in sys.modules])
        detach()
        print([type(each).__name__ for each in sys.meta_path if "policykit" in type(each).__module__])
    """)

    assert said.splitlines() == ["[]", "[]"]


def test_a_transport_loaded_later_is_guarded_as_it_is_loaded():
    said = _alone("""
        from policykit.enforce.guards import attach_all
        from tests.guards.gates import ScriptedGate
        gate = ScriptedGate()
        detach = attach_all(gate)
        import aiohttp, httpx, requests, urllib.request
        print(requests.post("http://provider.example/send/refused").status_code)
        print(httpx.post("http://provider.example/send/refused").status_code)
        try:
            urllib.request.urlopen("http://provider.example/send/refused", b"")
        except OSError as error:
            print(error.code)
        print(hasattr(aiohttp.ClientSession._request, "__wrapped__"))
        print(requests.__spec__.loader.__class__.__module__, requests.__loader__.__class__.__module__)
        detach()
        print(hasattr(requests.Session.get_adapter, "__wrapped__"))
    """)

    frozen = "_frozen_importlib_external"
    assert said.splitlines() == ["403", "403", "403", "True", f"{frozen} {frozen}", "False"]


def test_a_transport_loaded_after_detaching_is_left_alone():
    said = _alone("""
        from policykit.enforce.guards import attach_all
        from tests.guards.gates import ScriptedGate
        attach_all(ScriptedGate())()
        import requests
        print(hasattr(requests.Session.get_adapter, "__wrapped__"))
    """)

    assert said == "False"


def test_transports_loaded_by_several_threads_at_once_are_guarded_once():
    said = _alone("""
        import importlib, threading
        from policykit.enforce.guards import attach_all
        from tests.guards.gates import ScriptedGate
        gate = ScriptedGate()
        attach_all(gate)
        names = ["requests", "urllib.request", "httpx", "http.cookiejar", "requests.sessions", "aiohttp"] * 3
        threads = [threading.Thread(target=importlib.import_module, args=(name,)) for name in names]
        [each.start() for each in threads]
        [each.join() for each in threads]
        import requests
        print(requests.post("http://provider.example/send/refused").status_code, len(gate.asked))
    """)

    assert said == "403 1"
