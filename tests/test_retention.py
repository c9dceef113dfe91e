"""What is held is forgotten: on request, when idle, after leaving, at exit, and what a killed process left."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from medvlm.page.retention import Emptying, Place, claim, elsewhere, is_in_memory, receipt, sweep
from medvlm.page.session import Session
from medvlm.paths import ROOT
from tests.dicom_cases import named


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = claim(no_disk=False, memory=tmp_path / "none", disk=tmp_path)
    yield made
    made.release()


def test_a_folder_is_private_and_gone_after_release(tmp_path: Path) -> None:
    place = claim(no_disk=False, memory=tmp_path / "none", disk=tmp_path)
    assert place.folder.parent == tmp_path and place.folder.stat().st_mode & 0o777 == 0o700
    (place.folder / "gradio").mkdir()
    (place.folder / "gradio" / "upload.dcm").write_bytes(named())
    place.release()
    place.release()
    assert list(tmp_path.iterdir()) == []


def test_emptying_keeps_the_folder_and_its_lock(place: Place) -> None:
    (place.folder / "a").write_text("x")
    (place.folder / "b").mkdir()
    assert place.empty() == 2 and place.empty() == 0
    assert [entry.name for entry in place.folder.iterdir()] == ["lock"]


def test_memory_is_preferred_where_there_is_some(tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not is_in_memory(shared) or not os.access(shared, os.W_OK):
        pytest.skip("this system has no /dev/shm in memory")
    place = claim(no_disk=True, disk=tmp_path)
    try:
        assert place.in_memory and place.folder.parent == shared
    finally:
        place.release()


def test_without_memory_the_folder_lies_on_the_disk_and_says_so(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n")
    assert is_in_memory(Path("/run/x"), mounts) and not is_in_memory(Path("/home"), mounts)
    assert not is_in_memory(Path("/run"), tmp_path / "no mounts here")


def test_what_a_killed_process_left_is_deleted_at_the_next_start_and_what_lives_is_not(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from medvlm.page.retention import claim\n"
        f"place = claim(False, Path('none'), Path({str(tmp_path)!r}))\n"
        "(place.folder / 'upload.dcm').write_bytes(b'SECRET')\nprint(place.folder, flush=True)\ntime.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert sweep(tmp_path) == 0 and (folder / "upload.dcm").exists(), "its owner lives"
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    assert (folder / "upload.dcm").exists(), "a kill leaves it"
    place = claim(no_disk=False, memory=tmp_path / "none", disk=tmp_path)
    assert not folder.exists() and place.folder.exists()
    place.release()


def test_links_and_other_folders_are_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.mkdir()
    (tmp_path / f"medvlm-{os.getuid()}-link").symlink_to(outside)
    (tmp_path / "medvlm-models").mkdir()
    assert sweep(tmp_path) == 0 and outside.exists() and (tmp_path / "medvlm-models").exists()


def test_settling_moves_the_temporary_files_of_libraries_and_forbids_core_dumps(tmp_path: Path) -> None:
    code = (
        "import resource, tempfile; from pathlib import Path; from medvlm.page.retention import claim, settle\n"
        f"place = claim(False, Path('none'), Path({str(tmp_path)!r})); settle(place)\n"
        "from gradio.utils import get_upload_folder\n"
        "assert Path(get_upload_folder()) == place.folder, get_upload_folder()\n"
        "assert Path(tempfile.mkdtemp()).parent == place.folder\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0\nplace.release()\n"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert process.returncode == 0, process.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_on_a_disk_is_empty_after_each_request(place: Place) -> None:
    seen: list[int] = []

    async def app(scope: object, receive: object, send: object) -> None:
        Path(tempfile.mkstemp(dir=place.folder)[1]).write_bytes(named())
        seen.append(len(list(place.folder.iterdir())))
        raise RuntimeError("a handler that fails")

    async def nothing(*_: object) -> dict[str, object]:
        return {}

    door = Emptying(app, place)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError):
        asyncio.run(door({"type": "http", "path": "/gradio_api/upload"}, nothing, nothing))  # type: ignore[arg-type]
    assert seen == [2] and [one.name for one in place.folder.iterdir()] == ["lock"]


def test_the_receipt_says_what_where_and_until_when_and_names_nobody() -> None:
    from medvlm.imaging import read

    session = Session().with_scan(read(named(), "SECRETNAME.dcm")).asked("Is it normal?", None)
    lines = receipt(session, None, 30)
    said = " ".join(f"{one.what} {one.where} {one.until}" for one in lines)
    assert "1 scan" in said and "1 question" in said and "30 minutes" in said and "SECRET" not in said.upper()
    assert not any("scan" in one.what for one in receipt(Session(), None, 60))


def test_a_server_that_answers_stands_in_the_receipt_by_its_name_alone() -> None:
    line = elsewhere("https://someone:secret@models.example:8000/v1")
    assert "models.example" in line.where and "pictures" in line.what
    assert "secret" not in str(line) and "someone" not in str(line)


def test_the_receipt_tells_a_folder_in_memory_from_one_on_a_disk(tmp_path: Path) -> None:
    places = (Place(tmp_path, True), Place(tmp_path, False), Place(tmp_path, False, no_disk=False))
    memory, emptied, disk = (repr(receipt(Session(), place, 60)) for place in places)
    assert "no disk" in memory and "machine's disk" in emptied and "machine's disk" in disk
    assert "each request" in emptied and "MedVLM ends" in disk and "MedVLM ends" in memory
