"""How a contract behaves in pytest: a law is left out only where that is declared, and then it must fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

# Loaded before pytest runs inside pytest: it forgets what such a run loads, and half a library is worse than none.
import policykit.assemble.live
import policykit.testing.adapter  # noqa: F401

pytest_plugins = ["pytester"]

ACME = Path(__file__).parent / "acme"
QUICK = "l6 or l13 or l14"
HEAD = """
from policykit_acme import AcmeAdapter
from policykit.adapters.base import Settings
from policykit.testing import AdapterContract
import pytest
"""


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Runs a contract written in a plugin's folder; the outcome of each test comes back."""
    shutil.copytree(ACME / "recordings", pytester.path / "recordings")
    shutil.copy(ACME / "pyproject.toml", pytester.path)
    (pytester.path / "pytest.ini").write_text("[pytest]\n")

    def go(text: str, *words: str, laws: str = QUICK) -> pytest.RunResult:
        pytester.makepyfile(test_contract=HEAD + text)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", laws, *words)

    return go


def test_a_contract_of_two_lines_runs_every_law_it_was_asked_for(run):
    ran = run("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n")

    ran.assert_outcomes(passed=5)


def test_an_exception_that_is_declared_must_fail(run):
    ran = run("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n    exceptions = {'L6': 'not yet'}\n")

    ran.assert_outcomes(failed=2, passed=3)
    ran.stdout.fnmatch_lines(["*XPASS(strict)*L6: not yet*"])


def test_an_exception_may_name_one_recording(run, pytester):
    (pytester.path / "recordings/single.sends.yaml").write_text("unreadable: wrong\n")

    ran = run("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n"
              "    exceptions = {'L13[single]': 'odd'}\n")  # fmt: skip

    ran.assert_outcomes(xfailed=1, passed=4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@pytest.mark.skip\nclass TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n", "is marked `skip`"),
        ("pytestmark = pytest.mark.xfail\nclass TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n",
         "is marked `xfail`"),
        ("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n    def test_l14_is_packaged(self): pass\n",
         "`TestAcme` replaces test_l14_is_packaged"),
        ("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n    exceptions = {'L99': 'why'}\n",
         "excepts L99, which is no law"),
        ("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n    recordings = 'nowhere'\n",
         "no `*.http` in"),
    ],
    ids=["skip", "xfail", "override", "unknown law", "no recordings"],
)  # fmt: skip
def test_a_law_is_not_left_out_in_silence(run, text, said):
    ran = run(text)

    assert ran.ret != 0
    assert said in ran.stdout.str()


def test_golden_files_are_written_when_asked_for(run, pytester, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    golden = pytester.path / "recordings/single.sends.yaml"
    before = golden.read_text()
    golden.unlink()
    contract = "class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n"

    missing = run(contract, laws="l13")
    written = run(contract, "--policykit-update", laws="l13")

    missing.assert_outcomes(passed=1, failed=1)
    missing.stdout.fnmatch_lines(["*`single.sends.yaml` is missing*", "*pytest --policykit-update*"])
    written.assert_outcomes(passed=2)
    assert golden.read_text() == before


def test_golden_files_are_not_written_where_ci_is_set(run, monkeypatch):
    monkeypatch.setenv("CI", "true")

    ran = run("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n", "--policykit-update")

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*not done where `CI` is set*"])


def test_a_contract_without_a_client_says_what_to_supply(run):
    ran = run("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n", laws="l9")

    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["*supply `send(self, base_url)`*"])


def test_a_package_without_the_entry_point_is_told_so(run, pytester):
    pyproject = pytester.path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('acme = "policykit_acme"', ""))

    ran = run("class TestAcme(AdapterContract):\n    adapter = AcmeAdapter()\n", laws="l14")

    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["*has no entry point `acme`*"])
