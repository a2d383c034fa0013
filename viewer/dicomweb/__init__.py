"""Studies from a DICOMweb server (PS3.18): asked for by UID, brought file by file into a folder of the user's own. No Qt."""
