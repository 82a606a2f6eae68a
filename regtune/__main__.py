"""`python -m regtune` and the `regtune` script."""

import signal
import sys


def main() -> None:
    try:
        from regtune.cli import run_command_line  # inside: Ctrl-C while it loads is no traceback either

        code = run_command_line(sys.argv[1:])
        for late in (signal.SIGINT, signal.SIGTERM):  # the work is done; a late signal must not change how it ended
            signal.signal(late, signal.SIG_IGN)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
