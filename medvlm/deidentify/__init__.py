"""De-identification of DICOM pictures after PS3.15's Basic Profile, as far as a program can: best effort."""

from medvlm.deidentify.batch import Options, deidentify
from medvlm.deidentify.report import Report

__all__ = ["Options", "Report", "deidentify"]
