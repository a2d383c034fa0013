"""Make what the self-test compares with: one small file of every transfer syntax, and the answers to the sample film.

    python packaging/make_self_test.py streams      writes resources/self_test/streams.npz; needs cjpeg
    python packaging/make_self_test.py answers      writes resources/self_test/answers.json

``answers`` is to be run again whenever the default model is another one; a test says so. ``streams`` only when the program
learns another transfer syntax.

The film is the program's own synthetic one, drawn at 720 x 600 and averaged to 72 x 60: no person. What encoded it:

- imagecodecs for JPEG processes 1, 4 and 14, JPEG-LS, JPEG 2000, HTJ2K and JPEG XL; zlib and this file for the others;
- cjpeg of libjpeg-turbo 2.1.5 (Debian: libjpeg-turbo-progs; on PATH, or named by the variable CJPEG) for arithmetic coding
  and progressive scans, which imagecodecs reads and does not write. These are the 8-bit processes 3, 6, 7, 10 and 11.

No encoder is known of JPEG process 15 (lossless, arithmetic), nor of the hierarchical ones; the decoder reads process 14
under their UIDs and no more, so that is what their files hold.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import imagecodecs  # noqa: E402
import numpy as np  # noqa: E402
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.encaps import encapsulate  # noqa: E402
from pydicom.filebase import DicomBytesIO  # noqa: E402
from pydicom.filewriter import write_dataset, write_file_meta_info  # noqa: E402
from pydicom.uid import UID, ComputedRadiographyImageStorage  # noqa: E402

from viewer.imaging.phantom import synthetic_film  # noqa: E402
from viewer.imaging.phantom_file import NOTE  # noqa: E402
from viewer.self_test.models import answers_file, answers_of_the_default_model  # noqa: E402
from viewer.self_test.streams import FILMS, TABLE, streams_file  # noqa: E402

ROWS, COLUMNS, SHRUNK = 72, 60, 10
JPEG = "1.2.840.10008.1.2.4."
IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN = (f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".1.99", ".2"))
SPECTRAL_SELECTION = "0: 0-0, 0, 0;\n0: 1-9, 0, 0;\n0: 10-63, 0, 0;\n"
QUALITY = 95
AS_PROCESS_14 = "in the form of process 14, the only one that is read"


@dataclass(frozen=True)
class Stream:
    """One row: the bits of its film, how it is encoded, and how far a grey value may be off (0: it must be the same)."""

    bits: int
    encode: Callable[[np.ndarray], bytes]
    tolerance: int = 0
    note: str = ""


def film() -> np.ndarray:
    drawn = synthetic_film(rows=ROWS * SHRUNK, columns=COLUMNS * SHRUNK).pixels
    blocks = drawn.reshape(ROWS, SHRUNK, COLUMNS, SHRUNK).astype(np.float64)
    return np.round(blocks.mean(axis=(1, 3))).astype(np.uint16)


def cjpeg(*options: str, scans: str = "") -> Callable[[np.ndarray], bytes]:
    def encode(pixels: np.ndarray) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "scans"
            script.write_text(scans)
            chosen = ["-scans", str(script)] if scans else []
            command = [os.environ.get("CJPEG", "cjpeg"), "-grayscale", "-quality", str(QUALITY), *options, *chosen]
            picture = b"P5 %d %d 255\n" % pixels.shape[::-1] + pixels.tobytes()
            return subprocess.run(command, input=picture, capture_output=True, check=True).stdout

    return encode


def process_14(pixels: np.ndarray) -> bytes:
    return imagecodecs.ljpeg_encode(pixels, bitspersample=12)


def jpeg_2000(pixels: np.ndarray) -> bytes:
    return imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, bitspersample=12)


def lossy_jpeg_2000(pixels: np.ndarray) -> bytes:
    return imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=60, bitspersample=12)


def rle(pixels: np.ndarray) -> bytes:
    planes = [(pixels >> 8).astype(np.uint8), pixels.astype(np.uint8)]
    segments = [b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in plane) for plane in planes]
    padded = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    starts = np.cumsum([64, *(len(segment) for segment in padded)])[:-1]
    return struct.pack("<16I", len(padded), *starts, *[0] * (15 - len(padded))) + b"".join(padded)


def deflated(pixels: np.ndarray) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(pixels.astype("<u2").tobytes()) + packer.flush()


def little_endian(pixels: np.ndarray) -> bytes:
    return pixels.astype("<u2").tobytes()


SYNTAXES: dict[str, Stream] = {
    IMPLICIT: Stream(12, little_endian),
    EXPLICIT: Stream(12, little_endian),
    DEFLATED: Stream(12, little_endian),
    BIG_ENDIAN: Stream(12, lambda pixels: pixels.astype(">u2").tobytes()),
    f"{JPEG}50": Stream(8, lambda pixels: imagecodecs.jpeg8_encode(pixels, level=QUALITY), 8),
    f"{JPEG}51": Stream(12, lambda pixels: imagecodecs.jpeg8_encode(pixels, level=QUALITY, bitspersample=12), 12),
    f"{JPEG}52": Stream(8, cjpeg("-arithmetic"), 8),
    f"{JPEG}53": Stream(8, cjpeg(scans=SPECTRAL_SELECTION), 8),
    f"{JPEG}54": Stream(8, cjpeg("-arithmetic", scans=SPECTRAL_SELECTION), 8),
    f"{JPEG}55": Stream(8, cjpeg("-progressive"), 8),
    f"{JPEG}56": Stream(8, cjpeg("-arithmetic", "-progressive"), 8),
    f"{JPEG}57": Stream(12, process_14),
    **{f"{JPEG}{number}": Stream(12, process_14, note=AS_PROCESS_14) for number in (58, 65, 66)},
    f"{JPEG}70": Stream(12, process_14),
    f"{JPEG}80": Stream(12, imagecodecs.jpegls_encode),
    f"{JPEG}81": Stream(12, lambda pixels: imagecodecs.jpegls_encode(pixels, level=2), 2),
    f"{JPEG}90": Stream(12, jpeg_2000),
    f"{JPEG}91": Stream(12, lossy_jpeg_2000, 24),
    f"{JPEG}92": Stream(12, jpeg_2000),
    f"{JPEG}93": Stream(12, lossy_jpeg_2000, 24),
    f"{JPEG}110": Stream(12, lambda pixels: imagecodecs.jpegxl_encode(pixels, lossless=True)),
    f"{JPEG}111": Stream(8, lambda pixels: imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(pixels, level=QUALITY)), 8),
    f"{JPEG}112": Stream(8, lambda pixels: imagecodecs.jpegxl_encode(pixels, distance=0.5), 8),
    f"{JPEG}201": Stream(12, lambda pixels: imagecodecs.htj2k_encode(pixels, reversible=True)),
    f"{JPEG}202": Stream(12, lambda pixels: imagecodecs.htj2k_encode(pixels, reversible=True, tlm=True)),
    f"{JPEG}203": Stream(8, lambda pixels: imagecodecs.htj2k_encode(pixels, level=0.002, reversible=False), 4),
    "1.2.840.10008.1.2.5": Stream(12, rle),
    "1.2.840.10008.1.2.8.1": Stream(12, deflated),
    "1.2.840.10008.1.2.1.98": Stream(12, little_endian),
}


def dicom_file(uid: str, stream: Stream, pixels: np.ndarray) -> bytes:
    """Return the file. It is put together here because pydicom's writer refuses the UIDs that it does not know."""
    content = stream.encode(pixels)
    is_native = uid in (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)
    dataset = described(uid, stream, pixels)
    dataset.add_new("PixelData", "OW" if is_native else "OB", content if is_native else encapsulate([content]))
    dataset["PixelData"].is_undefined_length = not is_native
    body = DicomBytesIO()
    body.is_little_endian, body.is_implicit_VR = uid != BIG_ENDIAN, uid == IMPLICIT
    write_dataset(body, dataset)
    written = body.getvalue()
    if uid == DEFLATED:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        written = packer.compress(written) + packer.flush()
        written += b"\0" * (len(written) % 2)
    head = BytesIO()
    write_file_meta_info(head, file_meta(uid, dataset.SOPInstanceUID), enforce_standard=True)
    return bytes(128) + b"DICM" + head.getvalue() + written


