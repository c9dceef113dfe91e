"""Whether a scan may be shown: what it holds that could name a person, and what is done about it."""

from medvlm.privacy.gate import Choice, Gate, Mode, Ruling, Verdict, admitted
from medvlm.privacy.header import Finding, findings_of
from medvlm.privacy.masks import Box, masked
from medvlm.privacy.pixels import INSTALL, Detector, detector

__all__ = [
    "INSTALL",
    "Box",
    "Choice",
    "Detector",
    "Finding",
    "Gate",
    "Mode",
    "Ruling",
    "Verdict",
    "admitted",
    "detector",
    "findings_of",
    "masked",
]
