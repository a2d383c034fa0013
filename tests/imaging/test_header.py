"""Texts of a header in the character sets that files name, and in those they use instead."""

import struct

import numpy as np
import pytest
from pydicom.dataset import Dataset

from viewer.imaging.dataset_reading import quiet
from viewer.imaging.reader import headers, read_file

LATIN_1 = "Gr\u00f6\u00dfe"
WANG = "\u738b\u5c0f"

# SpecificCharacterSet, PatientName as bytes, PatientName as it is to be read. PS3.3 C.12.1.1.2.
NAMES = [
    ("ISO_IR 203", b"\xbcuvre", "\u0152uvre"),
    ("ISO 2022 IR 6\\ISO 2022 IR 203", b"A=\x1b-b\xbcuvre", "A = \u0152uvre"),
    ("ISO_IR 100", LATIN_1.encode("latin-1"), LATIN_1),
    # Names that the standard does not have: the bytes tell.
    ("iso_ir 192", WANG.encode(), WANG),
    ("ISO_IR_192", WANG.encode(), WANG),
    ("NONSENSE", WANG.encode(), WANG),
    ("NONSENSE", "J\u00f6rg".encode("latin-1"), "J\u00f6rg"),
    # Not what the file says: bytes that cannot be meant as Latin letters.
    ("ISO_IR 6", WANG.encode(), WANG),
    ("ISO_IR 100", WANG.encode(), WANG),
    ("ISO_IR 144", "\u041b\u044e\u043a".encode("iso8859-5"), "\u041b\u044e\u043a"),
]


@pytest.mark.parametrize(("stated", "written", "name"), NAMES)
def test_a_name_is_read_in_its_character_set(write_dicom, stated, written, name):
    with quiet():
        path = write_dicom("a.dcm", np.zeros((2, 2), "u1"), SpecificCharacterSet=stated.split("\\"), PatientName="@" * 16)
    padded = written.ljust(16)
    path.write_bytes(path.read_bytes().replace(b"PN" + struct.pack("<H", 16) + b"@" * 16, b"PN\x10\0" + padded))
    assert headers(path)[0].identity.patient_name == name


def test_a_text_in_a_sequence_is_in_the_character_set_around_it(write_dicom):
    lut = Dataset()
    lut.LUTDescriptor, lut.LUTData, lut.LUTExplanation = [1, 0, 8], [0], LATIN_1
    path = write_dicom("a.dcm", np.zeros((2, 2), np.uint8), SpecificCharacterSet="ISO_IR 100", VOILUTSequence=[lut])
    assert read_file(path).vois[0].explanation == LATIN_1
