"""What differs per family: every entry of FAMILIES loads, sees as transformers does, and spares the tower."""

from pathlib import Path
from typing import Any

import pytest
import torch

from medvlm.chat import whole
from medvlm.errors import CheckpointError
from medvlm.families import FAMILIES, family_of
from medvlm.loading import Quantization, load_weights, nf4_layers
from medvlm.model import LocalModel
from medvlm.types import Conversation, Decoding, View
from tests import tiny_models
from tests.tiny_models import FamilyName

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=list(FAMILIES))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    name: FamilyName = request.param
    folder = tiny_models.write_model(tmp_path_factory.mktemp(name), name)
    return load_weights(folder, None, CPU, torch.float32, "none", "no")


def test_parts_are_where_the_family_says(loaded: Any) -> None:
    family, model = loaded.family, loaded.model
    assert type(model).__name__ == family.architecture
    for path in (family.language_model, family.vision_tower, family.projector, family.head):
        assert sum(p.numel() for p in family.part(model, path).parameters()) > 0


def test_lora_goes_to_linear_layers_of_the_language_model_only(loaded: Any) -> None:
    hit = {name for name, _ in loaded.model.named_modules() if loaded.family.is_lora_target(name)}
    assert len(hit) == 7 * 2
    assert all(name.startswith(loaded.family.language_model) for name in hit)
    assert all(isinstance(loaded.model.get_submodule(name), torch.nn.Linear) for name in hit)
    tower = {
        n for n, m in loaded.model.get_submodule(loaded.family.vision_tower).named_modules() if n.endswith("q_proj")
    }
    assert tower, "the tower has layers of the same bare names, which must not be hit"


@pytest.mark.parametrize(("height", "width"), [(40, 48), (20, 90), (90, 20)])
def test_features_are_those_that_transformers_computes(loaded: Any, height: int, width: int) -> None:
    from PIL import Image

    pixels = tiny_models.picture(3, height, width).slices[0]
    batch = loaded.processor(images=[Image.fromarray(pixels)], text="<image>", return_tensors="pt")
    inputs = {k: v for k, v in batch.items() if k in {"pixel_values", "image_sizes"}}
    with torch.inference_mode():
        ours = loaded.family.project(loaded.model, loaded.family.encode(loaded.model, inputs), inputs)
        theirs = torch.cat(list(loaded.model.get_image_features(**inputs, return_dict=True).pooler_output))
    assert torch.equal(ours, theirs.reshape(ours.shape))
    assert len(ours) == int((batch["input_ids"] == loaded.processor.image_token_id).sum())


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CheckpointError, match=r"'bert'.*llava, llava_next"):
        family_of("bert", "some/folder")


def test_the_folder_is_where_the_model_came_from(tmp_path: Path) -> None:
    assert tiny_models.write_model(tmp_path).joinpath("model.safetensors").is_file()


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_every_family_answers_in_every_number_format(
    tmp_path: Path, family: FamilyName, quantization: Quantization
) -> None:
    base = tiny_models.write_model(tmp_path / "base", family)
    adapter = tiny_models.write_adapter(tmp_path / "adapter", base)
    model = LocalModel.load(str(base), str(adapter), quantization=quantization, device="cpu", self_check=False)
    assert model.badge == f"base + adapter · {'NF4, unpacked' if quantization == 'nf4' else 'int8'} · CPU"
    talk = Conversation().with_scan(tiny_models.picture()).asked("What?", (View(0),)).answered("x").asked("And?")
    texts = {arm: whole(model, talk, arm, Decoding(max_tokens=12)).text for arm in model.arms}
    assert texts["base"] != texts["tuned"]
    assert len(nf4_layers(model.loaded.model)) == (14 if quantization == "nf4" else 0)
