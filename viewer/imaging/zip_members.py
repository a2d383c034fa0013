"""The contents of a ZIP archive's members, in clear and unpacked, in memory alone; and the passwords they need.

Nothing is read beyond what the archive's list states, and nothing unpacked beyond it. Passwords live in memory until the
program ends.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from viewer.errors import UnreadableFile, os_reason
from viewer.imaging.zip_directory import DEFLATED, LOCAL_HEADER, LOCAL_MAGIC, Archive, Member
from viewer.imaging.zip_encryption import (
    ZIPCRYPTO_HEADER_BYTES,
    Cipher,
    aes_header_bytes,
    begins_like_deflate,
    winzip_aes,
    zipcrypto,
)

_FIRST_PIECE, _LARGEST_PIECE = 2**12, 2**20
_TRIED_MEMBERS = 8


# ---------------------------------------------------------------------------------------------------------- passwords

# In memory alone, until the program ends or forget_passwords() is called.
_passwords: dict[Path, tuple[bytes, ...]] = {}
_fitting: dict[tuple[Path, int, int], bytes] = {}


def set_password(path: Path, text: str) -> None:
    """Remember, in memory alone, what was typed as the password of an archive; other archives are tried with it too."""
    encoded = []
    for encoding in ("utf-8", "cp437", "cp1252"):
        try:
            encoded.append(text.encode(encoding))
        except UnicodeEncodeError:
            continue
    _passwords[path] = tuple(dict.fromkeys(encoded))


def typed_passwords(path: Path) -> tuple[bytes, ...]:
    """Return what was typed for this very archive, right or wrong, in each encoding; nothing where nothing was."""
    return _passwords.get(path, ())


def forget_passwords() -> None:
    """Forget every password."""
    _passwords.clear()
    _fitting.clear()


def password_of(archive: Archive) -> bytes | None:
    """Return the password, of those that were typed, that fits an archive; None where none does."""
    key = (archive.path, archive.size, archive.modified_ns)
    if key in _fitting:
        return _fitting[key]
    own = _passwords.get(archive.path, ())
    for candidate in dict.fromkeys([*own, *(one for typed in list(_passwords.values()) for one in typed)]):
        if _fits(archive, candidate):
            _fitting[key] = candidate
            return candidate
    return None


def _fits(archive: Archive, password: bytes) -> bool:
    """Try a password on the beginnings of a few members: one of them alone lets 1 wrong password in 256 pass."""
    few = sorted(archive.encrypted, key=lambda member: member.packed)[:_TRIED_MEMBERS]
    return all(_fits_member(archive, member, password) for member in few)


def _fits_member(archive: Archive, member: Member, password: bytes) -> bool:
    try:
        with archive.open() as stream:
            body = _Body(archive, member, stream)
            cipher = body.cipher(password)
            clear = b"" if cipher is None else cipher.decrypt(body.read(_FIRST_PIECE))
    except OSError as error:
        raise UnreadableFile(archive.path, os_reason(error)) from error
    except UnreadableFile:
        # A damaged member says nothing of the password, and must not keep the others shut.
        return True
    return cipher is not None and (member.method != DEFLATED or begins_like_deflate(clear))


# ------------------------------------------------------------------------------------------------------------ members


def read_member(archive: Archive, member: Member) -> bytes:
    """Return the contents of a member, checked against its checksum.

    Raises
    ------
    UnreadableFile
        If it is damaged, larger than stated, packed in a way that is not known, or no password fits.
    """
    try:
        return b"".join(_pieces(archive, member))
    except MemoryError as error:
        raise UnreadableFile(archive.path / member.name, "there is not enough memory to read it") from error


def open_member(archive: Archive, member: Member) -> BinaryIO:
    """Open a member as a file that can be sought in and that unpacks no further than it is read.

    Errors come as from :func:`read_member`, from reading too; the checksum is compared by that function alone.
    """
    return cast(BinaryIO, _MemberFile(_pieces(archive, member), member.size))


class _MemberFile(io.BufferedIOBase):
    """The unpacked beginning of a member, which grows as it is read."""

    def __init__(self, pieces: Generator[bytes, None, None], size: int) -> None:
        self._pieces, self._size = pieces, size
        self._unpacked, self._at = bytearray(), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence, self._size))
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        if end <= self._at:
            # To read at the end is how parsers find it; nothing needs to be unpacked for that.
            return b""
        self._unpack(end)
        found = bytes(self._unpacked[self._at : end])
        self._at += len(found)
        return found

    def _unpack(self, end: int) -> None:
        while len(self._unpacked) < end:
            piece = next(self._pieces, None)
            if piece is None:
                return
            self._unpacked += piece

    def close(self) -> None:
        self._pieces.close()
        super().close()


class _Body:
    """What an archive holds of one member: encryption header, packed data, seal; never more bytes than its list states."""

    def __init__(self, archive: Archive, member: Member, stream: BinaryIO) -> None:
        self._path, self._member, self._stream = archive.path / member.name, member, stream
        stream.seek(member.offset)
        header = stream.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or not header.startswith(LOCAL_MAGIC):
            raise self.damaged()
        _, name_length, extra_length = LOCAL_HEADER.unpack(header)
        start = member.offset + LOCAL_HEADER.size + name_length + extra_length
        if start + member.packed > member.end:
            raise self.damaged()
        stream.seek(start)
        self.left = member.packed

    def damaged(self) -> UnreadableFile:
        """Return the error for contents that cannot be what was packed."""
        return UnreadableFile(self._path, "it is damaged inside its ZIP archive")

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer only at the end of the member; an archive that ends before is an error."""
        wanted = min(size, self.left)
        piece = self._stream.read(wanted)
        if len(piece) < wanted:
            raise self.damaged()
        self.left -= wanted
        return piece

    def cipher(self, password: bytes) -> Cipher | None:
        """Read the encryption header; None where the password does not fit."""
        strength = self._member.aes_strength
        if not strength:
            return zipcrypto(password, self._whole(ZIPCRYPTO_HEADER_BYTES), self._member.check_byte)
        return winzip_aes(password, self._whole(aes_header_bytes(strength)), strength)

    def data(self, trailer_size: int = 0) -> Iterator[bytes]:
        """Yield the packed data but for the seal, in pieces that grow: often the beginning is all that is wanted."""
        size = _FIRST_PIECE
        while self.left > trailer_size:
            yield self.read(min(size, self.left - trailer_size))
            size = min(2 * size, _LARGEST_PIECE)

    def decrypted(self, cipher: Cipher) -> Iterator[bytes]:
        """Yield the packed data in clear, and compare the seal at its end."""
        for piece in self.data(cipher.trailer_size):
            yield cipher.decrypt(piece)
        if not cipher.is_intact(self._whole(cipher.trailer_size)):
            raise self.damaged()

    def _whole(self, size: int) -> bytes:
        if self.left < size:
            raise self.damaged()
        return self.read(size)


