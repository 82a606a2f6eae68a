"""Reading a config starts fast: no torch behind it."""

import subprocess
import sys


def test_importing_config_imports_no_torch():
    code = "import sys, regtune.config; print('torch' in sys.modules, 'transformers' in sys.modules)"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.split() == ["False", "False"]
