"""A packed bank is read like what it was made of, leaves nothing behind, and is refused where it is damaged."""

from __future__ import annotations

import lzma
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from ahc.bank import Bank, BankError
from ahc.bank import packed as packed_banks
from ahc.bank.merge import merge_banks
from ahc.bank.recover import recover_bank
from ahc.bank.verify import find_problems
from ahc.record import TrialRecord


@pytest.fixture
def packed(sound: Path, tmp_path: Path) -> Path:
    with Bank(sound, read_only=True) as bank:
        bank.save_copy(tmp_path / "shipped" / "bank.sqlite.xz")
    return tmp_path / "shipped" / "bank.sqlite.xz"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files, which each test must leave empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_packed_bank_reads_as_what_it_was_made_of(
    sound: Path, packed: Path, records: Sequence[TrialRecord], temporary: Path
) -> None:
    assert [path.name for path in packed.parent.iterdir()] == ["bank.sqlite.xz"]
    assert packed.stat().st_size < sound.stat().st_size / 4
    with Bank(packed, read_only=True) as bank, Bank(sound, read_only=True) as other:
        assert not list(temporary.iterdir())  # gone already: no kill can leave it
        assert (bank.path, bank.records(), bank.tasks()) == (packed, list(records), other.tasks())
    assert list(find_problems(packed)) == []
    recovered = recover_bank(packed, packed.with_name("new"))
    assert len(recovered.trials) == len(records) and not list(temporary.iterdir())


def test_a_packed_bank_is_not_written_to(packed: Path, records: Sequence[TrialRecord]) -> None:
    before = packed.read_bytes()
    new = packed.with_name("new.sqlite.XZ")
    ways = {packed: f"`tscnas bank merge {packed} --output {packed.with_suffix('')}`", new: "a name without .xz"}
    for path, way in ways.items():
        with pytest.raises(BankError, match="a packed bank is only read") as caught:
            Bank(path)
        assert way in str(caught.value) and "\n" not in str(caught.value) and not new.exists()
    with Bank(packed, read_only=True) as bank, pytest.raises(BankError, match="readonly"):
        bank.add_all(records)
    assert packed.read_bytes() == before
    merge_banks([packed], packed.with_suffix(""))
    with Bank(packed.with_suffix("")) as bank:
        assert bank.add_all(records) == 0


def test_equal_trials_are_packed_into_equal_bytes(sound: Path, tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(tmp_path / "part") as bank:
        bank.add_all(records[10:30])
    for number, order in enumerate(([sound, tmp_path / "part"], [tmp_path / "part", sound, sound])):
        merge_banks(order, tmp_path / f"{number}.xz")
    assert (tmp_path / "0.xz").read_bytes() == (tmp_path / "1.xz").read_bytes()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda whole: b"", "damaged (it is cut off)"),
        (lambda whole: whole[:20], "damaged (it is cut off)"),
        (lambda whole: whole[:-1], "damaged (it is cut off)"),
        (lambda whole: whole[: len(whole) // 2], "damaged (it is cut off)"),
        (lambda whole: whole + b"x", "damaged (something stands behind its end)"),
        (lambda whole: whole + whole, "damaged (something stands behind its end)"),
        (lambda whole: whole[:500] + bytes(99) + whole[599:], "damaged (Corrupt input data)"),
        (lambda whole: lzma.decompress(whole), "damaged (Input format not supported by decoder)"),
        (
            lambda whole: lzma.compress(b"SQLite format 3\0" + bytes(9000)),
            "the bank is damaged (file is not a database)",
        ),
        (lambda whole: lzma.compress(b""), "bank.sqlite.xz: not a trial bank"),
        (lambda whole: lzma.compress(b"score,task\n" * 99), "bank.sqlite.xz: not a trial bank"),
        (lambda whole: lzma.compress(lzma.decompress(whole)[:-4096]), "the bank is damaged (it is cut off"),
    ],
)
def test_what_is_no_packed_bank_is_one_sentence(packed: Path, change: object, sentence: str, temporary: Path) -> None:
    packed.write_bytes(change(packed.read_bytes()))  # type: ignore[operator]
    with pytest.raises(BankError) as caught:
        Bank(packed, read_only=True)
    said = str(caught.value)
    assert said.startswith(f"{packed}: ") and sentence in said and "\n" not in said and str(temporary) not in said
    assert not list(temporary.iterdir())


def test_a_bomb_is_not_unpacked(packed: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    whole = lzma.decompress(packed.read_bytes())
    monkeypatch.setattr(packed_banks, "MOST_UNPACKED", len(whole))
    Bank(packed, read_only=True).close()
    packed.write_bytes(lzma.compress(whole + bytes(1)))
    with pytest.raises(BankError, match="unpacks to more than"):
        Bank(packed, read_only=True)
    assert not list(temporary.iterdir())


def test_a_full_disk_is_one_sentence(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packed_banks, "_unpack", full)
    with pytest.raises(BankError, match=r"cannot be unpacked into .*\(No space left on device\)"):
        Bank(packed, read_only=True)


def test_a_copy_that_fails_leaves_what_was_there(packed: Path, sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = packed.read_bytes()
    monkeypatch.setattr("ahc.bank.store.pack", fail)
    with Bank(sound, read_only=True) as bank, pytest.raises(OSError, match="No space left"):
        bank.save_copy(packed)
    assert packed.read_bytes() == before and [path.name for path in packed.parent.iterdir()] == ["bank.sqlite.xz"]
