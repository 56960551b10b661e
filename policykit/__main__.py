"""`python -m policykit` is the command `policykit`."""

import sys

from policykit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
