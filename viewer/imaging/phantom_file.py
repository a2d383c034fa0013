"""The synthetic film as a DICOM file: Digital X-Ray Image Storage, For Presentation.

References: DICOM PS3.3 A.26 (Digital X-Ray Image IOD).
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

NOTE = "SYNTHETIC: drawn by a program from ellipsoids and tubes. It shows no person."

_IMPLEMENTATION_UID = "2.25.213409285721508342094876510983276451"


def dicom_bytes(pixels: np.ndarray, spacing_mm: tuple[float, float], center_width: tuple[int, int], digest: bytes) -> bytes:
    """Return the file, the same bytes for the same arguments.

    Parameters
    ----------
    pixels
        uint16 (rows, columns), 12 bits.
    digest
        Of the pixels; every UID is made from it, so that two different films never share one.
    """
    stream = BytesIO()
    dataset = _dataset(pixels, spacing_mm, center_width, digest)
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def _uid(digest: bytes, purpose: int) -> str:
    """Return a UID below 2.25 made from 15 bytes of a digest and one of purpose (PS3.5 B.2)."""
    return f"2.25.{int.from_bytes(bytes([purpose]) + digest[:15], 'big')}"


def _dataset(pixels: np.ndarray, spacing_mm: tuple[float, float], center_width: tuple[int, int], digest: bytes) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = _file_meta(_uid(digest, 1))
    for keyword, value in {**_IDENTITY, **_ACQUISITION}.items():
        setattr(dataset, keyword, value)
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = _uid(digest, 1)
    dataset.StudyInstanceUID = _uid(digest, 2)
    dataset.SeriesInstanceUID = _uid(digest, 3)
    dataset.WindowCenter, dataset.WindowWidth = center_width
    # DS holds 16 characters.
    dataset.ImagerPixelSpacing = [f"{value:.10f}" for value in spacing_mm]
    _add_pixels(dataset, pixels)
    return dataset


def _file_meta(instance_uid: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_IMPLEMENTATION_UID)
    meta.ImplementationVersionName = "HILUM"
    return meta


def _add_pixels(dataset: Dataset, pixels: np.ndarray) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.astype("<u2").tobytes()


_IDENTITY = {
    "SpecificCharacterSet": "ISO_IR 192",
    "PatientName": "Synthetic^Chest Phantom",
    "PatientID": "SYNTHETIC",
    "PatientBirthDate": "",
    "PatientSex": "O",
    "PatientComments": NOTE,
    "StudyDate": "20240101",
    "StudyTime": "120000",
    "ContentDate": "20240101",
    "ContentTime": "120000",
    "AcquisitionDate": "20240101",
    "AcquisitionTime": "120000",
    "AccessionNumber": "",
    "ReferringPhysicianName": "",
    "StudyID": "1",
    "SeriesNumber": 1,
    "InstanceNumber": 1,
    "Manufacturer": "Hilum",
    "ManufacturerModelName": "Synthetic film",
    "InstitutionName": "No hospital",
    "StudyDescription": "Synthetic chest film",
    "SeriesDescription": "PA, synthetic",
    "ImageComments": NOTE,
    "DerivationDescription": NOTE,
    "QualityControlImage": "YES",
    "BurnedInAnnotation": "YES",
}

_ACQUISITION = {
    "Modality": "DX",
    "PresentationIntentType": "FOR PRESENTATION",
    "ImageType": ["DERIVED", "PRIMARY"],
    "BodyPartExamined": "CHEST",
    "ViewPosition": "PA",
    "PatientOrientation": ["L", "F"],
    "ImageLaterality": "U",
    "PixelIntensityRelationship": "LOG",
    "PixelIntensityRelationshipSign": -1,
    "RescaleIntercept": "0",
    "RescaleSlope": "1",
    "RescaleType": "US",
    "PresentationLUTShape": "IDENTITY",
    "LossyImageCompression": "00",
    "WindowCenterWidthExplanation": "NORMAL",
    "DetectorType": "DIRECT",
    "KVP": "120",
}
