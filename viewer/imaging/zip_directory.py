"""The list of members a ZIP archive ends with, read once and checked before anything is unpacked.

What no honest archive states is refused here: members that overlap, contents that would fill the disk, links. Nothing
of the archive but its list is read.

References: PKWARE APPNOTE 6.3.10, 4.3; WinZip AES Encryption Information.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from viewer.errors import UnreadableFile
from viewer.imaging.file_names import inner_names, natural_path_key
from viewer.imaging.zip_encryption import AES_SALT_BYTES

LARGEST_MEMBER_BYTES = 2**32
LARGEST_TOTAL_BYTES = 2**36
MOST_MEMBERS = 200_000
# Films shrink to a half or a third; deflate cannot do better than 1:1032. Small archives may be as empty as they like.
MOST_SHRUNK, SHRUNK_FREELY_BYTES = 200, 2**30

STORED, DEFLATED = 0, 8
LOCAL_MAGIC, LOCAL_HEADER = b"PK\x03\x04", struct.Struct("<4s22xHH")

_MAGICS = (LOCAL_MAGIC, b"PK\x05\x06", b"PK\x07\x08", b"PK00" + LOCAL_MAGIC)
_LONGEST_DIRECTORY_BYTES = 2**25
_AES, _AES_EXTRA, _UNIX = 99, 0x9901, 3
_METHOD_NAMES = {1: "Shrink", 6: "Implode", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_ENCRYPTED, _TIME_FOLLOWS, _STRONGLY_ENCRYPTED = 0x1, 0x8, 0x40
# Office documents, programs and the like are ZIP archives too; nobody means the pictures inside.
_DOCUMENT_MARKS = {"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"}
# What zipfile is seen to raise on damaged lists of members.
_ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError, EOFError, IndexError)


@dataclass(frozen=True)
class Member:
    """A file in an archive, as the archive's own list states it; sizes in bytes, ``packed`` with what encryption adds."""

    name: str
    """Path inside the archive, parts divided by ``/``, safe to join to the path of the archive."""
    offset: int
    end: int
    """First byte of the archive that can no longer belong to this member."""
    packed: int
    size: int
    method: int
    crc: int | None
    """CRC-32 of the contents; None where AES stands for it."""
    is_encrypted: bool = False
    aes_strength: int = 0
    check_byte: int = 0
    problem: str = ""
    """Why it cannot be read, as the reason of an UnreadableFile; empty where nothing speaks against it."""


@dataclass(frozen=True, eq=False)
class Archive:
    """An archive and the list of its members in natural order; ``contents`` are its bytes where it lies in another."""

    path: Path
    size: int
    modified_ns: int
    members: Mapping[str, Member]
    contents: bytes | None = field(default=None, repr=False)

    @property
    def is_document(self) -> bool:
        """Return whether this is a ZIP archive only by its form: an office document, a program."""
        return not _DOCUMENT_MARKS.isdisjoint(self.members)

    @property
    def encrypted(self) -> tuple[Member, ...]:
        """Return the members that need a password."""
        return tuple(member for member in self.members.values() if member.is_encrypted and not member.problem)

    def open(self) -> BinaryIO:
        """Open the archive itself; raises OSError."""
        return self.path.open("rb") if self.contents is None else io.BytesIO(self.contents)


def looks_like_archive(head: bytes) -> bool:
    """Return whether a file begins as a ZIP archive; a DICOM file whose preamble does so is none."""
    return head.startswith(_MAGICS) and head[128:132] != b"DICM"


