"""What differs per family: every entry of FAMILIES loads, sees and computes as transformers does."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from medvlm import prompts
from medvlm.chat import whole
from medvlm.engine.cache import KeyValues
from medvlm.engine.decoding import Engine
from medvlm.engine.loading import Loaded, Quantization, nf4_layers
from medvlm.errors import CheckpointError
from medvlm.families import FAMILIES, Family, Layout, family_of
from medvlm.imaging import render
from medvlm.model import LocalModel
from medvlm.paths import ROOT
from medvlm.types import Conversation, Decoding, View
from tests import tiny_models
from tests.tiny_models import FamilyName

WIDE, HIGH = tiny_models.picture(1, 40, 96), tiny_models.picture(2, 90, 30)
TALK = (
    Conversation(system="You look.").with_scan(WIDE).with_scan(HIGH)
    .asked("What is this, and what is beside it?", (View(0),)).answered("A thing.")
    .asked("And here?", (View(1),))
)  # fmt: skip


@pytest.fixture(scope="module", params=list(FAMILIES))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    name: FamilyName = request.param
    folder = tiny_models.write_model(tmp_path_factory.mktemp(name), name)
    return tiny_models.weights(folder)


def own_inputs(loaded: Loaded, talk: Conversation) -> Any:
    """What the family's own processor makes of the conversation."""
    text = loaded.processor.apply_chat_template(prompts.messages(talk), tokenize=False, add_generation_prompt=True)
    images = [Image.fromarray(render(talk.scans[view.scan], view.slice)) for view in prompts.views(talk)]
    bos = loaded.processor.tokenizer.bos_token
    return loaded.processor(
        text=text, images=images, return_tensors="pt", add_special_tokens=not (bos and text.startswith(bos))
    )


def test_parts_are_where_the_family_says(loaded: Any) -> None:
    family, model = loaded.family, loaded.model
    assert type(model).__name__ == family.architecture
    for path in (family.language_model, family.vision_tower, family.projector, family.head):
        assert sum(p.numel() for p in family.part(model, path).parameters()) > 0
    places = {family.place(name) for name, _ in model.named_parameters()}
    assert places - {"other"} == {"language model", "vision tower", "projector", "head"}
    assert family.place(f"base_model.model.{family.projector}.weight") == "projector"


def test_lora_goes_to_linear_layers_of_language_model_and_projector_only(loaded: Any) -> None:
    family, model = loaded.family, loaded.model
    hit = {name for name, _ in model.named_modules() if family.is_lora_target(name)}
    inside = {name for name in hit if name.startswith(family.language_model)}
    assert len(inside) == 7 * 2
    assert all(name.startswith(family.projector) for name in hit - inside)
    assert all(isinstance(model.get_submodule(name), torch.nn.Linear) for name in hit)
    tower = [
        n for n, m in model.named_modules() if family.place(n) == "vision tower" and isinstance(m, torch.nn.Linear)
    ]
    assert tower and not any(family.is_lora_target(name) for name in tower)


@pytest.mark.parametrize(("height", "width"), [(40, 48), (20, 90), (90, 20)])
def test_features_are_those_that_transformers_computes(loaded: Any, height: int, width: int) -> None:
    seen = loaded.family.see(loaded.processor, Image.fromarray(tiny_models.picture(3, height, width).slices[0]))
    with torch.inference_mode():
        ours = loaded.family.project(loaded.model, loaded.family.encode(loaded.model, seen.inputs), seen.inputs)
        theirs = torch.cat(list(loaded.model.get_image_features(**seen.inputs, return_dict=True).pooler_output))
    assert torch.equal(ours, theirs.reshape(ours.shape))
    tokens = loaded.processor.tokenizer.encode(seen.text, add_special_tokens=False)
    assert len(ours) == tokens.count(loaded.family.placeholder(loaded.processor))


def test_prompts_are_token_for_token_the_processors_own(loaded: Any) -> None:
    engine = Engine(loaded, None, 1 << 20)
    prompt = engine.fitting(TALK, 8)
    assert list(prompt.tokens) == own_inputs(loaded, TALK)["input_ids"][0].tolist()
    placeholder = loaded.family.placeholder(loaded.processor)
    assert [i for spots in prompt.spots for i in spots] == [i for i, t in enumerate(prompt.tokens) if t == placeholder]


def test_a_prompt_read_in_blocks_gives_the_logits_of_transformers(loaded: Any) -> None:
    engine = Engine(loaded, None, 1 << 20)
    with torch.inference_mode():
        logits, _, reused = engine.read("a", "base", engine.fitting(TALK, 8), lambda: True)
        theirs = loaded.model(**own_inputs(loaded, TALK)).logits[0, -1:]
    assert logits is not None and reused == 0
    torch.testing.assert_close(logits, theirs, rtol=1e-3, atol=1e-3)


