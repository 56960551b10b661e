"""Pseudonyms: how reports call people, alike in every report of a workspace and meaningless outside it.

A pseudonym is a keyed hash of the person's id. The key lies in `.policykit/key` of the workspace,
is made on first use and readable by its owner alone; who has it can tell which id a pseudonym is.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from policykit.errors import UsageError

FORM = re.compile(r"[0-9a-f]{12}")
_KEY_BYTES = 32


def pseudonyms(root: Path) -> Callable[[str], str]:
    """From a person's id to the pseudonym, 12 hexadecimal digits."""
    key = _key(root / ".policykit")

    def pseudonym(person: str) -> str:
        return blake2b(person.encode(), key=key, digest_size=6).hexdigest()

    return pseudonym


def key_file(root: Path) -> Path:
    """Where the key of a workspace lies."""
    return root / ".policykit" / "key"


def _key(folder: Path) -> bytes:
    """The workspace's key; in a workspace that cannot be written, one for this run only."""
    path = folder / "key"
    if path.exists():
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise UsageError(f"`{path}` is not a key of policykit", "remove it; then earlier pseudonyms are lost")
        return key
    key = secrets.token_bytes(_KEY_BYTES)
    try:
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        handle, name = tempfile.mkstemp(prefix="key.", dir=folder)  # its owner alone may read it
    except OSError:
        return key
    with os.fdopen(handle, "wb") as file:
        file.write(key)
    _put(Path(name), path)
    return _key(folder)


def _put(made: Path, path: Path) -> None:
    """Put a whole key in its place, unless another process was faster: workers start together."""
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without links: of two that come at once the later one stays
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
