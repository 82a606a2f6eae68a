"""Takes a while to import and says when it begins: what the fork server does with torch."""

import os
import time
from pathlib import Path

with (Path(os.environ["SLOW_IMPORT"]) / "notes.txt").open("a") as file:
    file.write("importing\n")
time.sleep(0.7)
