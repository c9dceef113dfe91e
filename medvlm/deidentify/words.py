"""Code words that may stay in a de-identified header: a closed vocabulary, since a code may be anybody's word, too."""

import re

# Elements whose words are looked up; code strings of all other elements are removed.
KEPT = frozenset(
    (
        *("SpecificCharacterSet", "ImageType", "FrameType", "Modality", "ConversionType", "PresentationIntentType"),
        *("PhotometricInterpretation", "PixelPresentation", "VolumetricProperties", "VolumeBasedCalculationTechnique"),
        *("BodyPartExamined", "Laterality", "ImageLaterality", "FrameLaterality", "ViewPosition", "PatientPosition"),
        *("PatientOrientation", "QualityControlImage", "BurnedInAnnotation", "RecognizableVisualFeatures"),
        *("LossyImageCompression", "LossyImageCompressionMethod", "PresentationLUTShape", "VOILUTFunction"),
        *("PixelIntensityRelationship", "RescaleType", "Units", "SeriesType", "CountsSource", "CollimatorType"),
        *("ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "AngioFlag", "RotationDirection"),
        *("InPlanePhaseEncodingDirection", "VariableFlipAngleFlag", "ExposureModulationType", "DetectorType"),
        *("ComplexImageComponent", "AcquisitionContrast", "DimensionOrganizationType", "CorrectedImage", "Grid"),
        *("DecayCorrection", "FieldOfViewShape", "FilterType", "UltrasoundColorDataPresent"),
    )
)
# The defined terms of these elements in PS3.3, and what scanners commonly write there.
_WORDS = frozenset(
    (
        # kinds of picture (C.7.6.1.1.2, C.8.16.1)
        *("ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY", "MIXED", "AXIAL", "LOCALIZER", "MPR", "MIP", "MINIP", "NONE"),
        *("VOLUME", "M", "P", "R", "I", "M_FFE", "M_SE", "M_IR", "P_MAP", "PHASE MAP", "WATER", "FAT", "IN_PHASE"),
        *("OUT_PHASE", "ADC", "TRACEW", "FA", "PERFUSION", "DIFFUSION", "SAGITTAL", "CORONAL", "OBLIQUE", "SINGLE"),
        *("BIPLANE", "SINGLE PLANE", "OVERVIEW", "THUMBNAIL", "RESAMPLED", "STATIC", "DYNAMIC", "GATED", "WHOLE BODY"),
        *("TOMO", "RECON TOMO", "RECON GATED TOMO", "MAX_IP", "MIN_IP", "AVERAGE", "VOLUME_RENDER", "SURFACE_RENDER"),
        *("SUBTRACTION", "MAGNITUDE", "PHASE", "REAL", "IMAGINARY", "NORM", "DIS2D", "DIS3D", "ND", "OTHER"),
        *("T1", "T2", "T2_STAR", "PROTON_DENSITY", "FLOW_ENCODED", "FLUID_ATTENUATED", "STIR", "TAGGING", "TOF"),
        *("MONOCHROME", "COLOR", "TRUE_COLOR", "PALETTE COLOR", "COLOR_RANGE", "SAMPLED", "DISTORTED", "MPR_THICK"),
        *("3D", "2D", "2DSLICE", "3D_TEMPORAL", "TILED_FULL", "TILED_SPARSE", "IMAGE", "REPROJECTION"),
        # places and directions
        *("L", "B", "U", "HFS", "HFP", "HFDL", "HFDR", "FFS", "FFP", "FFDL", "FFDR", "LFS", "LFP", "RFS", "RFP"),
        *("AP", "PA", "LL", "RL", "LLD", "RLD", "LLO", "RLO", "LAT", "LPO", "LAO", "RPO", "RAO", "CC", "MLO", "ML"),
        *("LM", "LMO", "XCCL", "XCCM", "ROW", "COL", "COLUMN", "CW", "CCW"),
        # how it is shown and stored
        *("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420"),
        *("FOR PRESENTATION", "FOR PROCESSING", "IDENTITY", "INVERSE", "LINEAR", "LINEAR_EXACT", "SIGMOID", "LIN"),
        *("LOG", "DISP", "00", "01", "YES", "NO", "Y", "N", "BOTH", "DV", "DI", "DF", "WSD", "SD", "SI", "DRW", "SYN"),
        *("ISO_10918_1", "ISO_14495_1", "ISO_15444_1", "ISO_15444_15", "ISO_13818_2", "ISO_14496_10", "ISO_23008_2"),
        # units
        *("HU", "HU_MOD", "OD", "US", "MGML", "PCT", "Z_EFF", "ED", "EDW", "BQML", "CNTS", "GML", "CPS", "PROPCNTS"),
        # how it was taken
        *("SE", "IR", "GR", "EP", "RM", "SK", "MTC", "SS", "TRSS", "SP", "MP", "OSP", "PER", "RG", "CG", "PPG", "FC"),
        *("PFF", "PFP", "FS", "HELICAL MODE", "AXIAL MODE", "HELIX", "DIRECT", "SCINTILLATOR", "STORAGE", "FILM"),
        *("RECTANGLE", "ROUND", "HEXAGONAL", "CYLINDRICAL RING", "RING", "FAN", "PARA", "PINH", "EMISSION"),
        *("TRANSMISSION", "START", "ADMIN", "ATTN", "SCAT", "DTIM", "DECY", "NORMAL", "RADL", "DCAL", "RAN", "RANSM"),
        *("FIXED", "FOCUSED", "RECIPROCATING", "PARALLEL", "CROSSED", "STRIP", "WEDGE", "BUTTERFLY", "FLAT"),
    )
)
_CHARACTERS = re.compile(r"|(ISO_IR|ISO 2022 IR) \d{1,3}|GB18030|GBK")
_SIDES = re.compile(r"[APLRHF]{1,3}")


def is_known(keyword: str, word: str) -> bool:
    """Whether a word that an element of `KEPT` holds says nothing of a person. An empty one does not."""
    from medvlm.imaging.domain import BODY_PARTS, MODALITIES, WITHOUT_PIXELS

    if keyword == "SpecificCharacterSet":
        return _CHARACTERS.fullmatch(word) is not None
    if keyword == "Modality":
        return word in MODALITIES or word in WITHOUT_PIXELS
    if keyword == "BodyPartExamined":
        return "".join(letter for letter in word.upper() if letter.isalnum()) in BODY_PARTS
    return not word or word in _WORDS or (keyword == "PatientOrientation" and _SIDES.fullmatch(word) is not None)
