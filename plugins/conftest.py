"""Plugins of this folder are tested as they stand, installed or not."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in sorted(Path(__file__).parent.glob("policykit-*"))]
