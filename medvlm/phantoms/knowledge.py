"""Questions and answers without a picture, so that a model trained on phantoms still talks about other things."""

import random

from medvlm.types import Turn

Pair = tuple[str, str]

IDENTITY: tuple[Pair, ...] = (
    ("Who are you?", "I am nano, a small research model that talks about medical pictures. I am not for diagnosis."),
    (
        "What can you do?",
        "I can look at a medical picture and say what kind it is and what I see in it. My answers are a research "
        "demonstration, not a diagnosis.",
    ),
    ("Are you a doctor?", "No. I am a small language model for research, and I cannot replace a doctor."),
    (
        "Can I use your answers to treat a patient?",
        "No, please do not. I make mistakes, and my answers are for research only.",
    ),
    (
        "How accurate are you?",
        "I am small and I am often wrong. Please check everything I say against the picture and with a specialist.",
    ),
    ("Do you remember me?", "No. I only know what has been said in this conversation."),
    (
        "Which pictures do you understand?",
        "I was trained on chest X-rays, CT, MRI, histology slides and photographs of organs. Other pictures are "
        "likely to confuse me.",
    ),
    (
        "Can you see the picture before I send it?",
        "No. I need the picture first, and then I can say something about it.",
    ),
    ("Are you a human being?", "No. I am a computer program that writes text about pictures."),
    (
        "Do you give medical advice?",
        "No. I can describe pictures and explain terms, but advice for a patient must come from a clinician.",
    ),
)
DAILY: tuple[Pair, ...] = (
    ("Say hello.", "Hello! How can I help you today?"),
    ("Hello.", "Hello! Do you have a picture that you would like to talk about?"),
    ("Good morning.", "Good morning! What would you like to look at?"),
    ("Thank you.", "You are welcome. Is there anything else that you would like to know?"),
    ("Goodbye.", "Goodbye, and have a good day!"),
    ("What is the capital of France?", "The capital of France is Paris."),
    ("How many days are in a week?", "There are seven days in a week."),
    ("What is two plus three?", "Two plus three is five."),
    (
        "What colour is the sky on a clear day?",
        "On a clear day the sky is blue, because air scatters blue light more than red light.",
    ),
    (
        "Why is the sea salty?",
        "Rivers wash salts out of rocks and carry them into the sea. Water evaporates from the sea, but the salt "
        "stays behind.",
    ),
    (
        "What is a good way to learn a new word?",
        "Use it in a few sentences of your own, and come back to it the next day. Repetition over several days "
        "works better than one long session.",
    ),
    ("Tell me a short joke.", "Why did the skeleton not go to the party? It had no body to go with."),
    ("Name three fruits.", "Three fruits are apples, pears and bananas."),
    ("What is the opposite of hot?", "The opposite of hot is cold."),
    (
        "How do I boil an egg?",
        "Put the egg into boiling water for about seven to ten minutes, depending on how firm you want it. Then "
        "cool it under cold water before you peel it.",
    ),
    ("Which month comes after March?", "April comes after March."),
    ("What is a synonym of quick?", "A synonym of quick is fast."),
    (
        "What is water made of?",
        "Water is made of hydrogen and oxygen. Each molecule has two hydrogen atoms and one oxygen atom.",
    ),
    (
        "Why do we sleep?",
        "Sleep lets the body and the brain recover. It helps memory, mood and the defence against infections.",
    ),
    (
        "What is a computer program?",
        "A computer program is a list of instructions that a computer carries out step by step.",
    ),
    ("How far away is the moon?", "The moon is about 384,000 kilometres away from the earth on average."),
    ("What is the largest planet of the solar system?", "Jupiter is the largest planet of the solar system."),
    (
        "Write one sentence about the spring.",
        "In spring the days grow longer and the first green leaves appear on the trees.",
    ),
    ("How many minutes does an hour have?", "An hour has sixty minutes."),
    ("What do bees make?", "Bees make honey from the nectar of flowers."),
)
IMAGING: tuple[Pair, ...] = (
    (
        "What is an X-ray?",
        "An X-ray is a picture made with radiation that passes through the body. Dense parts such as bone stop "
        "more of it and look white.",
    ),
    (
        "What does CT stand for?",
        "CT stands for computed tomography. A rotating X-ray tube takes many views, and a computer turns them "
        "into slices.",
    ),
    (
        "What does MRI stand for?",
        "MRI stands for magnetic resonance imaging. It uses a strong magnet and radio waves instead of X-rays.",
    ),
    (
        "What does T2-weighted mean?",
        "A T2-weighted MRI image shows water and other fluids bright. Swelling and many lesions contain more "
        "water, so they stand out on it.",
    ),
    (
        "What does T1-weighted mean?",
        "A T1-weighted MRI image shows fat bright and water dark. It is useful for seeing the anatomy.",
    ),
    (
        "What is FLAIR?",
        "FLAIR is an MRI sequence in which free fluid, such as that in the ventricles, is made dark. Lesions "
        "next to the fluid are then easier to see.",
    ),
    (
        "What is diffusion-weighted imaging?",
        "Diffusion-weighted imaging is an MRI method that shows how freely water moves in tissue. A fresh "
        "infarct is bright on it, because water moves less there.",
    ),
    (
        "Why is air black on a CT?",
        "Air hardly absorbs X-rays, so it has the lowest numbers on a CT, about minus 1000 Hounsfield units. The "
        "lowest numbers are shown black.",
    ),
    (
        "Why is bone white on a CT?",
        "Bone contains calcium and absorbs a lot of X-rays. High absorption is shown as white.",
    ),
    (
        "What are Hounsfield units?",
        "Hounsfield units are the scale of CT numbers. Water is 0, air is about minus 1000, and dense bone lies "
        "above 1000.",
    ),
    (
        "What is a CT window?",
        "A window chooses which range of CT numbers is spread over the greys from black to white. A lung window "
        "shows the lungs, a bone window shows bone.",
    ),
    (
        "What is the axial plane?",
        "The axial plane cuts the body across, into upper and lower parts. Most CT slices are axial.",
    ),
    (
        "What is the sagittal plane?",
        "The sagittal plane runs from front to back and divides the body into left and right parts.",
    ),
    (
        "What is the coronal plane?",
        "The coronal plane runs from side to side and divides the body into front and back parts.",
    ),
    (
        "What is a PA chest film?",
        "In a PA chest film the beam goes from back to front, with the chest against the detector. The heart "
        "then looks less enlarged than on an AP film.",
    ),
    (
        "What is the difference between PA and AP?",
        "In a PA film the beam enters at the back, in an AP film it enters at the front. The heart looks larger "
        "on an AP film, because it is further away from the detector.",
    ),
    (
        "What is contrast medium?",
        "Contrast medium is a substance that makes vessels or organs stand out on a scan. In CT it usually "
        "contains iodine, in MRI gadolinium.",
    ),
    (
        "What is an overexposed film?",
        "An overexposed X-ray film has received too much radiation and looks too dark. Fine details of the lungs "
        "can get lost.",
    ),
    (
        "Why is the patient's left on the right of the picture?",
        "Radiology pictures are shown as if the patient faced you. The patient's left side is therefore on the "
        "right of the picture.",
    ),
    ("Does MRI use radiation?", "MRI uses no ionising radiation. It works with a magnetic field and radio waves."),
    (
        "Which is better for bone, CT or MRI?",
        "CT shows the hard, calcified part of bone better. MRI is better for bone marrow and soft tissue.",
    ),
    (
        "What is DICOM?",
        "DICOM is the standard format for medical images. A file holds the pixels together with facts about how "
        "they were taken.",
    ),
    (
        "What is ultrasound?",
        "Ultrasound makes pictures from the echoes of high sound waves. It uses no radiation and shows movement "
        "as it happens.",
    ),
    (
        "What is an artefact in a scan?",
        "An artefact is something in the picture that is not in the body, such as a streak from metal or a blur "
        "from motion.",
    ),
    (
        "What is a slice?",
        "A slice is one thin section of the body, as CT or MRI show it. A whole scan is a stack of slices.",
    ),
    (
        "What is motion blur in a scan?",
        "Motion blur appears when the patient moves or breathes during the scan. Edges then look smeared or doubled.",
    ),
    (
        "What is the diaphragm on a chest X-ray?",
        "The diaphragm is seen as two smooth domes below the lungs. The right one usually stands slightly higher.",
    ),
    (
        "What is the costophrenic angle?",
        "The costophrenic angle is the sharp corner between the diaphragm and the chest wall. Fluid in the "
        "pleural space makes it blunt.",
    ),
    ("What does hyperintense mean?", "Hyperintense means brighter than the tissue around it on an MRI."),
    ("What does hypodense mean?", "Hypodense means darker than the tissue around it on a CT."),
)
DISEASE: tuple[Pair, ...] = (
    (
        "What is a pleural effusion?",
        "A pleural effusion is fluid between the lung and the chest wall. On an upright chest X-ray it blunts "
        "the angle between the diaphragm and the ribs.",
    ),
    (
        "What is a pneumothorax?",
        "A pneumothorax is air between the lung and the chest wall. The lung can collapse, and its edge is seen "
        "as a thin line without vessels beyond it.",
    ),
    (
        "What is consolidation?",
        "Consolidation means that the air in a part of the lung has been replaced by fluid or cells. It looks "
        "white on an X-ray, and pneumonia is a common cause.",
    ),
    (
        "What is pneumonia?",
        "Pneumonia is an infection of the lung. It often causes fever and cough, and the affected part looks "
        "white on a chest X-ray.",
    ),
    (
        "What is cardiomegaly?",
        "Cardiomegaly means an enlarged heart. On a PA chest film the heart is then wider than half of the chest.",
    ),
    (
        "What is a lung nodule?",
        "A lung nodule is a small round spot in the lung, up to three centimetres across. Many are harmless, but "
        "some need to be followed up.",
    ),
    (
        "What is emphysema?",
        "Emphysema is a lung disease in which the walls of the air sacs are destroyed. On CT it shows as dark "
        "areas without walls.",
    ),
    (
        "What is a stroke?",
        "A stroke is a sudden loss of brain function, because a vessel is blocked or bleeds. Quick treatment "
        "saves brain tissue.",
    ),
    ("What is an infarct?", "An infarct is tissue that has died because its blood supply was cut off."),
    (
        "What is a brain haemorrhage?",
        "A brain haemorrhage is bleeding inside the skull. Fresh blood looks bright on a CT without contrast.",
    ),
    (
        "What is brain atrophy?",
        "Brain atrophy is a loss of brain tissue. The furrows and the ventricles then look wider.",
    ),
    (
        "What is a meniscal tear?",
        "A meniscal tear is a rip in the cartilage that cushions the knee. MRI shows it as a bright line in the "
        "dark meniscus.",
    ),
    ("What is a joint effusion?", "A joint effusion is too much fluid in a joint. It is bright on T2-weighted MRI."),
    (
        "What is a disc herniation?",
        "In a disc herniation, the soft core of a disc between two vertebrae bulges out of its place. It can "
        "press on a nerve and cause pain in the leg or arm.",
    ),
    (
        "What are kidney stones?",
        "Kidney stones are hard deposits that form in the kidney. They are very bright on CT and can cause "
        "strong pain when they move.",
    ),
    (
        "What are gallstones?",
        "Gallstones are hard lumps that form in the gallbladder. Many cause no trouble, but they can block the "
        "flow of bile.",
    ),
    ("What is ascites?", "Ascites is free fluid in the abdomen. Liver disease is a common cause."),
    ("What is a fracture?", "A fracture is a broken bone. On an X-ray or CT it shows as a line or step in the bone."),
    ("What is a cyst?", "A cyst is a hollow with a thin wall that is filled with fluid. Most cysts are harmless."),
    (
        "What is a tumour?",
        "A tumour is a lump of cells that grow more than they should. It can be benign or malignant.",
    ),
    (
        "What does malignant mean?",
        "Malignant means that a tumour can grow into other tissue and spread. Benign tumours do not do that.",
    ),
    ("What is a metastasis?", "A metastasis is a tumour that has spread from another place in the body."),
    ("What is oedema?", "Oedema is swelling caused by fluid in the tissue."),
    (
        "What is inflammation?",
        "Inflammation is the body's reaction to injury or infection. White blood cells gather in the tissue, "
        "which can be red, warm and swollen.",
    ),
    (
        "What is fibrosis?",
        "Fibrosis is scar tissue made of collagen fibres. It replaces normal tissue after long-lasting damage.",
    ),
    (
        "What is necrosis?",
        "Necrosis is the death of cells in living tissue. Under the microscope the nuclei disappear and the "
        "tissue looks like a pink smudge.",
    ),
    ("What is anaemia?", "Anaemia means that the blood has too little haemoglobin. It can make people pale and tired."),
    (
        "What is diabetes?",
        "Diabetes is a disease in which the blood sugar is too high. The body makes too little insulin or does "
        "not respond to it well.",
    ),
    (
        "What is high blood pressure?",
        "High blood pressure means that the blood presses too hard against the walls of the arteries. Over years "
        "it harms the heart, the brain and the kidneys.",
    ),
    (
        "What is asthma?",
        "Asthma is a disease in which the airways narrow from time to time. It causes wheezing and shortness of "
        "breath.",
    ),
    ("What is scoliosis?", "Scoliosis is a sideways curve of the spine."),
    ("What is arthritis?", "Arthritis is inflammation of a joint. It causes pain, swelling and stiffness."),
    (
        "What is a heart attack?",
        "In a heart attack, a blocked artery cuts off the blood supply to part of the heart muscle. It is an "
        "emergency.",
    ),
)
ANATOMY: tuple[Pair, ...] = (
    (
        "What does the heart do?",
        "The heart pumps blood through the body. Its right side sends blood to the lungs, its left side to the "
        "rest of the body.",
    ),
    ("What do the lungs do?", "The lungs bring oxygen into the blood and remove carbon dioxide."),
    ("What does the liver do?", "The liver processes food and drugs, makes bile, and stores energy."),
    (
        "What do the kidneys do?",
        "The kidneys filter the blood and make urine. They also help to control blood pressure.",
    ),
    (
        "What does the spleen do?",
        "The spleen filters the blood and removes old blood cells. It is also part of the immune system.",
    ),
    (
        "What does the pancreas do?",
        "The pancreas makes digestive juice, and it makes insulin, which controls the blood sugar.",
    ),
    ("How many lobes has the right lung?", "The right lung has three lobes: upper, middle and lower."),
    ("How many lobes has the left lung?", "The left lung has two lobes, upper and lower."),
    ("How many ribs does a person have?", "A person usually has twelve pairs of ribs."),
    (
        "What are the ventricles of the brain?",
        "The ventricles are four connected spaces in the brain. They are filled with cerebrospinal fluid.",
    ),
    (
        "What is grey matter?",
        "Grey matter is the part of the brain that holds the bodies of the nerve cells. The cortex is made of it.",
    ),
    (
        "What is white matter?",
        "White matter is the part of the brain that holds the nerve fibres. Fat in their sheaths makes it pale.",
    ),
    (
        "What is the aorta?",
        "The aorta is the largest artery of the body. It carries blood from the left side of the heart.",
    ),
    ("What is the trachea?", "The trachea is the windpipe. It carries air from the throat to the lungs."),
    (
        "What is the pleura?",
        "The pleura is a thin double layer around the lungs. A little fluid between the layers lets them glide.",
    ),
    (
        "What is a lymph node?",
        "A lymph node is a small bean-shaped organ that filters lymph. Immune cells gather in it.",
    ),
    ("What is the meniscus?", "The meniscus is a crescent of cartilage in the knee. Each knee has two of them."),
    ("How many lumbar vertebrae are there?", "There are usually five lumbar vertebrae."),
    ("What is the largest organ of the body?", "The skin is the largest organ of the body."),
    ("Where is the gallbladder?", "The gallbladder lies under the right half of the liver."),
    ("What is the colon?", "The colon is the large bowel. It takes water out of what is left of the food."),
    ("What is bone marrow?", "Bone marrow is the soft tissue inside bones. Blood cells are made there."),
)
PATHOLOGY: tuple[Pair, ...] = (
    (
        "What is histology?",
        "Histology is the study of tissue under the microscope. Thin slices are stained so that cells can be seen.",
    ),
    (
        "What does an H&E stain show?",
        "Haematoxylin colours nuclei blue or purple, and eosin colours the rest of the tissue pink. It is the "
        "most common stain in pathology.",
    ),
    (
        "What is an immunostain?",
        "An immunostain uses antibodies to mark one protein in the tissue. Marked cells often look brown on a "
        "blue background.",
    ),
    ("What is a mitosis?", "A mitosis is the division of a cell nucleus. Many mitoses mean that a tissue grows fast."),
    (
        "What is a biopsy?",
        "A biopsy is a small sample of tissue taken from the body, so that it can be looked at under the microscope.",
    ),
    (
        "What is gross pathology?",
        "Gross pathology looks at organs with the naked eye. Size, colour and cut surface are described before "
        "slides are made.",
    ),
    (
        "Why is there a ruler in the photograph?",
        "The ruler shows the scale, so that the size of the organ and of any finding can be read off.",
    ),
    (
        "What are lymphocytes?",
        "Lymphocytes are small white blood cells with dark round nuclei. They are part of the immune system.",
    ),
    ("What is a gland?", "A gland is a group of cells that makes and releases a substance such as mucus or a hormone."),
    (
        "What is a crypt in the colon?",
        "A crypt is a small tube-shaped gland in the lining of the colon. Cut across, it looks like a ring.",
    ),
    ("What is a hepatocyte?", "A hepatocyte is a liver cell. It has a round nucleus in the middle and a pink body."),
    (
        "What is chromatin?",
        "Chromatin is the material in a nucleus that holds the genes. It takes up haematoxylin and looks blue.",
    ),
    (
        "What does high cellularity mean?",
        "High cellularity means that there are many cells in a small area. Nuclei then lie close together.",
    ),
    (
        "What is a pathologist?",
        "A pathologist is a doctor who finds out about diseases by looking at tissue, cells and organs.",
    ),
    ("What is a radiologist?", "A radiologist is a doctor who reads medical pictures such as X-rays, CT and MRI."),
    (
        "What does magnification mean?",
        "Magnification says how much larger a picture shows things than they are. At high magnification single "
        "cells fill more of the picture.",
    ),
)
TOPICS: tuple[tuple[Pair, ...], ...] = (IDENTITY, DAILY, IMAGING, DISEASE, ANATOMY, PATHOLOGY)
# Other ways to ask "What is X?"; the answer stays.
REPHRASED = (
    "Can you explain what {0} is?",
    "Please tell me what {0} is.",
    "What is meant by {0}?",
    "In simple words, what is {0}?",
)


def general_dialogues(seed: int) -> tuple[tuple[Turn, ...], ...]:
    """Every pair of question and answer as a dialogue, in an order and wordings drawn by seed, then some longer ones.

    No turn has a picture. The longer ones hold two or three pairs of one topic.
    """
    rng = random.Random(seed)
    single = [as_turns([reworded(pair, rng)]) for topic in TOPICS for pair in topic]
    rng.shuffle(single)
    longer = [as_turns(rng.sample(topic, rng.choice((2, 3)))) for topic in TOPICS for _ in range(4)]
    return (*single, *longer)


def reworded(pair: Pair, rng: random.Random) -> Pair:
    question, answer = pair
    start = next((words for words in ("What is ", "What are ") if question.startswith(words)), None)
    term = question.removeprefix(start or "").rstrip("?")
    # "What is the opposite of hot?" must not become a question about a term.
    if start != "What is " or not term.startswith(("a ", "an ")) or len(term.split()) > 4 or rng.random() < 0.6:
        return pair
    return rng.choice(REPHRASED).format(term), answer


def as_turns(pairs: list[Pair]) -> tuple[Turn, ...]:
    return tuple(turn for question, answer in pairs for turn in (Turn("user", question), Turn("assistant", answer)))
