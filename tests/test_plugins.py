"""Plugins come in one by one; what is wrong with one is told and costs nobody else anything."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path

import pytest

import policykit
from policykit import kinds
from policykit.errors import Problem
from policykit.plugins import Plugin, Plugins, discover
from policykit.stores.memory import MemoryStore
from policykit.stores.open import open_store

BUILT_IN = tuple(kind.name for kind in kinds.BUILT_IN)
KIND = """
    from policykit.hookspecs import Kind, Lowered, hookimpl
    from policykit.ir.nodes import Const, FALSE, Type
    from policykit.vocabulary import FactSpec

    def lower(policy, context):
        return Lowered(FALSE, Const("never.never", Type.STRING))

    @hookimpl
    def policykit_kinds():
        return [Kind("{kind}", {{"require": {{}}}}, frozenset({{"block"}}), lower, "")]

    @hookimpl
    def policykit_facts():
        return [FactSpec("{fact}", "string", "a fact")]
"""


_NUMBERS = itertools.count()


class Installed:
    """Distributions in a folder on the path, as pip would leave them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, distribution: str, code: str, *, plugin: str = "", version: str = "1.0") -> None:
        # A name of its own: modules stay loaded from one test to the next.
        module = f"{distribution.replace('-', '_')}_of_test_{next(_NUMBERS)}"
        (self.folder / f"{module}.py").write_text(textwrap.dedent(code))
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[policykit]\n{plugin or distribution} = {module}\n")

    def entry_points(self) -> list[EntryPoint]:
        found: list[Distribution] = list(distributions(path=[str(self.folder)]))
        return [point for each in found for point in each.entry_points if point.group == "policykit"]

    def discover(self) -> Plugins:
        return discover(self.entry_points())


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Installed(tmp_path)


def _messages(plugins: Plugins) -> list[str]:
    return [problem.message for problem in plugins.problems]


def test_built_in_kinds_come_through_the_same_hook() -> None:
    plugins = discover([])

    assert tuple(plugins.kinds) == BUILT_IN
    assert [plugin.name for plugin in plugins.found] == ["kinds"]
    assert plugins.found[0].kinds == BUILT_IN
    assert plugins.problems == ()


def test_a_plugin_adds_a_kind_and_a_fact(installed: Installed) -> None:
    installed.add("policykit-one", KIND.format(kind="one", fact="recipient.one"))

    plugins = installed.discover()

    assert plugins.found[1] == Plugin("policykit-one", "policykit-one", "1.0", None, ("one",), ("recipient.one",))
    assert plugins.kinds["one"].name == "one"
    assert [spec.path for spec in plugins.facts] == ["recipient.one"]
    assert plugins.problems == ()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        (
            "from policykit.hookspecs import hookimpl\n@hookimpl\ndef policykit_kinds(): raise OSError('no disk')",
            "OSError: no disk",
        ),
        (
            "from policykit.hookspecs import hookimpl\n@hookimpl\ndef policykit_kinds(): return ['weekday']",
            "TypeError: `policykit_kinds` gave a str, expected Kind",
        ),
        (
            (
                "from policykit.hookspecs import hookimpl\n"
                "from policykit.vocabulary import FactSpec\n"
                "@hookimpl\ndef policykit_facts(): return [FactSpec('send.colour', 'string', '')]"
            ),
            "ValueError: fact `send.colour` is not about the person; expected e.g. `recipient.tier`",
        ),
        (KIND.format(kind="No Name", fact="recipient.x"), "ValueError: `No Name` is no name for a kind"),
        (KIND.format(kind="x", fact="tier"), "ValueError: fact `tier` is not about the person"),
        (
            KIND.format(kind="x", fact="recipient.x").replace('"string"', '"set"'),
            "ValueError: fact `recipient.x` has the type `set`",
        ),
        (
            KIND.format(kind="x", fact="recipient.x").replace('"require": {}', '"require": {"a": {"anyof": []}}'),
            "PluginError: schema of `x` uses the rule `anyof`, which is not supported",
        ),
        (
            KIND.format(kind="x", fact="recipient.x").replace('"require": {}', '"require": {"a": {"type": "strin"}}'),
            "PluginError: schema of `x` is not valid",
        ),
        (
            KIND.format(kind="x", fact="recipient.x").replace('"require": {}', '"permit": {}'),
            "ValueError: kind `x` must have schemas for `require`, `forbid` or both",
        ),
        (
            KIND.format(kind="x", fact="recipient.x").replace('lower, "")', 'lower, "", {"for": {}})'),
            "ValueError: kind `x` redefines `for`, which every policy has",
        ),
        (
            "from policykit.hookspecs import hookimpl\n@hookimpl\ndef policykit_kinds(verdict): return []",
            "PluginValidationError: Plugin 'policykit-bad' for hook 'policykit_kinds' hookimpl definition",
        ),
    ],
)
def test_a_plugin_that_fails_is_named_and_the_rest_goes_on(installed: Installed, code: str, error: str) -> None:
    installed.add("policykit-bad", code)
    installed.add("policykit-good", KIND.format(kind="good", fact="recipient.good"))

    plugins = installed.discover()

    bad = plugins.found[1]
    assert (bad.name, bad.distribution, bad.version, bad.kinds, bad.facts) == (
        "policykit-bad",
        "policykit-bad",
        "1.0",
        (),
        (),
    )
    assert (bad.error or "").startswith(error)
    assert _messages(plugins) == [f"plugin `policykit-bad` of `policykit-bad` could not be used: {bad.error}"]
    assert tuple(plugins.kinds) == (*BUILT_IN, "good")