def test_answers_go_on_as_transformers_generates(loaded: Any) -> None:
    model = LocalModel(loaded)
    answer = whole(model, TALK, "base", Decoding(max_tokens=6))
    given = own_inputs(loaded, TALK)
    with torch.inference_mode():
        theirs = loaded.model.generate(
            **given, max_new_tokens=6, do_sample=False, suppress_tokens=list(model._engine._never)
        )
    new = theirs[0, given["input_ids"].shape[1] :]
    # Bytes that never became a character are dropped in a stream.
    assert answer.text == loaded.processor.tokenizer.decode(new, skip_special_tokens=True).rstrip("\ufffd").strip()


def test_what_is_kept_of_a_conversation_changes_nothing(loaded: Any) -> None:
    engine, fresh = Engine(loaded, None, 1 << 24), Engine(loaded, None, 1 << 24)
    with torch.inference_mode():
        first = engine.fitting(TALK.up_to(1), 8)
        _, kept, _ = engine.read(TALK.id, "base", first, lambda: True)
        engine.prefixes.put(TALK.id, "base", first.marks, kept)
        again, _, reused = engine.read(TALK.id, "base", engine.fitting(TALK, 8), lambda: True)
        anew, _, none = fresh.read(TALK.id, "base", fresh.fitting(TALK, 8), lambda: True)
    assert reused > 0 and none == 0
    assert again is not None and anew is not None and torch.equal(again, anew)


def test_a_batch_answers_as_single_questions_do(loaded: Any) -> None:
    model = LocalModel(loaded)
    short = Conversation(system="You look.").with_scan(HIGH).asked("And?", (View(0),))
    decoding = Decoding(max_tokens=6)
    together = model.generate_batch([TALK, short], "base", decoding)
    singly = [whole(model, talk, "base", decoding).text for talk in (TALK, short)]
    assert [text.rstrip("\ufffd").strip() for text in together] == singly


def test_what_the_model_sees_can_be_shown(loaded: Any) -> None:
    shown = LocalModel(loaded).seen(WIDE, View(0))
    assert min(shown.size) >= 16 and len(shown.getcolors(1 << 20) or ()) > 20


def test_cuts_never_split_what_sees_both_ways() -> None:
    layout = Layout(100, 100, spans=((10, 70), (80, 90)))
    assert layout.cut(95, 32) == 0 and layout.cut(99, 16) == 96
    assert layout.blocks(0, 100, 32) == [(0, 96), (96, 100)]
    assert layout.blocks(0, 100, 16) == [(0, 80), (80, 96), (96, 100)]
    assert Layout(40, 40).blocks(32, 40, 32) == [(32, 40)]


def test_a_kept_beginning_ends_where_it_may_be_cut() -> None:
    kept = KeyValues(1)
    kept.keep(Layout(100, 100, spans=((10, 70),)).cut(64, 32))
    assert kept.get_seq_length() == 0


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CheckpointError, match=r"'bert'.*llava, llava_next"):
        family_of("bert", "some/folder")


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_every_family_answers_in_every_number_format(
    tmp_path: Path, family: FamilyName, quantization: Quantization
) -> None:
    base = tiny_models.write_model(tmp_path / "base", family)
    adapter = tiny_models.write_adapter(tmp_path / "adapter", base, scale=3.0)
    model = LocalModel.load(str(base), str(adapter), quantization=quantization, device="cpu", self_check=False)
    assert model.badge == f"base + adapter · {'NF4, unpacked' if quantization == 'nf4' else 'int8'} · CPU"
    talk = Conversation().with_scan(tiny_models.picture()).asked("What?", (View(0),)).answered("x").asked("And?")
    texts = {arm: whole(model, talk, arm, Decoding(max_tokens=12)).text for arm in model.arms}
    assert texts["base"] != texts["tuned"]
    assert len(nf4_layers(model.loaded.model)) == (14 if quantization == "nf4" else 0)


def test_the_seventh_family_of_the_page_sees_as_transformers_does() -> None:
    from types import SimpleNamespace

    from transformers import InternVLConfig, InternVLForConditionalGeneration, LlamaConfig
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    page = (ROOT / "docs" / "add-a-model.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) < 40
    made: dict[str, Any] = {}
    exec(code, made)
    family: Family = made["INTERNVL"]
    text = LlamaConfig(vocab_size=99, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4)
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = InternVLConfig(
        vision_config={**vision, "image_size": [32, 32], "patch_size": [8, 8]}, text_config=text, image_token_id=3
    )
    model = InternVLForConditionalGeneration(config).eval()
    processor = SimpleNamespace(
        image_processor=GotOcr2ImageProcessorPil(size={"height": 32, "width": 32}), image_token="<i>",
        start_image_token="<a>", end_image_token="<b>", image_seq_length=4,
    )  # fmt: skip
    seen = family.see(processor, Image.fromarray(render(WIDE, 0)))
    with torch.inference_mode():
        ours = family.project(model, family.encode(model, seen.inputs), seen.inputs)
        theirs = model.get_image_features(
            **seen.inputs, vision_feature_layer=-1, vision_feature_select_strategy="default", return_dict=True
        ).pooler_output
    assert torch.equal(ours, theirs.flatten(0, 1)) and len(ours) == seen.text.count("<i>") > 4
    assert sum(family.is_lora_target(name) for name, _ in model.named_modules()) == 14
    assert type(model).__name__ == family.architecture and not family.is_lora_target("model.vision_tower.encoder")