class _BoundedReads:
    """A file that gives no more bytes at once than an honest list of members is long: zipfile reads it in one piece."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if size > _LONGEST_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("too long a list of members")
        return self._stream.read(size)


def members_of(path: Path, stream: BinaryIO, size: int) -> dict[str, Member]:
    """Read and check the list of an archive of ``size`` bytes: its files by name, in natural order, folders left out.

    Raises
    ------
    UnreadableFile
        If the list is damaged, or states contents that no honest archive has.
    """
    try:
        with zipfile.ZipFile(cast(BinaryIO, _BoundedReads(stream))) as archive:
            infos = archive.infolist()
    except _ZIP_ERRORS as error:
        raise UnreadableFile(path, "it is a damaged ZIP archive, or only a part of one") from error
    except MemoryError as error:
        raise UnreadableFile(path, "there is not enough memory to read it") from error
    _refuse_bomb(path, infos)
    ends = _ends(path, infos, size)
    files = [info for info in infos if not info.filename.endswith("/")]
    named = dict(zip(inner_names([info.filename for info in files]), files, strict=True))
    return {name: _member(name, named[name], ends[named[name].header_offset]) for name in sorted(named, key=natural_path_key)}


def _refuse_bomb(path: Path, infos: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse an archive that states more than an honest one holds; members are never read beyond what they state."""
    if len(infos) > MOST_MEMBERS:
        raise UnreadableFile(path, f"it states {len(infos):,} files, and more than {MOST_MEMBERS:,} are not opened at once")
    total = sum(info.file_size for info in infos)
    if total > LARGEST_TOTAL_BYTES:
        raise UnreadableFile(path, "unpacked it would fill more than 64 GiB")
    packed = sum(info.compress_size for info in infos)
    if total > SHRUNK_FREELY_BYTES and total > MOST_SHRUNK * packed:
        raise UnreadableFile(path, f"unpacked it would be more than {MOST_SHRUNK} times as large, as no archive of films is")


def _ends(path: Path, infos: Sequence[zipfile.ZipInfo], size: int) -> dict[int, int]:
    """Return where each member ends at the latest, by where it begins; overlapping members are the mark of a bomb."""
    offsets = sorted(info.header_offset for info in infos)
    ends = dict(zip(offsets, [*offsets, size][1:], strict=True))
    for info in infos:
        end = info.header_offset + LOCAL_HEADER.size + info.compress_size
        if info.header_offset < 0 or end > ends[info.header_offset] or len(ends) < len(infos):
            raise UnreadableFile(path, "it is a damaged ZIP archive: its files overlap")
    return ends


def _member(name: str, info: zipfile.ZipInfo, end: int) -> Member:
    is_encrypted = bool(info.flag_bits & _ENCRYPTED)
    version, strength, method = _aes_facts(info) if info.compress_type == _AES else (0, 0, info.compress_type)
    hour, minute, second = info.date_time[3:]
    # ZipCrypto ends its header with the first byte of the CRC, or of the time where the CRC was not known yet.
    check = (hour << 11 | minute << 5 | second // 2) >> 8 if info.flag_bits & _TIME_FOLLOWS else info.CRC >> 24
    return Member(
        name=name,
        offset=info.header_offset,
        end=end,
        packed=info.compress_size,
        size=info.file_size,
        method=method,
        crc=None if version == 2 else info.CRC,
        is_encrypted=is_encrypted,
        aes_strength=strength,
        check_byte=check & 0xFF,
        problem=_problem(info, method, strength),
    )


def _aes_facts(info: zipfile.ZipInfo) -> tuple[int, int, int]:
    """Return version (1 or 2), strength (1 to 3) and the true method of a WinZip AES member; strength 0 if it is none."""
    extra = info.extra
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == _AES_EXTRA and length >= 7:
            version, vendor, strength, method = struct.unpack("<H2sBH", extra[4:11])
            return version, strength if vendor == b"AE" and strength in AES_SALT_BYTES else 0, method
        extra = extra[4 + length :]
    return 0, 0, _AES


def _problem(info: zipfile.ZipInfo, method: int, strength: int) -> str:
    if info.file_size > LARGEST_MEMBER_BYTES:
        return "it is larger than 4 GiB"
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link to another file, and links inside ZIP archives are not followed"
    if info.flag_bits & _STRONGLY_ENCRYPTED or (info.compress_type == _AES and not strength):
        return "it is encrypted in a way this program does not know: unpack the archive first"
    if method not in (STORED, DEFLATED):
        label = _METHOD_NAMES.get(method, f"method {method}")
        return f"it is compressed in a way this program does not read ({label}): unpack the archive first"
    return ""
