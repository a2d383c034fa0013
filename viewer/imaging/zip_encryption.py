"""The two encryptions ZIP archives come with: ZipCrypto (PKZIP 2.0) and WinZip AES (AE-1 and AE-2).

Only decryption, of pieces as they are read. A wrong password is nearly always seen from the first bytes of a member;
what slips through (1 in 256 for ZipCrypto, 1 in 65,536 for AES) fails its checksum.

References: PKWARE APPNOTE 6.3.10, 6.1; WinZip, AES Encryption Information: Encryption Specification AE-1 and AE-2.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from typing import Protocol

from Cryptodome.Cipher import AES
from Cryptodome.Util import Counter

ZIPCRYPTO_HEADER_BYTES = 12
AES_TRAILER_BYTES = 10
AES_SALT_BYTES = {1: 8, 2: 12, 3: 16}
"""By the strength a member states: AES-128, AES-192, AES-256."""

_VERIFIER_BYTES = 2
_ROUNDS = 1000


class Cipher(Protocol):
    """Decrypts a member in pieces; ``trailer_size`` bytes at its end are not data but its seal."""

    trailer_size: int

    def decrypt(self, piece: bytes) -> bytes:
        """Return the next piece in clear."""

    def is_intact(self, trailer: bytes) -> bool:
        """Return whether the seal fits what was decrypted."""


class ZipCrypto:
    """The old encryption: three 32-bit keys that each byte changes; bytes can only be taken one after another."""

    trailer_size = 0

    def __init__(self, password: bytes) -> None:
        self._keys = (0x12345678, 0x23456789, 0x34567890)
        for byte in password:
            self._feed(byte)

    def decrypt(self, piece: bytes) -> bytes:
        """Return the next piece in clear."""
        key0, key1, key2 = self._keys
        crc, stream = _CRC, _STREAM
        clear = bytearray(piece)
        for at, byte in enumerate(clear):
            byte ^= stream[key2 & 0xFFFF]
            clear[at] = byte
            key0 = (key0 >> 8) ^ crc[(key0 ^ byte) & 0xFF]
            key1 = ((key1 + (key0 & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
            key2 = (key2 >> 8) ^ crc[(key2 ^ (key1 >> 24)) & 0xFF]
        self._keys = (key0, key1, key2)
        return bytes(clear)

    def is_intact(self, trailer: bytes) -> bool:
        """Return True: this encryption has no seal, only the CRC of the member."""
        return True

    def _feed(self, byte: int) -> None:
        key0, key1, key2 = self._keys
        key0 = (key0 >> 8) ^ _CRC[(key0 ^ byte) & 0xFF]
        key1 = ((key1 + (key0 & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        key2 = (key2 >> 8) ^ _CRC[(key2 ^ (key1 >> 24)) & 0xFF]
        self._keys = (key0, key1, key2)


def _crc_entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0xEDB88320 if byte & 1 else 0)
    return byte


_CRC = [_crc_entry(byte) for byte in range(256)]
# The byte of the key stream for each value of the low half of the third key.
_STREAM = bytes(((key | 2) * ((key | 2) ^ 1) >> 8) & 0xFF for key in range(65536))


class WinZipAes:
    """AES in counter mode under a key stretched from the password, sealed with HMAC-SHA1."""

    trailer_size = AES_TRAILER_BYTES

    def __init__(self, encryption_key: bytes, seal_key: bytes) -> None:
        counter = Counter.new(128, initial_value=1, little_endian=True)
        self._aes = AES.new(encryption_key, AES.MODE_CTR, counter=counter)
        self._seal = hmac.new(seal_key, digestmod=hashlib.sha1)

    def decrypt(self, piece: bytes) -> bytes:
        """Return the next piece in clear."""
        self._seal.update(piece)
        return self._aes.decrypt(piece)

    def is_intact(self, trailer: bytes) -> bool:
        """Return whether the seal fits what was decrypted."""
        return hmac.compare_digest(self._seal.digest()[:AES_TRAILER_BYTES], trailer)


def zipcrypto(password: bytes, header: bytes, check_byte: int) -> Cipher | None:
    """Begin to decrypt a member after its 12 bytes of header; None where the password does not fit."""
    cipher = ZipCrypto(password)
    return cipher if cipher.decrypt(header)[-1:] == bytes([check_byte]) else None


def winzip_aes(password: bytes, header: bytes, strength: int) -> Cipher | None:
    """Begin to decrypt a member after its header (salt, then two bytes of the stretched password); None as above."""
    salt, verifier = header[:-_VERIFIER_BYTES], header[-_VERIFIER_BYTES:]
    size = 2 * AES_SALT_BYTES[strength]
    keys = hashlib.pbkdf2_hmac("sha1", password, salt, _ROUNDS, 2 * size + _VERIFIER_BYTES)
    if keys[-_VERIFIER_BYTES:] != verifier:
        return None
    return WinZipAes(keys[:size], keys[size : 2 * size])


def aes_header_bytes(strength: int) -> int:
    """Return how many bytes stand before the data of an AES member of this strength."""
    return AES_SALT_BYTES[strength] + _VERIFIER_BYTES


def begins_like_deflate(clear: bytes) -> bool:
    """Return whether bytes can be the beginning of deflated data: a check on a password that a single byte let pass."""
    try:
        zlib.decompressobj(-zlib.MAX_WBITS).decompress(clear, 2**16)
    except zlib.error:
        return False
    return True
