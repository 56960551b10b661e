"""`policykit run`: programs that never heard of policykit, guarded from their first line, or not begun."""

import os
import signal
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest

from policykit.enforce.run import BOOTSTRAP, guarded, run
from policykit.errors import UsageError
from policykit.testing.double import Double

ROOT = str(Path(__file__).parents[2])

SENDER = """
    import json, sys, urllib.request
    message = {"personalizations": [{"to": [{"email": "nobody@example.org"}]}], "from": {"email": "a@b.example"},
               "subject": "hi", "content": [{"type": "text/plain", "value": "hello"}]}
    request = urllib.request.Request(sys.argv[1] + "/v3/mail/send", json.dumps(message).encode(),
                                     {"Content-Type": "application/json"})
    try:
        print(urllib.request.urlopen(request).status)
    except urllib.error.HTTPError as error:
        print(error.code, "a-grant" in error.read().decode())
"""


@pytest.fixture
def sender(tmp_path: Path) -> str:
    (tmp_path / "legacy.py").write_text(textwrap.dedent(SENDER))
    return str(tmp_path / "legacy.py")


def start(
    workspace: Path | None, *words: str, cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """A program below `policykit run`, to its end."""
    options = ["-w", str(workspace)] if workspace else []
    environment = {**os.environ, "PYTHONPATH": ROOT, **more}
    command = [sys.executable, "-m", "policykit", "run", *options, "--", *words]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


# --- the environment -------------------------------------------------------------------------------


def test_the_bootstrap_goes_first_and_once():
    first = guarded({"PYTHONPATH": f"/a{os.pathsep}/b", "HOME": "/me"}, Path("/w"), "audit")
    again = guarded(first)

    assert first == again == {
        "PYTHONPATH": os.pathsep.join([str(BOOTSTRAP), "/a", "/b"]), "HOME": "/me", "POLICYKIT_WORKSPACE": "/w",
        "POLICYKIT_MODE": "audit",
    }  # fmt: skip


def test_the_workspace_becomes_absolute():
    assert guarded({"POLICYKIT_WORKSPACE": "here"})["POLICYKIT_WORKSPACE"] == str(Path.cwd() / "here")
    assert guarded({}, Path("there"))["POLICYKIT_WORKSPACE"] == str(Path.cwd() / "there")
    assert "POLICYKIT_WORKSPACE" not in guarded({})


@pytest.mark.parametrize(
    ("words", "message"), [([], "no program to run"), (["no-such-program"], "no program `no-such")]
)
def test_a_program_that_is_none_is_said_so(words, message):
    with pytest.raises(UsageError, match=message):
        run(words, dict(os.environ))


def test_a_file_that_is_no_program_is_said_so(tmp_path):
    (tmp_path / "text").write_bytes(b"\x00\x01")
    (tmp_path / "text").chmod(0o755)

    with pytest.raises(UsageError, match="cannot run"):
        run([str(tmp_path / "text")], dict(os.environ))


# --- the program -----------------------------------------------------------------------------------


def test_a_program_that_never_heard_of_policykit_is_guarded(workspace, sender):
    with Double() as double:
        unguarded = subprocess.run([sys.executable, sender, double.url], capture_output=True, text=True, check=True)
        reached = len(double.requests)
        done = start(workspace, sys.executable, sender, double.url)

        assert (unguarded.stdout, reached) == ("202\n", 1)
        assert (done.stdout, done.stderr, done.returncode) == ("403 True\n", "", 0)
        assert len(double.requests) == 1


@pytest.mark.slow
def test_what_the_program_starts_is_guarded_too(workspace, sender, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    parent = f"""
        import multiprocessing, os, subprocess, sys
        os.chdir({str(elsewhere)!r})
        subprocess.run([sys.executable, {sender!r}, sys.argv[1]], check=True)
        subprocess.run(["sh", "-c", sys.executable + " " + {sender!r} + " " + sys.argv[1]], check=True)
    """
    (tmp_path / "parent.py").write_text(textwrap.dedent(parent))

    with Double() as double:
        done = start(None, sys.executable, str(tmp_path / "parent.py"), double.url, cwd=workspace)

        assert (done.stdout, done.stderr, double.requests) == ("403 True\n403 True\n", "", [])


@pytest.mark.slow
def test_the_mode_is_handed_on(workspace, sender):
    with Double() as double:
        done = start(workspace, sys.executable, sender, double.url, POLICYKIT_MODE="audit")

        assert (done.stdout, len(double.requests)) == ("202\n", 1)


@pytest.mark.slow
def test_exit_codes_words_and_input_are_the_programs_own(workspace):
    program = "import sys; print(sys.argv[1:], sys.stdin.read()); sys.exit(37)"
    command = [sys.executable, "-m", "policykit", "run", "-w", str(workspace), "--", sys.executable, "-c", program]

    done = subprocess.run(
        [*command, "--mode", "a b", ""], env={**os.environ, "PYTHONPATH": ROOT}, input="typed", capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (37, "['--mode', 'a b', ''] typed\n")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_program_and_end_as_its_own(workspace, kind):
    program = f"""
        import signal, sys
        def told(number, frame):
            print("told", number, flush=True)
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        signal.signal({int(kind)}, told)
        print("ready", flush=True)
        signal.pause()
    """
    command = [sys.executable, "-m", "policykit", "run", "-w", str(workspace), "--", sys.executable, "-c"]
    with subprocess.Popen(
        [*command, textwrap.dedent(program)], env={**os.environ, "PYTHONPATH": ROOT}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(kind)
        assert process.stdout.readline() == f"told {int(kind)}\n"
        assert process.wait(10) == -kind


# --- fail closed -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "text", "code", "message"),
    [
        ("policykit.yaml", "mode: sometimes\n", 2, "sometimes"),
        ("policies/consent.yaml", "policies:\n  - {id: a-grant, kind: consnet}\n", 3, "consnet"),
    ],
)
def test_a_workspace_that_cannot_be_opened_starts_no_program(workspace, file, text, code, message):
    (workspace / file).write_text(text)

    done = start(workspace, sys.executable, "-c", "print('began')")

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("policykit cannot guard this program: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_no_workspace_starts_no_program(tmp_path):
    done = start(tmp_path / "nowhere", sys.executable, "-c", "print('began')")

    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere" in done.stderr


@pytest.mark.slow
def test_an_interpreter_without_policykit_does_not_begin(workspace, tmp_path):
    venv.create(tmp_path / "bare", symlinks=True)
    bare = tmp_path / "bare" / "bin" / "python"
    environment = guarded({key: value for key, value in os.environ.items() if key != "PYTHONPATH"}, workspace)

    done = subprocess.run([bare, "-c", "print('began')"], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"policykit cannot guard this interpreter ({bare})")
    assert "help: install `policykit-core`" in done.stderr


# --- beside others ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_another_sitecustomize_still_runs(workspace, tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "sitecustomize.py").write_text("import builtins\nbuiltins.theirs = __file__\n")
    environment = guarded({**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "theirs"), ROOT])}, workspace)
    program = "import sys, sitecustomize; print(theirs == sitecustomize.__file__, 'bootstrap' in str(sys.path))"

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("True False\n", "")


@pytest.mark.slow
def test_a_sitecustomize_that_fails_is_told_as_ever_and_the_program_is_guarded(workspace, sender, tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "sitecustomize.py").write_text("raise ValueError('theirs')\n")
    environment = guarded({**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "theirs"), ROOT])}, workspace)

    with Double() as double:
        done = subprocess.run(
            [sys.executable, sender, double.url], env=environment, capture_output=True, text=True, check=True
        )

        assert (done.stdout, double.requests) == ("403 True\n", [])
        assert "ValueError: theirs" in done.stderr
