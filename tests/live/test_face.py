"""The face of the package: everything it promises is there, and looking at it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import policykit


@pytest.mark.parametrize("name", policykit.__all__)
def test_every_public_name_is_there(name):
    assert getattr(policykit, name) is getattr(policykit, name)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module `policykit` has no `isntall`"):
        policykit.isntall  # noqa: B018


def test_importing_it_imports_nothing_but_the_standard_library():
    code = (
        "import sys, policykit; print(sorted(n for n in sys.modules if n.startswith(('policykit', 'cerb', 'plugg'))))"
    )

    ran = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "['policykit', 'policykit.version']"
