"""Every error regtune raises on purpose, and the exit code each one ends the command with.

    RegtuneError                1  a bug of ours (the only code that asks for a report)
    ├── ConfigError             2  config file, command line or API arguments
    ├── DataError               3  rows, labels, columns, splits
    ├── EnvironmentFault        4  disk, permissions, lock, network, missing model or package
    ├── DivergedError           5  loss or gradient became NaN or infinite
    ├── OutOfMemory             6  the model and batch did not fit
    └── Interrupted       130/143  Ctrl-C or SIGTERM, state saved, resumable

A message says what is wrong, where, what we got and what is allowed, in one line; `hint` is the next thing to do.
Library code raises these; only `regtune.cli` turns them into text and an exit code:

    try:
        run = regtune.train(config)
    except regtune.errors.DataError as error:
        print(error, error.hint)
"""


class RegtuneError(Exception):
    """Base of the tree. hint: one line naming the next step, shown below the message."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(RegtuneError):
    """A config file, override or argument is wrong. problems: one line each, all of them, in file order."""

    exit_code = 2

    def __init__(self, *problems: str, hint: str | None = None) -> None:
        super().__init__("\n".join(problems), hint=hint)
        self.problems = problems


class DataError(RegtuneError):
    """The data cannot be trained on as it is; the message names file, row and column."""

    exit_code = 3


class EnvironmentFault(RegtuneError):
    """The machine, not the config or the data, is in the way."""

    exit_code = 4


class DivergedError(RegtuneError):
    """Loss or gradient norm became non-finite; no optimizer step was made with it."""

    exit_code = 5


class OutOfMemory(RegtuneError):
    """Memory ran out; the last checkpoint is intact."""

    exit_code = 6


class Interrupted(RegtuneError):
    """A signal asked us to stop; state was saved. exit_code is 128 + the signal's number (130 or 143)."""

    def __init__(self, message: str, *, signal_number: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + signal_number
