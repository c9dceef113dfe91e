"""The wordings in which questions are put: training wordings and others that only tests use."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wordings:
    """Templates for one form of question. `held_out` ones are never trained on."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def pick(self, rng: random.Random, held_out: bool, **words: str) -> str:
        """One wording at random with its places filled, its first letter in capitals."""
        text = rng.choice(self.held_out if held_out else self.train).format(**words)
        return text[:1].upper() + text[1:]


MODALITY_OPEN = Wordings(
    (
        "What type of imaging modality is this?",
        "Which modality was used?",
        "How was this picture taken?",
        "What kind of scan is this?",
        "What imaging technique is shown?",
        "What type of picture is this?",
        "By what method was this image acquired?",
        "What is the modality?",
    ),
    (
        "Name the modality of this image.",
        "With which technique was this image obtained?",
        "What sort of imaging study am I looking at?",
    ),
)
MODALITY_YES_NO = Wordings(
    (
        "Is this {a}?",
        "Is this image {a}?",
        "Was this taken as {a}?",
        "Is {a} shown here?",
        "Does this picture come from {a}?",
        "Is the picture {a}?",
    ),
    ("Am I looking at {a}?", "Would you call this {a}?", "Is the study shown {a}?"),
)
MODALITY_PAIR = Wordings(
    (
        "Is this {a} or {b}?",
        "Which is it, {a} or {b}?",
        "Was this taken as {a} or as {b}?",
        "Is the image {a} or {b}?",
        "Does this show {a} or {b}?",
    ),
    ("Would you say this is {a} or {b}?", "Am I looking at {a} or {b}?"),
)
PLANE_OPEN = Wordings(
    (
        "What plane is this?",
        "In which plane is this image?",
        "What is the plane of this picture?",
        "Which view is shown?",
        "In what plane was this scan taken?",
        "What is the orientation of this image?",
        "Which imaging plane do we see?",
    ),
    ("Name the plane of this image.", "From which direction is the body seen here?", "Tell me the plane of section."),
)
PLANE_YES_NO = Wordings(
    (
        "Is this {a} view?",
        "Is this image {value}?",
        "Is the image in the {value} plane?",
        "Was this taken in {value} view?",
        "Is this {a} image?",
        "Is the plane {value}?",
    ),
    ("Would you call this {a} picture?", "Is the view shown here {value}?", "Am I looking at {a} image?"),
)
PLANE_PAIR = Wordings(
    (
        "Is this {value} or {other}?",
        "Is the plane {value} or {other}?",
        "Was this taken in {value} or {other} view?",
        "Which plane is it, {value} or {other}?",
        "Is the image {value} or {other}?",
    ),
    ("Would you call the view {value} or {other}?", "{value} or {other}: which plane is shown?"),
)
REGION_OPEN = Wordings(
    (
        "What part of the body is this?",
        "Which body region is shown?",
        "What region of the body do we see?",
        "What part of the body was imaged?",
        "Which part of the patient is pictured?",
        "What anatomical region is this?",
    ),
    ("Name the body region in this image.", "Where in the body was this taken?", "Which anatomical area is displayed?"),
)
REGION_YES_NO = Wordings(
    (
        "Is this the {value}?",
        "Does this image show the {value}?",
        "Is the {value} shown?",
        "Was the {value} imaged?",
        "Is this a picture of the {value}?",
    ),
    ("Am I looking at the {value}?", "Is the {value} the part that was imaged?"),
)
REGION_PAIR = Wordings(
    (
        "Is this the {value} or the {other}?",
        "Which is shown, the {value} or the {other}?",
        "Does the image show the {value} or the {other}?",
        "Was the {value} or the {other} imaged?",
        "Do we see the {value} or the {other}?",
    ),
    ("Am I looking at the {value} or the {other}?", "The {value} or the {other}: which one is it?"),
)
ORGAN_OPEN = Wordings(
    (
        "What organ is this?",
        "Which organ is shown?",
        "What organ do we see in this picture?",
        "What is the main organ in this image?",
        "Which organ is being imaged?",
        "What organ is pictured here?",
    ),
    ("Name the organ in this image.", "Which organ is this picture about?", "What organ am I looking at?"),
)
ORGAN_YES_NO = Wordings(
    (
        "Is the {value} the main organ here?",
        "Is the organ shown {v}?",
        "Is this image of the {value}?",
        "Is the {value} the organ in this picture?",
        "Do we mainly see the {value}?",
    ),
    ("Would you say the organ is the {value}?", "Is it the {value} that we see?"),
)
ORGAN_PAIR = Wordings(
    (
        "Is the organ the {value} or the {other}?",
        "Which organ is it, the {value} or the {other}?",
        "Is the main organ here the {value} or the {other}?",
        "Do we mainly see the {value} or the {other}?",
        "Is this organ the {value} or the {other}?",
    ),
    ("Would you say the organ is the {value} or the {other}?", "The {value} or the {other}: which organ is shown?"),
)
PRESENCE = Wordings(
    (
        "Is there {a}?",
        "Is there evidence of {a}?",
        "Do you see {a}?",
        "Is {a} present?",
        "Is there any sign of {a}?",
        "Does this image show {a}?",
        "Does the patient have {a}?",
        "Can {a} be seen?",
        "Is {a} visible?",
        "Is there {a} in this image?",
    ),
    ("Would you report {a} here?", "Can you make out {a}?", "Any {bare}?", "Does the picture suggest {a}?"),
)
PRESENCE_PLURAL = Wordings(
    (
        "Are there {bare}?",
        "Are there any {bare}?",
        "Is there evidence of {bare}?",
        "Do you see {bare}?",
        "Are {bare} present?",
        "Does this image show {bare}?",
        "Can {bare} be seen?",
        "Are {bare} visible?",
    ),
    ("Would you report {bare} here?", "Can you make out any {bare}?", "Any {bare}?"),
)
WHICH_OPEN = Wordings(
    (
        "What abnormality is seen?",
        "What is abnormal in this image?",
        "What does this image show?",
        "What is the main finding?",
        "What pathology is present?",
        "Which abnormalities do you see?",
        "What is wrong in this picture?",
        "What are the findings?",
    ),
    ("What would you report here?", "Name the abnormal finding.", "What catches your eye in this image?"),
)
WHICH_PAIR = Wordings(
    (
        "Is this {a} or {b}?",
        "Which is present, {a} or {b}?",
        "Does the image show {a} or {b}?",
        "Do you see {a} or {b}?",
        "Which is seen here, {a} or {b}?",
        "Is the finding {a} or {b}?",
    ),
    ("Would you call it {a} or {b}?", "{a} or {b}: which one is there?"),
)
SIDE_OPEN = Wordings(
    (
        "Which side {be} the {bare} on?",
        "On which side {be} the {bare}?",
        "What side {be} the {bare} on?",
        "Which side of the patient shows the {bare}?",
        "On what side do you see the {bare}?",
    ),
    (
        "Tell me the side of the {bare}.",
        "To which side does the {bare} belong?",
        "Which side of the body has the {bare}?",
    ),
)
SIDE_YES_NO = Wordings(
    (
        "Is the {bare} on the {value}?",
        "Is the {bare} {value}-sided?",
        "Is the {bare} located on the {value} side?",
        "Do you see the {bare} on the {value}?",
        "Does the {bare} lie on the {value} side?",
    ),
    ("Would you place the {bare} on the {value}?", "Is it the {value} side that has the {bare}?"),
)
SIDE_PAIR = Wordings(
    (
        "Is the {bare} on the left or on the right?",
        "Left or right, where is the {bare}?",
        "Is the {bare} left-sided or right-sided?",
        "Does the {bare} lie on the left or the right side?",
        "Is the {bare} on the right or on the left?",
    ),
    ("Would you put the {bare} on the left or the right?", "Which of the two sides has the {bare}, left or right?"),
)
PLACE_OPEN = Wordings(
    (
        "Where {be} the {bare}?",
        "Where {be} the {bare} located?",
        "What is the location of the {bare}?",
        "In which part do you see the {bare}?",
        "Where do you see the {bare}?",
        "Where exactly {be} the {bare}?",
    ),
    ("Tell me where the {bare} {be}.", "Which place shows the {bare}?", "Give the location of the {bare}."),
)
PLACE_YES_NO = Wordings(
    (
        "Is the {bare} {at}?",
        "Is the {bare} located {at}?",
        "Do you see the {bare} {at}?",
        "Does the {bare} lie {at}?",
        "Can the {bare} be found {at}?",
    ),
    ("Would you place the {bare} {at}?", "Does the {bare} sit {at}?"),
)
PLACE_PAIR = Wordings(
    (
        "Is the {bare} {at} or {other}?",
        "Where is the {bare}, {at} or {other}?",
        "Does the {bare} lie {at} or {other}?",
        "Is the {bare} located {at} or {other}?",
        "Do you see the {bare} {at} or {other}?",
    ),
    ("Would you place the {bare} {at} or {other}?", "Does the {bare} sit {at} or {other}?"),
)
HALF = Wordings(
    (
        "Is the {bare} in the upper or the lower half of the picture?",
        "Is the {bare} in the lower or in the upper half?",
        "Which half has the {bare}, the upper or the lower?",
        "Does the {bare} lie in the upper half or in the lower half?",
        "Looking at the picture, is the {bare} in the upper or in the lower half?",
    ),
    ("Would you find the {bare} in the upper or the lower half?", "Upper half or lower half: where is the {bare}?"),
)
SIZE_OPEN = Wordings(
    (
        "How large is the {bare}?",
        "What is the size of the {bare}?",
        "How big is the {bare}?",
        "What does the {bare} measure?",
        "What is the diameter of the {bare}?",
    ),
    ("Give the size of the {bare}.", "How much does the {bare} measure?", "Estimate the diameter of the {bare}."),
)
SIZE_YES_NO = Wordings(
    (
        "Is the {bare} larger than {limit}?",
        "Does the {bare} measure more than {limit}?",
        "Is the {bare} more than {limit} across?",
        "Is the {bare} bigger than {limit}?",
        "Is the size of the {bare} above {limit}?",
    ),
    ("Would you measure the {bare} at more than {limit}?", "Does the {bare} exceed {limit}?"),
)
COUNT_OPEN = Wordings(
    (
        "How many {many} are there?",
        "How many {many} do you see?",
        "What is the number of {many}?",
        "How many {many} are seen in this image?",
        "How many {many} can be counted?",
    ),
    ("Count the {many}.", "Give the number of {many}.", "How many {many} does the picture show?"),
)
COUNT_YES_NO = Wordings(
    (
        "Is there more than one {one}?",
        "Are there several {many}?",
        "Is more than one {one} present?",
        "Do you see more than one {one}?",
        "Are there multiple {many}?",
    ),
    ("Would you count more than one {one}?", "Can more than one {one} be made out?"),
)
NORMAL = Wordings(
    (
        "Is this image normal?",
        "Does this {thing} look normal?",
        "Is this a normal {thing}?",
        "Is everything normal here?",
        "Does this appear normal?",
        "Is this {thing} normal appearing?",
        "Is the picture within normal limits?",
    ),
    ("Would you call this normal?", "Is this study unremarkable?", "Could this be reported as normal?"),
)
ABNORMAL = Wordings(
    (
        "Is there anything abnormal?",
        "Is there an abnormality in this image?",
        "Is this image abnormal?",
        "Is anything wrong in this {thing}?",
        "Are there abnormal findings?",
        "Does this {thing} show any pathology?",
        "Is any abnormality seen?",
    ),
    ("Does anything look out of order?", "Would you report an abnormality?", "Is some disease visible here?"),
)
LUNGS = Wordings(
    (
        "Are the lungs normal appearing?",
        "Are the lungs clear?",
        "Do the lungs look normal?",
        "Are both lungs normal?",
        "Are the lung fields clear?",
    ),
    ("Would you call the lungs clear?", "Are the lungs unremarkable?"),
)
AFFECTED_SIDE = Wordings(
    (
        "Which side is more affected, the left or the right?",
        "Which side looks more abnormal, left or right?",
        "Comparing left and right, which side is worse?",
        "Is the abnormality greater on the left or on the right?",
        "Which of the two sides is diseased, left or right?",
    ),
    ("Compare both sides: is left or right more abnormal?", "Between left and right, where is the disease greater?"),
)
COMPARED_SIDE = Wordings(
    (
        "Which side is {quality}, the left or the right?",
        "Is the left or the right side {quality}?",
        "Comparing left and right, which is {quality}?",
        "Which of the two sides is {quality}, left or right?",
        "Is the left side or the right side {quality}?",
    ),
    ("Compare both sides: which is {quality}, left or right?", "Between left and right, which side is {quality}?"),
)
AFFECTED_HALF = Wordings(
    (
        "Which half of the picture is more affected, the {a} or the {b}?",
        "Is the {a} or the {b} half of the picture more abnormal?",
        "Comparing the {a} and the {b} half, which one shows the abnormality?",
        "Which half looks worse, the {a} or the {b} one?",
        "Does the {a} or the {b} half show more disease?",
    ),
    ("Compare the {a} with the {b} half: which is more abnormal?", "Between the {a} and the {b} half, which is worse?"),
)
LARGER = Wordings(
    (
        "Which is larger, the {a} or the {b}?",
        "Is the {a} or the {b} larger?",
        "Comparing the {a} with the {b}, which is bigger?",
        "Which one is bigger, the {a} or the {b}?",
        "Which takes up more room, the {a} or the {b}?",
    ),
    ("Compare the {a} and the {b}: which is larger?", "Between the {a} and the {b}, which measures more?"),
)
SEQUENCE_OPEN = Wordings(
    (
        "Which MRI sequence is this?",
        "What sequence was used?",
        "What kind of MRI image is this?",
        "How is this MRI weighted?",
        "What is the weighting of this image?",
        "Which MR sequence do we see?",
    ),
    ("Name the sequence of this MRI.", "With which weighting was this scan taken?"),
)
SEQUENCE_YES_NO = Wordings(
    (
        "Is this {a} image?",
        "Is this {a} sequence?",
        "Was {a} sequence used?",
        "Is the sequence {value}?",
        "Is this MRI {value}?",
    ),
    ("Would you call this {a} scan?", "Is the weighting {value}?"),
)
SEQUENCE_PAIR = Wordings(
    (
        "Is this {value} or {other}?",
        "Is the sequence {value} or {other}?",
        "Was this taken as {value} or {other}?",
        "Which sequence is it, {value} or {other}?",
        "Is this a {value} or a {other} image?",
    ),
    ("Would you say {value} or {other}?", "{value} or {other}: which sequence is this?"),
)
CONTRAST = Wordings(
    (
        "Was this image taken with contrast?",
        "Was contrast given?",
        "Is this a contrast-enhanced scan?",
        "Is contrast used in this scan?",
        "Is there contrast in the vessels?",
        "Does this scan use intravenous contrast?",
    ),
    ("Has contrast been injected?", "Would you say contrast was given?"),
)
CONTRAST_OPEN = Wordings(
    (
        "How was this scan taken, with or without contrast?",
        "Is this with or without contrast?",
        "With or without contrast?",
        "Was this CT done with or without contrast?",
        "Does this image use contrast or not?",
    ),
    ("Contrast or no contrast?", "Would you say this is with or without contrast?"),
)
STAIN_OPEN = Wordings(
    (
        "What stain is this?",
        "Which stain was used?",
        "How is this slide stained?",
        "What staining method is shown?",
        "With what was this tissue stained?",
    ),
    ("Name the stain of this slide.", "Which staining was applied to this tissue?"),
)
STAIN_YES_NO = Wordings(
    (
        "Is this slide stained with {value}?",
        "Is the stain {value}?",
        "Was {value} used on this slide?",
        "Is this a slide with {value}?",
        "Do we see {value} here?",
    ),
    ("Would you say the stain is {value}?", "Has {value} been applied?"),
)
STAIN_PAIR = Wordings(
    (
        "Is the stain {value} or {other}?",
        "Is this {value} or {other}?",
        "Which stain is it, {value} or {other}?",
        "Was {value} or {other} used?",
        "Do we see {value} or {other}?",
    ),
    ("Would you say {value} or {other}?", "{value} or {other}: which stain is this?"),
)
EXPOSURE_OPEN = Wordings(
    (
        "How is the exposure of this film?",
        "What is the exposure like?",
        "How was this X-ray exposed?",
        "How would you describe the exposure?",
        "What is the quality of the exposure?",
    ),
    ("Describe the exposure.", "What do you say about the exposure of this radiograph?"),
)
EXPOSURE_YES_NO = Wordings(
    (
        "Is this film {value}?",
        "Is the X-ray {value}?",
        "Is this radiograph {value}?",
        "Is the picture {value}?",
        "Does this film look {value}?",
    ),
    ("Would you call the film {value}?", "Does the radiograph look {value}?"),
)
EXPOSURE_PAIR = Wordings(
    (
        "Is the film {value} or {other}?",
        "Is this radiograph {value} or {other}?",
        "Is this X-ray {value} or {other}?",
        "Which is it, {value} or {other}?",
        "Does the film look {value} or {other}?",
    ),
    ("Would you call the film {value} or {other}?", "{value} or {other}: how is the exposure?"),
)
MAGNIFICATION_OPEN = Wordings(
    (
        "What is the magnification?",
        "At what magnification was this taken?",
        "How strong is the magnification?",
        "Which magnification is this?",
        "How much is the tissue magnified?",
    ),
    ("Tell me the magnification.", "With what power was this seen?"),
)
MAGNIFICATION_YES_NO = Wordings(
    (
        "Is this a {value} magnification picture?",
        "Is the magnification {value}?",
        "Was this taken at {value} magnification?",
        "Is this at {value} power?",
        "Is it a {value}-power view?",
    ),
    ("Would you call the magnification {value}?", "Does this look like {value} power?"),
)
MAGNIFICATION_PAIR = Wordings(
    (
        "Is the magnification {value} or {other}?",
        "Is this {value} or {other} magnification?",
        "Was it taken at {value} or {other} power?",
        "Which power is it, {value} or {other}?",
        "Do we see {value} or {other} magnification?",
    ),
    ("Would you say {value} or {other} power?", "{value} or {other}: which magnification is it?"),
)
# Other ways to ask for one finding, as they are asked in a given kind of picture: (domain, finding) -> whole questions.
ALSO_ASKED: dict[tuple[str, str], tuple[str, ...]] = {
    ("cxr", "cardiomegaly"): (
        "Is the heart enlarged?",
        "Is the heart too large?",
        "Is the cardiac silhouette enlarged?",
        "Is the heart size abnormal?",
    ),
    ("cxr", "pleural effusion"): (
        "Is there pleural fluid?",
        "Is there fluid in the pleural space?",
        "Is there fluid around a lung?",
    ),
    ("cxr", "pneumothorax"): ("Is there air in the pleural space?", "Is there a collapsed lung?"),
    ("cxr", "elevated diaphragm"): ("Is a hemidiaphragm elevated?", "Is one side of the diaphragm raised?"),
    ("cxr", "nodule"): ("Is there a lung nodule?", "Is there a round opacity in a lung?"),
    ("cxr", "consolidation"): ("Is there an opacity in a lung?", "Is there airspace consolidation?"),
    ("ct", "bleed"): ("Is there a hemorrhage?", "Is there blood in the brain?", "Is there bleeding?"),
    ("ct", "infarct"): ("Is there an infarction?", "Is there evidence of an ischemic stroke?"),
    ("ct", "free fluid"): ("Is there ascites?", "Is there fluid in the abdomen?"),
    ("ct", "fracture"): ("Is a bone broken?", "Is there a broken bone?"),
    ("mri", "atrophy"): ("Is the brain shrunken?", "Is the brain atrophied?"),
    ("mri", "effusion"): ("Is there fluid in the joint?",),
    ("histology", "mitoses"): ("Are there dividing cells?", "Are there mitotic figures?"),
    ("histology", "high cellularity"): ("Is the tissue very cellular?", "Is the cellularity increased?"),
    ("histology", "inflammation"): ("Is there an inflammatory infiltrate?", "Are there clusters of lymphocytes?"),
    ("histology", "necrosis"): ("Is there necrotic tissue?",),
    ("histology", "fibrosis"): ("Is there scar tissue?",),
    ("gross", "haemorrhage"): ("Is there a hemorrhage?", "Is there bleeding into the organ?"),
    ("gross", "necrosis"): ("Is there dead tissue?",),
    ("gross", "mass"): ("Is there a tumor?",),
}
