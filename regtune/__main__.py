"""`python -m regtune` and the `regtune` script."""

import sys

from regtune.cli import run_command_line


def main() -> None:
    sys.exit(run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
