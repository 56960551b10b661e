from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from policykit.cli import border, main
from policykit.cli.group import COMMANDS, commands
from policykit.errors import EnginesDisagree


@pytest.fixture
def failing(monkeypatch, tmp_path):
    """Puts a command `facts` in place that raises what it is given; the report file goes to tmp_path."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def with_error(error: BaseException) -> None:
        def fail(send: str | None) -> None:
            raise error

        broken = click.Command("facts", callback=fail, params=[click.Option(["--send"])])
        monkeypatch.setattr(type(commands), "get_command", lambda *_: broken)

    return with_error


def test_version_is_answered_alone(policykit):
    assert policykit("--version").out == "policykit 0.1.0\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches_with_an_example(policykit, name):
    ran = policykit(name, "--help")

    assert ran.code == 0
    assert f"Examples:\n  policykit {name}" in ran.out


def test_help_names_every_exit_code(policykit):
    ran = policykit("--help")

    assert all(f"{code} " in ran.out.replace("\n", " ") for code in (0, 1, 2, 3, 4, 70, 130, 141))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "no such command `chek`; did you mean `check`?\n  help: `policykit --help` shows how it is used\n"),
        (
            ["packs", "ad"],
            "no such command `ad`; did you mean `add`?\n  help: `policykit packs --help` shows how it is used\n",
        ),
        (["kinds", "--jsn"], "`policykit kinds` has no option `--jsn`; did you mean `--json`?\n"),
        (["init"], "missing argument `DIR`\n  help: `policykit init --help` shows how it is used\n"),
    ],
)
def test_wrong_use_is_told_with_a_way_out(policykit, words, said):
    ran = policykit(*words)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(said)


@pytest.mark.parametrize("words", [[], ["packs"], ["decisions"]])
def test_a_command_alone_shows_its_help_as_it_is(policykit, words):
    bare, asked = policykit(*words), policykit(*words, "--help")

    assert (bare.code, bare.out, bare.err) == (2, "", asked.out)


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS), ["feedback", "ingest"], ["decisions", "export"]])
def test_help_fits_a_terminal_of_eighty_columns(policykit, words):
    ran = policykit(*words, "--help", columns=80)

    code = '  {"headers": '  # a line of a file, as it is written
    assert [line for line in ran.out.splitlines() if len(line) > 80 and not line.startswith(code)] == []
    assert "..." not in ran.out.partition("Commands:")[2].partition("\n\n")[0]


def test_a_fault_of_ours_is_one_line_and_a_file_without_data(policykit, failing, tmp_path):
    failing(ValueError("anna@example.com"))

    ran = policykit("facts", "--send=anna@example.com")

    (report,) = tmp_path.glob("policykit-*.txt")
    text = report.read_text()
    assert ran.code == 70
    assert ran.err == (
        "policykit failed (ValueError); this is our fault, not yours\n"
        f"  help: please report it to the maintainers with the file `{report}`; it holds no data of yours\n"
    )
    assert "command: policykit facts --send\nValueError\n" in text
    assert "anna" not in text
    assert str(Path.home()) not in text


def test_engines_that_disagree_are_our_fault(policykit, failing):
    failing(EnginesDisagree("the reference says block, the data base allow, for person 3f9c2a81d0e4"))

    ran = policykit("facts")

    assert ran.code == 70
    assert "the reference says block" in ran.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (FileNotFoundError(2, "No such file or directory", "people.csv"), 2, "cannot use `people.csv`: no such file"),
        (PermissionError(13, "Permission denied", "out.parquet"), 2, "cannot use `out.parquet`: permission denied"),
    ],
)
def test_what_the_machine_or_the_user_says_is_no_fault(policykit, failing, error, code, said):
    failing(error)

    ran = policykit("facts")

    assert ran.code == code
    assert ran.err.startswith(said)


@pytest.mark.parametrize(
    "words",
    [
        ["facts"],
        pytest.param(["dry-run", "spring"], marks=pytest.mark.slow),
        pytest.param(["dry-run", "spring", "--json"], marks=pytest.mark.slow),
    ],
)
def test_a_reader_that_leaves_ends_the_command_quietly(workspace, words):
    root = workspace({})
    read, write = os.pipe()
    os.close(read)

    ran = subprocess.run(
        [sys.executable, "-m", "policykit", *words, "--workspace", str(root)],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)

    assert (ran.returncode, ran.stderr) == (border.PIPE, b"")


@pytest.mark.parametrize(
    "words",
    [["dry-run", "spring"], pytest.param(["dry-run", "spring", "--json"], marks=pytest.mark.slow)],
)
def test_a_terminal_without_unicode_is_no_reason_to_stop(workspace, words):
    root = workspace({})

    ran = subprocess.run(
        [sys.executable, "-m", "policykit", *words, "--workspace", str(root)],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.isascii()
    assert "--json" not in words or json.loads(ran.stdout)["audience"] == 3


def _open_for_writing(pipe: Path, reader: subprocess.Popen[str]) -> int:
    """Opens a named pipe as soon as the process reads from it."""
    for _ in range(600):
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            with contextlib.suppress(subprocess.TimeoutExpired):
                reader.wait(0.1)
    raise AssertionError(f"nobody reads: {reader.communicate()}")


def _heed_interrupts() -> None:
    """What is started in the background inherits that interrupts are ignored, tests among it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_is_quiet(workspace, tmp_path):
    pipe = tmp_path / "send.yaml"
    os.mkfifo(pipe)
    words = ["explain", "--send", str(pipe), "--workspace", str(workspace({}))]

    with subprocess.Popen(
        [sys.executable, "-m", "policykit", *words], stderr=subprocess.PIPE, text=True, preexec_fn=_heed_interrupts
    ) as running:
        handle = _open_for_writing(pipe, running)  # the command now waits for what never comes
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1]
        os.close(handle)

    assert (running.returncode, said) == (130, "interrupted\n")


def test_importing_the_command_imports_nothing_heavy():
    code = (
        "import sys, policykit.cli.main; print(sorted(m for m in sys.modules if m.startswith(('policykit', 'click'))))"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "['policykit', 'policykit.cli', 'policykit.cli.main', 'policykit.version']"
    assert main.__file__
