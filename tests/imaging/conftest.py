"""Images and files made for the tests of the imaging room."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from viewer.imaging.image import Identity, Image, Instance

CR = "1.2.840.10008.5.1.4.1.1.1"


@pytest.fixture(scope="session")
def reference(shared_dicom: Path) -> ModuleType:
    """Return the independent rendering that lies with the shared files."""
    spec = importlib.util.spec_from_file_location("reference_render", shared_dicom / "reference_render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make_image() -> Callable[..., Image]:
    """Return a maker of images: pixels, then any field of Image, of Instance or of Identity."""

    def make(pixels: Any, dtype: str = "int16", **fields: Any) -> Image:
        values = np.asarray(pixels, dtype)
        known = set(Identity.__dataclass_fields__)
        identity = Identity(**{key: fields.pop(key) for key in list(fields) if key in known})
        instance = Instance(
            path=Path("film.dcm"), frame=0, frames=1, rows=values.shape[0], columns=values.shape[1],
            identity=identity, is_dicom=True, orientation=fields.pop("orientation", None),
        )  # fmt: skip
        photometric = "RGB" if values.ndim == 3 else "MONOCHROME2"
        return Image(**{
            "instance": instance, "pixels": values, "sha256": "0" * 64, "photometric_interpretation": photometric,
            **fields,
        })  # fmt: skip

    return make


@pytest.fixture
def write_dicom(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of DICOM files: a name, pixels, then any element by keyword (None takes one away)."""

    def write(name: str, pixels: Any, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> Path:
        values = np.asarray(pixels)
        bits = values.dtype.itemsize * 8
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
        stated: dict[str, Any] = {
            "SOPClassUID": CR, "SOPInstanceUID": generate_uid(), "Modality": "CR", "Rows": values.shape[0],
            "Columns": values.shape[1], "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1,
            "PixelRepresentation": int(values.dtype.kind == "i"), "PixelData": values.tobytes(), **elements,
        }  # fmt: skip
        for keyword, value in stated.items():
            if value is not None:
                setattr(dataset, keyword, value)
        dataset["PixelData"].VR = "OW"
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        return path

    return write
