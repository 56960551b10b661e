"""First thing in every interpreter below `policykit run`: guards it, or does not let the program begin.

Runs in whatever interpreter the program starts, old ones too: plain Python, nothing imported at the top
but the standard library's least.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib is slow to import


def _guard():
    """Exits with the error's own code (2 wrong use, 3 policies invalid, 70 our fault) when nothing can be guarded."""
    try:
        import policykit

        on = policykit.install(os.environ.get("POLICYKIT_WORKSPACE") or None, os.environ.get("POLICYKIT_MODE") or None)
        # Interpreters that this one starts elsewhere find the same workspace.
        os.environ["POLICYKIT_WORKSPACE"] = str(on.root)
    except ImportError as error:
        _stop("policykit cannot guard this interpreter (%s): %s" % (sys.executable, error),  # noqa: UP031
              "install `policykit-core` for it, or start the program without `policykit run`", 2)  # fmt: skip
    except Exception as error:
        _stop("policykit cannot guard this program: %s" % error, None, getattr(error, "exit_code", 70))  # noqa: UP031


def _stop(message, help, code):  # noqa: A002
    sys.stderr.write(message + "\n" + ("  help: " + help + "\n" if help else ""))
    sys.stderr.flush()
    os._exit(code)  # an exception here would only be printed, and the program would run unguarded


def _chain():
    """Runs the `sitecustomize` that ours stands before, if there is one."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != _HERE]  # noqa: PTH100
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


try:
    _chain()
finally:
    _guard()
