"""Every class of bad input: a message at its place, the documented exit code, no traceback, nothing half written."""

from __future__ import annotations

import pytest

HOURS = """\
policies:
  - id: p
    kind: quiet_hours
    on_breach: block
    require: {local_time: [{from: "08:00", to: "21:00"}], zone: Europe/Pariss}
"""
POLICY = "policies:\n  - id: p\n    kind: rule\n    on_breach: block\n    forbid: {}\n"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("policies/p.yaml", "policies:\n  - id: p\n   kind: rule\n", "policies/p.yaml:3:4: "),
        ("policies/p.yaml", POLICY.format("'purpose' in consent.refused_for"), "quote this expression"),
        ("policies/p.yaml", POLICY.format("recipient.age <"), "policies/p.yaml:5:"),
        ("policies/p.yaml", POLICY.format("recipient.age == 'x'"), "policies/p.yaml:5:"),
        ("policies/p.yaml", POLICY.format("recipient.aeg < 18"), "did you mean `recipient.age`?"),
        ("policies/p.yaml", POLICY.format("true") + "    becuase: x\n", "policies/p.yaml:6:5: unknown key `becuase`"),
        ("policies/p.yaml", "policies: 7\n", "policies/p.yaml:1:11: `policies` is"),
        (
            "policies/p.yaml",
            POLICY.format("true").replace("id: p", "id: adults-only"),
            "duplicate policy `adults-only`",
        ),
        ("policies/p.yaml", "policies:\n  - id: p\n    id: q\n", "policies/p.yaml:3:5: "),
        ("policies/p.yaml", "policies:\n  - id: " + "x" * 1_000_000 + "\n", "policies/p.yaml:2"),
        ("policies/p.yaml", b"policies:\n  - id: \xff\n", "policies/p.yaml:2:9: byte 0xff is not UTF-8"),
        (
            "policies/p.yaml",
            "attributes:\n  - {id: a, origin: inferred, inferred_from: [a]}\n",
            "is inferred from itself",
        ),
        (
            "policies/p.yaml",
            "attributes:\n  - {id: a, origin: provided, collected_for: [marketing.comunications]}\n",
            "policies/p.yaml:2:47: unknown purpose `marketing.comunications`; did you mean",
        ),
        (
            "policies/p.yaml",
            HOURS,
            "policies/p.yaml:5:65: ",
        ),
        ("campaigns/c.yaml", "campaign: c\nchannels: {email: {html: none.html}}\n", "campaigns/c.yaml:2:26: "),
        (
            "campaigns/c.yaml",
            'campaign: c\nsend: {at: "2026-03-02T10:00"}\nchannels: {email: {body: x}}\n',
            "campaigns/c.yaml:2:12: `send.at` has no offset",
        ),
        ("campaigns/c.yaml", "campaign: spring\nchannels: {email: {body: x}}\n", "duplicate campaign `spring`"),
        (
            "policies/p.cases.yaml",
            "cases:\n  - {case: x, policy: adults-onyl, expect: {met: true}}\n",
            "policies/p.cases.yaml:2:23: unknown policy `adults-onyl`; did you mean `adults-only`?",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "test"])
def test_what_is_wrong_in_files_is_told_at_its_place(policykit, workspace, command, file, content, said):
    root = workspace({file: content})

    ran = policykit(command, "--workspace", str(root))

    told = ran.out if command == "check" else ran.err
    assert ran.code == 3, told
    assert said in told
    assert "Traceback" not in told
    assert max(map(len, told.splitlines())) < 1000
    assert command == "check" or ran.out == ""


def test_a_wrong_configuration_is_wrong_use(policykit, workspace):
    root = workspace({"policykit.yaml": "mode: maybe\n"})

    ran = policykit("test", "--workspace", str(root))

    assert (ran.code, ran.out) == (2, "")
    assert "policykit.yaml:1:7: unknown mode `maybe`" in ran.err


@pytest.mark.parametrize("command", ["check", "test", "facts", "schema"])
def test_a_folder_that_is_no_workspace_is_wrong_use(policykit, tmp_path, command):
    ran = policykit(command, "--workspace", str(tmp_path / "none"))

    assert (ran.code, ran.out) == (2, "")
    assert "has no `policykit.yaml`\n  help: `policykit init DIR` makes one" in ran.err


def test_no_workspace_upwards_is_wrong_use(policykit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    ran = policykit("check")

    assert ran.code == 2
    assert "or any folder above it" in ran.err


def test_a_case_never_depends_on_today(policykit, workspace):
    root = workspace(
        {"policies/adults.cases.yaml": "cases:\n  - {case: x, policy: adults-only, expect: {met: true}}\n"}
    )

    ran = policykit("test", "--workspace", str(root))

    assert ran.code == 3
    assert "case `x` does not say when it is judged\n  help: begin the file with" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "standard input:1:1: this file is empty"),
        (b"send: [", "standard input:"),
        (b"[1]", "no mapping"),
        (b"\xff\xfe", "not UTF-8"),
        (b"send: {chanel: push}", "unknown key `chanel` in `given.send`; did you mean `channel`?"),
        (b"now: 2026-03-02T10:00\nsend: {channel: push}", "has no offset"),
        (b"send: {channel: push, message_class: transactional, purpose: marketing}", "contradicts the purpose"),
    ],
)
def test_a_bad_hand_written_send_is_wrong_use(policykit, workspace, text, said):
    ran = policykit("explain", "--send", "-", "--workspace", str(workspace({})), stdin=text)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_missing_send_file_is_wrong_use(policykit, workspace):
    ran = policykit("explain", "--send", "none.yaml", "--workspace", str(workspace({})))

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("cannot use `none.yaml`: no such file or directory\n  help: ")


def test_init_never_writes_over_anything(policykit, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    ran = policykit("init", str(tmp_path))

    assert ran.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
