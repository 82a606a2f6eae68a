"""What a config file may at most be. A real one has some 40 values, 3 levels and 2 kB; past these it is no config."""

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_ALIASES = 100
MAX_VALUES = 10_000  # after every alias is written out: 9 nested aliases of 9 would be 387 million
