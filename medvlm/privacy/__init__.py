"""Whether a scan may be shown: what it holds that could name a person, and what is done about it."""

from medvlm.privacy.gate import Admission, Asked, Choice, Gate, Mode, Ruling, Verdict, admitted
from medvlm.privacy.header import Finding, findings_of
from medvlm.privacy.masks import Box, masked
from medvlm.privacy.pixels import INSTALL, Detector, detector
from medvlm.privacy.waiting import Waiting

__all__ = [
    "INSTALL",
    "Admission",
    "Asked",
    "Box",
    "Choice",
    "Detector",
    "Finding",
    "Gate",
    "Mode",
    "Ruling",
    "Verdict",
    "Waiting",
    "admitted",
    "detector",
    "findings_of",
    "masked",
]