def file_meta(uid: str, instance_uid: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = UID(uid)
    return meta


def described(uid: str, stream: Stream, pixels: np.ndarray) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = f"2.25.{int.from_bytes(hashlib.sha256(uid.encode()).digest()[:15], 'big')}"
    dataset.Modality = "CR"
    dataset.PatientName, dataset.PatientID = "Synthetic^Self-test", "SYNTHETIC"
    dataset.ImageComments = NOTE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = stream.bits, stream.bits - 1, 0
    return dataset


def write_streams() -> None:
    films = {12: film(), 8: (film() >> 4).astype(np.uint8)}
    table = {uid: {"film": FILMS[s.bits], "tolerance": s.tolerance, "note": s.note} for uid, s in SYNTAXES.items()}
    arrays = {FILMS[bits]: pixels for bits, pixels in films.items()}
    arrays |= {uid: np.frombuffer(dicom_file(uid, s, films[s.bits]), np.uint8) for uid, s in SYNTAXES.items()}
    streams_file().parent.mkdir(exist_ok=True)
    np.savez_compressed(streams_file(), **{TABLE: np.array(json.dumps(table))}, **arrays)
    print(f"{streams_file()}: {len(table)} files, {streams_file().stat().st_size:,} bytes")


def write_answers() -> None:
    answers = answers_of_the_default_model()
    answers_file().write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")
    print(f"{answers_file()}: {answers}")


if __name__ == "__main__":
    {"streams": write_streams, "answers": write_answers}[sys.argv[1]]()
