"""The program: `aad`, or `python -m aad`."""

import signal
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    heeded = signal.getsignal(signal.SIGINT)
    if heeded is signal.default_int_handler:
        # While modules load, and while they are torn down, ^C just ends us: Python would show their insides.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from aad.cli import run_command

    signal.signal(signal.SIGINT, heeded)
    status = run_command(sys.argv[1:])
    if heeded is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(status)


if __name__ == "__main__":
    main()
