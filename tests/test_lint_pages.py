"""Every code has a page whose bad example is told by `check`, and whose good one is not; answers silence it."""

from __future__ import annotations

import pytest

from policykit.assemble import check as checking
from policykit.errors import UsageError
from policykit.lint import PAGES, page_text

SHOWN = [page for page in PAGES.values() if page.bad]
AT = 1_772_449_200_000_000  # 2026-03-02 11:00 UTC


def _codes(root, code: str) -> list[str]:
    campaign = "spring" if code == "lint.consent-source" else None
    return [problem.code for problem in checking.check(root, campaign, at=AT)]


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.code)
def test_the_bad_example_is_told(page, workspace):
    assert page.code in _codes(workspace(dict(page.bad)), page.code)


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.code)
def test_the_good_example_is_not_told_at_all(page, workspace):
    assert _codes(workspace(dict(page.good)), page.code) == []


@pytest.mark.parametrize("page", [page for page in SHOWN if page.can_be_silenced], ids=lambda page: page.code)
def test_an_answer_in_policykit_yaml_silences_it(page, workspace):
    config = page.bad.get("policykit.yaml", "mode: enforce\npolicies: [policies/]\n")

    root = workspace({**page.bad, "policykit.yaml": f"{config}lint: {{silence: {{{page.code}: as it should be}}}}\n"})

    assert page.code not in _codes(root, page.code)
    assert "lint.needless-silence" not in _codes(root, page.code)


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.code)
def test_a_page_says_why_and_how_to_silence(page):
    text = page_text(page)

    assert text.startswith(f"# `{page.code}`\n")
    assert page.why in text
    assert "silence" in text


def test_explain_prints_the_page_with_or_without_its_family(policykit):
    whole, short = policykit("check", "--explain", "lint.shadowed"), policykit("check", "--explain", "shadowed")

    assert (whole.code, whole.out) == (0, page_text(PAGES["lint.shadowed"]))
    assert short.out == whole.out


def test_a_code_without_a_page_is_wrong_use():
    with pytest.raises(UsageError, match=r"there is no page of a code `lint.shadwed`; did you mean `lint.shadowed`\?"):
        checking.explained("lint.shadwed")


def test_an_answer_at_a_policy_is_about_that_policy_alone(workspace):
    """Two caps of 0 for two channels, one of them answered."""
    cap = (
        "  - {{id: {0}, kind: frequency, for: {{channel: {0}}}, require: {{at_most: 0, per: 1 day}},\n"
        "     on_breach: block{1}}}\n"
    )
    answered = ", silence: {lint.cap-of-zero: nobody may}"

    root = workspace({"policies/p.yaml": "policies:\n" + cap.format("email", answered) + cap.format("push", "")})

    assert [(problem.place.line, problem.code) for problem in checking.check(root)] == [(4, "lint.cap-of-zero")]


def test_an_answer_at_a_campaign_is_about_that_campaign(workspace):
    page = PAGES["lint.transactional-sells"]
    text = page.bad["campaigns/receipt.yaml"]

    root = workspace({"campaigns/receipt.yaml": text + "silence: {lint.transactional-sells: the law says so}\n",
                      "campaigns/other.yaml": text.replace("campaign: receipt", "campaign: other")})  # fmt: skip

    assert [(problem.place.file, problem.code) for problem in checking.check(root)] == [
        ("campaigns/other.yaml", page.code)
    ]  # fmt: skip


def test_errors_cannot_be_silenced(workspace):
    root = workspace({
        "policykit.yaml": "mode: enforce\nlint: {silence: {shape.unknown-key: why not}}\n",
        "policies/p.yaml": "policies:\n  - {id: p, knd: rule, forbid: recipient.age < 21, on_breach: block}\n",
    })  # fmt: skip

    assert "shape.unknown-key" in [problem.code for problem in checking.check(root)]


def test_a_channel_without_addresses_in_the_data_is_told_with_the_campaign(workspace):
    page = PAGES["lint.fallback"]
    root = workspace(dict(page.good))  # push before email, and addresses for email alone

    said = [each.message for each in checking.check(root, "news") if each.code == page.code]
    (root / "campaigns/news.yaml").write_text(
        page.bad["campaigns/news.yaml"].replace("fcm, title: News", "fcm, title: None")
    )

    assert said == []
    told = [each.message for each in checking.check(root, "news") if each.code == page.code]
    assert "`news` can never fall back to `push`: its data has no address there" in told
