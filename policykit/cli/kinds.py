from __future__ import annotations

from difflib import get_close_matches

import click

from policykit.assemble import reference
from policykit.cli.options import Taught, json_option, listing, print_json, terminal_width
from policykit.errors import UsageError

_EXAMPLES = """\
  policykit kinds                  the families of policies there are
  policykit kinds quiet_hours      one of them, with a policy that works
  policykit kinds waivers          how a policy is set aside for a while; also: overlays, responses"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("kind", required=False)
@json_option
def kinds(kind: str | None, as_json: bool) -> None:
    """List the kinds of policies, or show the page of one, or of what stands beside them."""
    known, pages = reference.kinds(), reference.PAGES
    if kind is not None and kind in pages and kind not in known:
        if as_json:
            print_json([{"name": kind, "page": pages[kind]}])
        else:
            click.echo(pages[kind].strip())
        return
    if kind is not None and kind not in known:
        near = get_close_matches(kind, (*known, *pages), n=1)
        guess = f"; did you mean `{near[0]}`?" if near else ""
        raise UsageError(f"there is no kind `{kind}`{guess}", "`policykit kinds` lists them")
    chosen = [known[kind]] if kind else [known[name] for name in sorted(known)]
    if as_json:
        print_json([
            {"name": k.name, "demands": sorted(k.schemas), "changes": sorted(k.parts), "page": k.page} for k in chosen
        ])  # fmt: skip
    elif kind:
        click.echo(chosen[0].page.strip())
    else:
        width = max(len(k.name) for k in chosen)
        click.echo(listing(((k.name, reference.first_sentence(k.page)) for k in chosen), terminal_width()))
        click.echo("\nbeside the kinds:")
        beside = ((f"{name:<{width}}", reference.first_sentence(page)) for name, page in pages.items())
        click.echo(listing(beside, terminal_width()))
