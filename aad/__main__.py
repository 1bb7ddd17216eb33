"""The program: `aad`, or `python -m aad`."""

import gc
import sys

from aad.cli import run_command

# Objects between two collections. Start-up makes tens of thousands that stay; looking for garbage among them
# every 700 objects takes a tenth of the time of `--help` and more of a large plan.
GC_THRESHOLD = 50_000


def main() -> None:
    """Run the command line and exit with its status."""
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