def test_a_plugin_is_used_whole_or_not_at_all(installed: Installed) -> None:
    code = KIND.format(kind="half", fact="recipient.half").replace("return [FactSpec", "return 1 / 0, [FactSpec")
    installed.add("policykit-half", code)

    plugins = installed.discover()

    assert tuple(plugins.kinds) == BUILT_IN
    assert plugins.facts == ()


@pytest.mark.parametrize("order", [1, -1])
def test_a_taken_name_is_left_out_whatever_the_order(installed: Installed, order: int) -> None:
    installed.add("policykit-b", KIND.format(kind="mine", fact="recipient.mine"))
    installed.add("policykit-a", KIND.format(kind="mine", fact="recipient.mine"))
    installed.add("policykit-c", KIND.format(kind="consent", fact="recipient.country"))

    plugins = discover(sorted(installed.entry_points(), key=lambda point: point.name)[::order])

    assert {plugin.name: (plugin.kinds, plugin.facts) for plugin in plugins.found[1:]} == {
        "policykit-a": (("mine",), ("recipient.mine",)),
        "policykit-b": ((), ()),
        "policykit-c": ((), ()),
    }
    assert _messages(plugins) == [
        "kind `mine` of `policykit-b` is left out: `policykit-a` has that name",
        "fact `recipient.mine` of `policykit-b` is left out: `policykit-a` has that name",
        "kind `consent` of `policykit-c` is left out: `policykit-core` has that name",
        "fact `recipient.country` of `policykit-c` is left out: `policykit-core` has that name",
    ]
    assert plugins.kinds["consent"] is kinds.consent.KIND


def test_a_plugin_that_says_a_name_twice_is_told(installed: Installed) -> None:
    code = KIND.format(kind="one", fact="recipient.one").replace("return [Kind", "return 2 * [Kind")
    installed.add("policykit-one", code)

    plugins = installed.discover()

    assert plugins.found[1].kinds == ("one",)
    assert _messages(plugins) == ["kind `one` of `policykit-one` is left out: `policykit-one` has that name"]


def test_two_plugins_of_one_name_are_told_apart(installed: Installed) -> None:
    installed.add("policykit-a", KIND.format(kind="a", fact="recipient.a"), plugin="same")
    installed.add("policykit-b", KIND.format(kind="b", fact="recipient.b"), plugin="same")

    plugins = installed.discover()

    assert _messages(plugins) == [
        "plugin `same` of `policykit-b` could not be used: ValueError: another plugin is named `same`"
    ]
    assert "a" in plugins.kinds
    assert "b" not in plugins.kinds


def test_an_unknown_hook_is_reported(installed: Installed) -> None:
    installed.add("policykit-new", "from policykit.hookspecs import hookimpl\n@hookimpl\ndef policykit_verdicts(): ...")

    plugins = installed.discover()

    assert plugins.problems == (
        Problem(
            None,
            "plugin `policykit-new`: no hook is called `policykit_verdicts`",
            "the hooks are `policykit_kinds`, `policykit_facts`, `policykit_adapters`, `policykit_stores`, "
            "`policykit_guards`, `policykit_packs`, `policykit_feedback`, `policykit_decided`",
            "plugin.failed",
            "warning",
        ),
    )


def test_a_hook_without_its_mark_is_reported(installed: Installed) -> None:
    installed.add("policykit-new", "def policykit_kinds(): return []")

    assert _messages(installed.discover()) == ["plugin `policykit-new`: `policykit_kinds` is not marked"]


def test_version_needs_no_plugins() -> None:
    code = "import policykit, sys; print(policykit.__version__); print([m for m in sys.modules if 'pluggy' in m])"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert out.splitlines()[1] == "[]"


