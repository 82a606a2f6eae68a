"""`python -m regtune` and the `regtune` script."""

import signal
import sys


def main() -> None:
    try:
        from regtune.cli import run_command_line  # inside: Ctrl-C while it loads is no traceback either

        code = run_command_line(sys.argv[1:])
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the work is done; a late Ctrl-C must not change how it ended
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
