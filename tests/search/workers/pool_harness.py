"""A pool with two workers as a command of its own, for tests that signal or kill whole processes.

Usage: pool_harness.py FOLDER WHAT-WORKERS-DO [MODULE-TO-PRELOAD]. Like the scripts of many users it has no
`if __name__ == "__main__"`: workers must not run it again.
"""

import sys
from pathlib import Path

from regtune.errors import RegtuneError
from regtune.search.workers.pool import Pool
from tests.search.workers.fake_work import FakePlace, work

folder, does, *preload = sys.argv[1:]
places = [FakePlace(Path(folder), does=(does,), slot=slot) for slot in range(2)]
try:
    Pool(places, work=work, on_tick=lambda: None, on_death=lambda pid: False, preload=preload).run()
except RegtuneError as error:
    sys.exit(error.exit_code)