def test_the_public_face_has_what_it_lists() -> None:
    assert {name for name in policykit.__all__ if getattr(policykit, name, None) is None} == set()
    with pytest.raises(AttributeError, match="no `hookimp`"):
        _ = policykit.hookimp


# --- adapters, stores, guards, observers ---------------------------------------------------------------


PROVIDER = """
    from policykit import hookimpl
    from policykit.adapters.base import Adapter
    from policykit.stores.memory import MemoryStore

    class Pigeon(Adapter):
        name = "{name}"
        channels = frozenset({{"{channel}"}})

        def claims(self, request):
            return False

        def read(self, request):
            return ()

    def attach(gate):
        return lambda: None

    @hookimpl
    def policykit_adapters():
        return [Pigeon()]

    @hookimpl
    def policykit_stores():
        return {{"{scheme}": lambda url, root: MemoryStore()}}

    @hookimpl
    def policykit_guards():
        return [attach]

    SEEN = []

    @hookimpl
    def policykit_decided(decisions):
        SEEN.append(decisions)
        if not decisions:
            raise OSError("no disk")
"""


def _provider(name: str = "pigeon", channel: str = "postal", scheme: str = "loft") -> str:
    return PROVIDER.format(name=name, channel=channel, scheme=scheme)


def test_a_plugin_adds_an_adapter_a_store_a_guard_and_an_observer(installed: Installed) -> None:
    installed.add("policykit-pigeon", _provider())

    plugins = installed.discover()

    found = plugins.found[1]
    assert (found.adapters, found.stores, found.observes) == (("pigeon",), ("loft",), True)
    assert [name.rpartition(".")[2] for name in found.guards] == ["attach"]
    assert (list(plugins.adapters), list(plugins.stores)) == (["pigeon"], ["loft"])
    assert (len(plugins.guards), len(plugins.observers)) == (1, 1)
    assert plugins.problems == ()


def test_what_a_plugin_adds_can_be_a_store_of_a_workspace(installed: Installed, tmp_path: Path) -> None:
    installed.add("policykit-pigeon", _provider())

    store = open_store("loft://coop", tmp_path, installed.discover().stores)

    assert isinstance(store, MemoryStore)


def test_the_name_of_a_provider_is_given_once(installed: Installed) -> None:
    installed.add("policykit-a", _provider(scheme="a"))
    installed.add("policykit-b", _provider(scheme="b"))

    plugins = installed.discover()

    assert _messages(plugins) == ["adapter `pigeon` of `policykit-b` is left out: `policykit-a` has that name"]
    assert [plugin.adapters for plugin in plugins.found[1:]] == [("pigeon",), ()]
    assert sorted(plugins.stores) == ["a", "b"]


def test_built_in_stores_cannot_be_replaced(installed: Installed) -> None:
    installed.add("policykit-pigeon", _provider(scheme="sqlite"))

    plugins = installed.discover()

    assert _messages(plugins) == ["store `sqlite` of `policykit-pigeon` is left out: `policykit-core` has that name"]
    assert plugins.stores == {}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (_provider(name="Pigeon Post"), "ValueError: `Pigeon Post` is no name for a provider"),
        (_provider(channel="pigeon"), "ValueError: adapter `pigeon` has the channels `pigeon`; expected some of"),
        (_provider(scheme="1:"), "ValueError: `1:` is no scheme of a URL"),
        (_provider().replace("[Pigeon()]", "[7]"), "TypeError: `policykit_adapters` gave a int, expected Adapter"),
        (_provider().replace("[attach]", "['attach']"), "TypeError: `policykit_guards` and `policykit_stores` give"),
        (_provider().replace("def read", "def reed"), "TypeError: Can't instantiate abstract class Pigeon"),
    ],
)
def test_a_plugin_whose_parts_cannot_be_used_is_left_out_whole(installed: Installed, code: str, error: str) -> None:
    installed.add("policykit-bad", textwrap.dedent(code) + "\n")
    installed.add("policykit-good", _provider())

    plugins = installed.discover()

    bad, good = plugins.found[1:]
    assert bad.error is not None
    assert bad.error.startswith(error)
    assert (list(plugins.adapters), len(plugins.guards), len(plugins.observers)) == (["pigeon"], 1, 1)
    assert good.error is None


def test_an_observer_that_fails_is_told_once_and_costs_nothing(
    installed: Installed, caplog: pytest.LogCaptureFixture
) -> None:
    installed.add("policykit-pigeon", _provider())
    (observe,) = installed.discover().observers

    observe([])
    observe([])

    assert [record.getMessage() for record in caplog.records] == [
        "plugin `policykit-pigeon` failed to observe decisions: OSError"
    ]
