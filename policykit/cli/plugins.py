from __future__ import annotations

import click

from policykit.assemble import reference
from policykit.cli.options import Taught, json_option, print_json

_EXAMPLES = """\
  policykit plugins                what each plugin adds, and which could not be loaded"""


@click.command(cls=Taught, examples=_EXAMPLES)
@json_option
def plugins(as_json: bool) -> None:
    """List what is plugged in: where it comes from, what it adds, and what failed to load."""
    found = reference.plugins()
    if as_json:
        print_json(found)
        return
    for plugin in found:
        click.echo(f"{plugin['name']} ({plugin['distribution']} {plugin['version']})")
        for word in ("kinds", "facts", "stores", "guards", "packs", "receivers"):
            if plugin[word]:
                click.echo(f"  {word}: {', '.join(plugin[word])}")
        for adapter in plugin["adapters"]:
            can = f"; can {', '.join(adapter['capabilities'])}" if adapter["capabilities"] else "; reads only"
            click.echo(f"  adapter of {adapter['provider']}: {', '.join(adapter['channels'])}{can}")
        if plugin["observes"]:
            click.echo("  is told of every decision")
        if plugin["error"]:
            click.echo(f"  could not be used: {plugin['error']}")
