"""The program: `aad`, or `python -m aad`."""

import signal
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    # ^C just ends us, until somebody heeds it: a run does, and `aad logs -f`. Python's own way shows the
    # insides of half-loaded modules, and is lost where it strikes inside of a callback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from aad.cli import run_command

    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