def _pieces(archive: Archive, member: Member) -> Generator[bytes, None, None]:
    """Yield the contents of a member, never more than it states, and compare size and checksum at the end."""
    path = archive.path / member.name
    if member.problem:
        raise UnreadableFile(path, member.problem)
    size = crc = 0
    try:
        with archive.open() as stream:
            body = _Body(archive, member, stream)
            packed = body.decrypted(_cipher(archive, path, body)) if member.is_encrypted else body.data()
            for piece in _inflated(packed) if member.method == DEFLATED else packed:
                size, crc = size + len(piece), zlib.crc32(piece, crc)
                if size > member.size:
                    raise body.damaged()
                yield piece
            if size != member.size or crc != (crc if member.crc is None else member.crc):
                raise body.damaged()
    except OSError as error:
        raise UnreadableFile(path, os_reason(error)) from error
    except zlib.error as error:
        raise UnreadableFile(path, "it is damaged inside its ZIP archive") from error


def _cipher(archive: Archive, path: Path, body: _Body) -> Cipher:
    password = password_of(archive)
    if password is None:
        raise UnreadableFile(path, f"{archive.path.name} is encrypted, and no password that fits it was given")
    cipher = body.cipher(password)
    if cipher is None:
        raise UnreadableFile(path, f"the password that fits other files of {archive.path.name} does not fit this one")
    return cipher


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in packed:
        while piece or not inflater.eof:
            clear = inflater.decompress(piece, _LARGEST_PIECE)
            yield clear
            piece = inflater.unconsumed_tail
            if not piece and len(clear) < _LARGEST_PIECE:
                break
