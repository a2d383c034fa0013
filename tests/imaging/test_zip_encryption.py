"""Encrypted archives, made by Info-ZIP, 7-Zip and pyzipper: each opens with its password and with no other."""

import base64

import pytest

from viewer.errors import UnreadableFile
from viewer.imaging.archives import open_archive
from viewer.imaging.sources import read_source
from viewer.imaging.zip_members import forget_passwords, password_of, set_password

LETTER = b"Dear colleague, thank you. " * 8

ZIPCRYPTO = (
    "UEsDBBQACQAIABWFdV2WULgFLAAAANgAAAAKAAAAbGV0dGVyLnR4dMwXajReVNYHQxdf7I4+DI1PCA8C8cmMBOsWhctxUTVGJDMMZnSwQGmla+"
    "wNUEsHCJZQuAUsAAAA2AAAAFBLAQIeAxQACQAIABWFdV2WULgFLAAAANgAAAAKAAAAAAAAAAEAAACkgQAAAABsZXR0ZXIudHh0UEsFBgAAAAAB"
    "AAEAOAAAAGQAAAAAAA=="
)
ZIPCRYPTO_CP437 = (
    "UEsDBBQACQAIABWFdV2WULgFLAAAANgAAAAKAAAAbGV0dGVyLnR4dJVrh8fuQgTcTvx0hOFRZIbyANsObZF+CnRSkgez1cfn9XqAgY5hXYkjNQ"
    "LgUEsHCJZQuAUsAAAA2AAAAFBLAQIeAxQACQAIABWFdV2WULgFLAAAANgAAAAKAAAAAAAAAAEAAACkgQAAAABsZXR0ZXIudHh0UEsFBgAAAAAB"
    "AAEAOAAAAGQAAAAAAA=="
)
ZIPCRYPTO_UTF8 = (
    "UEsDBBQACQAIABWFdV2WULgFLAAAANgAAAAKAAAAbGV0dGVyLnR4dKVTl17FhJRzF39FAKgh4aS+5jHXtIykLWgT7AAdrSmeaIxLDBCDlda6oz"
    "VWUEsHCJZQuAUsAAAA2AAAAFBLAQIeAxQACQAIABWFdV2WULgFLAAAANgAAAAKAAAAAAAAAAEAAACkgQAAAABsZXR0ZXIudHh0UEsFBgAAAAAB"
    "AAEAOAAAAGQAAAAAAA=="
)
AES_256_AE2 = (
    "UEsDBDMAAQBjABWFdV0AAAAASAAAANgAAAAKAAsAbGV0dGVyLnR4dAGZBwACAEFFAwgAihSNUIApwMp95DUnTttQUatDbHrdBhv8JJ69vEXL9g"
    "Pa3MkGglh1L68VpsJ4A0yOrM0aG0bGMBbixl4twKMyyZxWn2Jp5k9NUEsBAj8DMwABAGMAFYV1XQAAAABIAAAA2AAAAAoALwAAAAAAAAAggKSB"
    "AAAAAGxldHRlci50eHQKACAAAAAAAAEAGAD5oAkM13ndAQAAAAAAAAAAAAAAAAAAAAABmQcAAgBBRQMIAFBLBQYAAAAAAQABAGcAAAB7AAAAAA"
    "A="
)
AES_128_AE2_STORED = (
    "UEsDBDMAAQBjABWFdV0AAAAA7AAAANgAAAAKAAsAbGV0dGVyLnR4dAGZBwACAEFFAQAAyDYHe8PZZI/AJ2Sw2VNT/JRB0EdjdwLxe2kgGyE+r0"
    "3vXyMuVuYLSDzQoTrw3KuduhNdN5rSFTd4p3dC+ZJ+kmVzhoK/xniCqw3D3F//RdVa/XD+cfEysFvEaN/4LOWSz/UDwHwExAFgRIsMK9zO/oUG"
    "t5pGXwqrb2qRrK6ev/Xv9H8RKMfQqvclFWAAttwn7AVX/kbvsRNmJnlecAXmsDjXC1gX/ZqV38FLkzzOiwSqIhxXxbchLCaruLMFxGKfsd74rO"
    "fRzapzv9Z5BBSPNVvVt6fZvjrRF0uCTjQRNjYC0tTBWDSVRKDsnNFQSwECPwMzAAEAYwAVhXVdAAAAAOwAAADYAAAACgAvAAAAAAAAACCApIEA"
    "AAAAbGV0dGVyLnR4dAoAIAAAAAAAAQAYAPmgCQzXed0BAAAAAAAAAAAAAAAAAAAAAAGZBwACAEFFAQAAUEsFBgAAAAABAAEAZwAAAB8BAAAAAA"
    "=="
)
AES_192_AE1 = (
    "UEsDBBQAAQBjABWFdV2WULgFOAAAANgAAAAKAAsAbGV0dGVyLnR4dAGZBwABAEFFAggALQhuJsapeR88HE5IeF9vCE/Bp+qqS4vAGM886ec1BV"
    "mWBASQbNOyQvFa5nYh8R2sH6yANUg249dQSwECFAMUAAEAYwAVhXVdllC4BTgAAADYAAAACgALAAAAAAAAAAAAgAEAAAAAbGV0dGVyLnR4dAGZ"
    "BwABAEFFAggAUEsFBgAAAAABAAEAQwAAAGsAAAAAAA=="
)
PLAIN_PASSWORD = [ZIPCRYPTO, AES_256_AE2, AES_128_AE2_STORED, AES_192_AE1]


