"""Damage files at random and read them: no crash, no hang, no more memory than a film may take, and only sentences.

By hand, for as long as wanted, with real files as seeds, keeping what goes wrong::

    python tests/imaging/fuzz_reader.py --minutes 10 --data FOLDER --keep FOUND

The mutations know how a DICOM file is built: they go for tags, VRs, lengths and the sizes a header states, and put pieces
of one file into another. A seed gives the same inputs in the same order.
"""

from __future__ import annotations

import argparse
import collections
import random
import re
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import imagecodecs
import numpy as np
import PIL.Image
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

from viewer.errors import ViewerError
from viewer.imaging.grayscale import to_display
from viewer.imaging.opening import open_paths
from viewer.imaging.reader import headers, read_file

LONGEST_S = 10
MOST_MEMORY = 2**31
LARGEST_SEED = 200_000
LONGEST_SENTENCE = 700


class Hang(BaseException):
    """Raised by the alarm in the middle of what takes too long; nothing may swallow it."""


# ------------------------------------------------------------------------------------------------------------- seeds


def synthetic_seeds() -> list[bytes]:
    """Make one small film in each family of transfer syntaxes, a colour one, one with tables, and some pictures."""
    grey = (np.add.outer(np.arange(24), np.arange(20)) * 40).astype(np.uint16)
    small = (grey >> 4).astype(np.uint8)
    frames = {
        "1.2.840.10008.1.2.1": grey.tobytes(),
        "1.2.840.10008.1.2.4.50": imagecodecs.jpeg8_encode(small),
        "1.2.840.10008.1.2.4.70": imagecodecs.ljpeg_encode(grey, bitspersample=16),
        "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_encode(grey),
        "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_encode(grey, codecformat="j2k", reversible=True),
        "1.2.840.10008.1.2.4.201": imagecodecs.jpegxl_encode(grey, lossless=True),
    }
    films = [film(syntax, small if syntax.endswith(".50") else grey, data) for syntax, data in frames.items()]
    # pydicom writes no syntax that it does not know, so JPEG XL is written under another name.
    films[-1] = films[-1].replace(b"1.2.840.10008.1.2.4.201", b"1.2.840.10008.1.2.4.110")
    films.append(film("1.2.840.10008.1.2.5", grey, rle_frame(grey)))
    return films + [picture(small, kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP")] + [picture(grey, "TIFF")]


def film(syntax: str, pixels: np.ndarray, frame: bytes) -> bytes:
    """Return a DICOM file with a table, two windows and a nested sequence."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    bits = pixels.dtype.itemsize * 8
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 0, 12], list(range(256))
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    for keyword, value in {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "SOPInstanceUID": generate_uid(), "Modality": "CR",
        "PatientName": "Doe^Jane", "PatientAge": "044Y", "Rows": pixels.shape[0], "Columns": pixels.shape[1],
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": bits, "BitsStored": bits,
        "HighBit": bits - 1, "PixelRepresentation": 0, "WindowCenter": [400, 600], "WindowWidth": [800, 300],
        "RescaleSlope": "1.5", "RescaleIntercept": "-1024", "NumberOfFrames": 1, "PixelSpacing": [0.2, 0.2],
        "PixelPaddingValue": 0, "VOILUTSequence": [table], "ModalityLUTSequence": [table], "SpecificCharacterSet": "ISO_IR 100",
        "PixelData": encapsulate([frame]) if syntax != "1.2.840.10008.1.2.1" else frame,
    }.items():  # fmt: skip
        setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW"
    stream = BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def rle_frame(pixels: np.ndarray) -> bytes:
    """Return a 16-bit frame in two RLE segments, the high bytes first."""
    high, low = (imagecodecs.packbits_encode(part.astype(np.uint8).tobytes()) for part in (pixels >> 8, pixels & 255))
    return struct.pack("<16I", 2, 64, 64 + len(high), *[0] * 13) + high + low


def picture(pixels: np.ndarray, kind: str) -> bytes:
    """Return a picture that says it is to be turned."""
    exif = PIL.Image.Exif()
    exif[274] = 6
    stream = BytesIO()
    PIL.Image.fromarray(pixels).save(stream, kind, exif=exif)
    return stream.getvalue()


def seeds_of(folder: Path) -> list[bytes]:
    """Return the small files of a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and 0 < path.stat().st_size <= LARGEST_SEED)
    return [path.read_bytes() for path in files]


# --------------------------------------------------------------------------------------------------------- mutations

_ELEMENT = re.compile(rb"[\x00-\xff]{4}(?:AE|AS|AT|CS|DA|DS|DT|FL|FD|IS|LO|LT|OB|OW|PN|SH|SL|SQ|SS|ST|TM|UI|UL|UN|US|UT)", re.S)
_VRS = [b"AE", b"AT", b"CS", b"DS", b"FD", b"IS", b"OB", b"OW", b"PN", b"SQ", b"SS", b"UI", b"UN", b"US", b"UT", b"ZZ", b"\0\0"]
_SIZES = [
    0x00280002, 0x00280008, 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280006,
    0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00283002, 0x00283006, 0x00280120, 0x00280004, 0x00020010,
]  # fmt: skip
_NUMBERS = [
    0, 1, 2, 3, 7, 8, 16, 127, 255, 256, 1000, 32767, 32768, 46341, 65534, 65535,
    2**24, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1,
]  # fmt: skip
_TEXTS = [
    b"", b"-1", b"0", b"1e308", b"-1e-308", b"nan", b"inf", b"9" * 15, b"\\" * 12, b"99999\\1", b"SIGMOID", b"PALETTE COLOR",
    b"RGB", b"MONOCHROME1", b"YBR_FULL_422", b"1.2.840.10008.1.2.5", b"1.2.840.10008.1.2.4.91", b"\x1b$B\x1b(B", b"\xff\xfe",
]  # fmt: skip


class Mutator:
    """Damages files; the same seed gives the same damage."""

    def __init__(self, seed: int, seeds: list[bytes]) -> None:
        self.dice = random.Random(seed)
        self.seeds = seeds
        self._ways: list[Callable[[bytearray], None]] = [
            self._flip, self._flip, self._flip_in_front, self._length, self._length, self._vr, self._tag, self._size,
            self._size, self._size, self._text, self._cut, self._splice, self._repeat, self._remove, self._number,
        ]  # fmt: skip

    def next(self) -> bytes:
        """Return a file with one to five damages."""
        data = bytearray(self.dice.choice(self.seeds))
        for _ in range(self.dice.choice((1, 1, 2, 3, 5))):
            if data:
                self.dice.choice(self._ways)(data)
        return bytes(data)

    def _place(self, data: bytearray) -> int:
        return self.dice.randrange(len(data))

    def _element(self, data: bytearray) -> int:
        """Return where some element begins, or anywhere in a file that is not DICOM or has no VRs."""
        found = [match.start() for match in _ELEMENT.finditer(bytes(data[:100_000]))]
        return self.dice.choice(found) if found else self._place(data)

    def _flip(self, data: bytearray) -> None:
        for _ in range(self.dice.choice((1, 2, 8, 64))):
            data[self._place(data)] ^= 1 << self.dice.randrange(8)

    def _flip_in_front(self, data: bytearray) -> None:
        for _ in range(self.dice.choice((1, 4, 16))):
            data[self.dice.randrange(min(len(data), 2048))] = self.dice.randrange(256)

    def _length(self, data: bytearray) -> None:
        at, value = self._element(data), self.dice.choice(_NUMBERS)
        code = "<I" if data[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT") else "<H"
        start = at + (8 if code == "<I" else 6)
        data[start : start + struct.calcsize(code)] = struct.pack(code, value % 256 ** struct.calcsize(code))

    def _vr(self, data: bytearray) -> None:
        at = self._element(data)
        data[at + 4 : at + 6] = self.dice.choice(_VRS)

    def _tag(self, data: bytearray) -> None:
        at, tag = self._element(data), self.dice.choice((*_SIZES, 0x7FE00010, 0x00080005, 0x60003000, 0x52009230, 0xFFFEE000))
        data[at : at + 4] = struct.pack("<HH", tag >> 16, tag & 0xFFFF)

    def _size(self, data: bytearray) -> None:
        """Let the header state another size, count, number of bits or table."""
        tag = self.dice.choice(_SIZES)
        at = data.find(struct.pack("<HH", tag >> 16, tag & 0xFFFF))
        if at >= 0:
            value = self.dice.choice(_NUMBERS)
            data[at + 8 : at + 10] = struct.pack("<H", value & 0xFFFF) if self.dice.random() < 0.8 else b"99"

    def _text(self, data: bytearray) -> None:
        at, value = self._element(data), self.dice.choice(_TEXTS)
        length = int.from_bytes(data[at + 6 : at + 8], "little")
        if length <= 64:
            data[at + 6 : at + 8 + length] = struct.pack("<H", len(value)) + value

    def _cut(self, data: bytearray) -> None:
        del data[self._place(data) :]

    def _splice(self, data: bytearray) -> None:
        other = self.dice.choice(self.seeds)
        start, length = self.dice.randrange(len(other)), self.dice.choice((16, 256, 4096))
        at = self._element(data)
        data[at : at + self.dice.choice((0, length))] = other[start : start + length]

    def _repeat(self, data: bytearray) -> None:
        at, length = self._element(data), self.dice.choice((8, 64, 1024))
        data[at:at] = data[at : at + length] * self.dice.choice((1, 10, 100))

    def _remove(self, data: bytearray) -> None:
        at = self._element(data)
        del data[at : at + self.dice.choice((1, 2, 8, 100))]

    def _number(self, data: bytearray) -> None:
        at, code = self._place(data), self.dice.choice(("<H", ">H", "<I", ">I"))
        value = self.dice.choice(_NUMBERS) % 256 ** struct.calcsize(code)
        data[at : at + struct.calcsize(code)] = struct.pack(code, value)


# ----------------------------------------------------------------------------------------------------------- reading


def read(path: Path) -> str:
    """Read a file in every way the program does; return "opened" or "refused", or raise what should never be raised."""
    outcomes = {_outcome(lambda: headers(path)), _outcome(lambda: to_display(read_file(path)))}
    for _ in open_paths([path]):
        pass
    return "refused" if "refused" in outcomes else "opened"


def _outcome(action: Callable[[], object]) -> str:
    try:
        action()
    except ViewerError as error:
        if len(str(error)) > LONGEST_SENTENCE or "\n" in str(error):
            raise AssertionError(f"this is no sentence: {str(error)[:200]!r}") from None
        return "refused"
    return "opened"


def fault_of(path: Path) -> tuple[str, str]:
    """Read a file and return what came of it, and a traceback where that is a fault."""
    signal.alarm(LONGEST_S)
    try:
        outcome, fault = read(path), ""
    except Hang:
        outcome, fault = "hang", traceback.format_exc()
    except Exception as error:
        outcome, fault = type(error).__name__, traceback.format_exc()
    finally:
        signal.alarm(0)
    if not fault and peak_memory() > MOST_MEMORY:
        outcome = fault = "more than 2 GiB of memory"
    return outcome, fault


def peak_memory() -> int:
    """Return the most memory this process has had, in bytes; what getrusage says on Linux may be the parent's."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024


def _on_alarm(_number: int, _frame: object) -> None:
    raise Hang


def run(mutator: Mutator, seconds: float, keep: Path | None) -> tuple[collections.Counter[str], dict[str, str]]:
    """Read damaged files for some time; return the outcomes, and one traceback for each place that is at fault."""
    signal.signal(signal.SIGALRM, _on_alarm)
    outcomes: collections.Counter[str] = collections.Counter()
    faults: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.dcm"
        for data in _inputs(mutator, seconds):
            path.write_bytes(data)
            outcome, fault = fault_of(path)
            outcomes[outcome] += 1
            place = "".join(line for line in fault.splitlines(keepends=True) if "viewer/" in line)[-300:] + outcome
            if fault and place not in faults:
                faults[place] = fault
                if keep:
                    (keep / f"{outcome}-{len(faults)}.dcm").write_bytes(data)
    return outcomes, faults


def _inputs(mutator: Mutator, seconds: float) -> Iterator[bytes]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield mutator.next()


def main() -> int:
    """Fuzz the reader as the arguments ask; the exit status is 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="a folder of files to damage, besides those made here")
    parser.add_argument("--keep", type=Path, help="where to write the files that show a fault")
    arguments = parser.parse_args()
    seeds = synthetic_seeds() + (seeds_of(arguments.data) if arguments.data else [])
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    outcomes, faults = run(Mutator(arguments.seed, seeds), arguments.minutes * 60, arguments.keep)
    for fault in faults.values():
        print(fault[-3000:])
    print(f"{outcomes.total()} inputs from {len(seeds)} seeds:", ", ".join(f"{n} {name}" for name, n in outcomes.most_common()))
    print(f"{len(faults)} faults, at most {peak_memory() >> 20} MiB")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