@pytest.fixture(autouse=True)
def no_passwords():
    yield
    forget_passwords()


@pytest.fixture
def encrypted(tmp_path):
    """Return a writer of one of the archives above, damaged on request at a place counted from its end."""

    def write(archive, damaged_at=None):
        content = bytearray(base64.b64decode(archive))
        if damaged_at is not None:
            content[damaged_at] ^= 0xFF
        path = tmp_path / "letter.zip"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("archive", PLAIN_PASSWORD)
def test_the_right_password_opens_an_archive(encrypted, archive):
    path = encrypted(archive)
    set_password(path, "geheim")
    assert read_source(path / "letter.txt") == LETTER


@pytest.mark.parametrize("archive", [ZIPCRYPTO_CP437, ZIPCRYPTO_UTF8])
def test_a_password_with_an_accent_is_tried_as_both_systems_write_it(encrypted, archive):
    path = encrypted(archive)
    set_password(path, "geheïm")
    assert read_source(path / "letter.txt") == LETTER


@pytest.mark.parametrize("archive", PLAIN_PASSWORD)
def test_of_600_wrong_passwords_none_fits(encrypted, archive):
    path = encrypted(archive)
    for number in range(600):
        set_password(path, f"wrong {number}")
    assert password_of(open_archive(path)) is None
    with pytest.raises(UnreadableFile, match=r"letter\.zip is encrypted, and no password that fits it was given\.$"):
        read_source(path / "letter.txt")


def test_a_forgotten_password_opens_nothing(encrypted):
    path = encrypted(ZIPCRYPTO)
    set_password(path, "geheim")
    read_source(path / "letter.txt")
    forget_passwords()
    with pytest.raises(UnreadableFile, match="no password"):
        read_source(path / "letter.txt")


def test_the_password_of_one_archive_is_tried_on_the_next(encrypted, tmp_path):
    path = encrypted(AES_256_AE2)
    set_password(tmp_path / "another.zip", "geheim")
    assert read_source(path / "letter.txt") == LETTER


# In the data, and in the seal behind them.
@pytest.mark.parametrize("archive, at", [(AES_128_AE2_STORED, 150), (AES_128_AE2_STORED, 280), (ZIPCRYPTO, 80)])
def test_damage_to_encrypted_contents_is_found(encrypted, archive, at):
    path = encrypted(archive, at)
    set_password(path, "geheim")
    with pytest.raises(UnreadableFile, match=r"^letter\.txt could not be opened: (it is damaged|letter.zip is encrypted)"):
        read_source(path / "letter.txt")
