"""How large a model is, and what a recipe needs of memory and hours: documented formulas, no measurement.

docs/train.md explains each; `PARTS` holds what published configurations say.
"""

from dataclasses import dataclass
from typing import Any

from train.recipe import LINEARS, Gpu, Recipe

GB = 1e9
# Memory in GB and dense bf16 (T4: fp16) tensor throughput in TFLOP/s, from the makers' data sheets.
GPUS: dict[Gpu, tuple[float, float]] = {
    "t4": (16, 65),
    "l4": (24, 121),
    "a10g": (24, 70),
    "rtx4060": (8, 60),
    "rtx4090": (24, 165),
    "a100-40": (40, 312),
    "a100-80": (80, 312),
    "h100": (80, 989),
    "h200": (141, 989),
}
# GB/s each way between GPUs of one machine: NVLink of A100, H100 and H200; PCIe of the others.
LINKS: dict[Gpu, float] = {
    "t4": 16,
    "l4": 32,
    "a10g": 32,
    "rtx4060": 16,
    "rtx4090": 32,
    "a100-40": 300,
    "a100-80": 300,
    "h100": 450,
    "h200": 450,
}
LINK_SHARE = 0.5
# Share of that throughput that training reaches; 0.3 to 0.5 is usual for models of this size on one GPU.
UTILISATION = 0.35
# What the driver, kernels and fragmentation take beside the tensors.
OVERHEAD_GB, SLACK = 1.0, 1.1
# A 4-bit weight and its share of a 4-byte scale for 64 weights.
NF4_BYTES = 0.5 + 4 / 64
# fp32 weight, gradient and Adam's two moments.
TRAINED_BYTES = 16


@dataclass(frozen=True, slots=True)
class Size:
    """One model's parts. `picture_tokens`: of a picture of usual size; `vocabulary`: rows of the embedding."""

    layers: int
    hidden: int
    inner: int
    query: int
    key_value: int
    vocabulary: int
    tower: int
    projector: int
    picture_tokens: int
    tied: bool = False
    other: int = 0

    def linear(self, name: str) -> tuple[int, int]:
        """Inputs and outputs of one of LINEARS."""
        return {
            "q_proj": (self.hidden, self.query), "k_proj": (self.hidden, self.key_value),
            "v_proj": (self.hidden, self.key_value), "o_proj": (self.query, self.hidden),
            "gate_proj": (self.hidden, self.inner), "up_proj": (self.hidden, self.inner),
            "down_proj": (self.inner, self.hidden),
        }[name]  # fmt: skip

    @property
    def linears(self) -> int:
        """Weights of the language model's linear layers: those that NF4 packs."""
        return self.layers * sum(a * b for a, b in map(self.linear, LINEARS))

    @property
    def embeddings(self) -> int:
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def layer(self) -> int:
        """Weights of one decoder layer, the unit that FSDP and ZeRO-3 put together for a moment."""
        return self.linears // self.layers + 2 * self.hidden

    @property
    def rest(self) -> int:
        """What is no decoder layer: one more unit, whole from the first use to the last."""
        return self.total - self.layers * self.layer

    @property
    def language_model(self) -> int:
        """With two norms a layer and one at the end."""
        return self.linears + self.embeddings + (2 * self.layers + 1) * self.hidden

    @property
    def total(self) -> int:
        return self.language_model + self.tower + self.projector + self.other

    def lora(self, rank: int, targets: tuple[str, ...]) -> int:
        """Trainable weights of LoRA: rank x (inputs + outputs) for each layer it is on."""
        return rank * self.layers * sum(sum(self.linear(target)) for target in targets)


CLIP_L = 303_507_456  # CLIP ViT-L/14 at 336 pixels
VICUNA_7B = (32, 4096, 11008, 4096, 4096)
VICUNA_13B = (40, 5120, 13824, 5120, 5120)
MISTRAL_7B = (32, 4096, 14336, 4096, 1024)
SIZES: dict[str, Size] = {
    "llava-1.5-7b": Size(*VICUNA_7B, 32064, CLIP_L, 20_979_712, 576),
    "llava-1.5-13b": Size(*VICUNA_13B, 32064, CLIP_L, 31_467_520, 576),
    "llava-1.6-vicuna-13b": Size(*VICUNA_13B, 32064, CLIP_L, 31_467_520, 2340, other=5120),
    "llava-next-7b": Size(*MISTRAL_7B, 32064, CLIP_L, 20_979_712, 2340, other=4096),
    "llava-next-8b": Size(32, 4096, 14336, 4096, 1024, 128257, CLIP_L, 20_979_712, 2340, other=4096),
    "idefics2-8b": Size(*MISTRAL_7B, 32003, 428_000_000, 750_000_000, 64),
    "smolvlm": Size(24, 2048, 8192, 2048, 2048, 49155, 413_000_000, 12_600_000, 1088),
    "qwen2.5-vl": Size(28, 3584, 18944, 3584, 512, 152064, 632_000_000, 45_000_000, 1280),
    "medgemma-4b": Size(34, 2560, 10240, 2048, 1024, 262208, 417_000_000, 2_950_000, 256, tied=True),
}


def size_of(config: Any, tower: int, projector: int, picture_tokens: int) -> Size:
    """The size that a transformers text configuration describes."""
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Size(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        inner=config.intermediate_size,
        query=head * config.num_attention_heads,
        key_value=head * config.num_key_value_heads,
        vocabulary=config.vocab_size,
        tower=tower,
        projector=projector,
        picture_tokens=picture_tokens,
        tied=bool(config.tie_word_embeddings),
    )


def trained(recipe: Recipe, size: Size) -> int:
    """Weights that take steps."""
    count = {"frozen": 0, "full": size.language_model, "lora": size.lora(recipe.lora.rank, recipe.lora.targets)}
    # A projector's LoRA is small beside everything: counted as two square matrices of the decoder's width.
    projector = {"frozen": 0, "full": size.projector, "lora": 4 * recipe.lora.rank * size.hidden}
    return count[recipe.parts.language_model] + projector[recipe.parts.projector]


def weight_bytes(recipe: Recipe, size: Size) -> float:
    """Bytes of the weights that do not take steps, as they are kept."""
    whole = 4 if recipe.machine.precision == "fp32" else 2
    packed = size.linears if recipe.machine.precision == "nf4" else 0
    # A projector that takes steps beside an adapter is a copy: the base's own stays for the arm without.
    stepping = size.language_model + (size.projector if recipe.parts.projector == "full" else 0)
    full = stepping if recipe.parts.language_model == "full" else 0
    return packed * NF4_BYTES + (size.total - packed - full) * whole


def layer_bytes(size: Size, wide: int, stream: int) -> float:
    """What one decoder layer keeps of one token for the way back, as autograd saves it.

    Both norms: their input and its normalised form (in 32 bits the first), and what goes into the linear layers; of
    attention queries, keys, values and the output (the matrix itself, sdpa and flash do not keep); of the MLP gate, its
    activation, up, and their product. `stream`: bytes of a number between the layers. LoRA on
    all linear layers keeps up to a tenth more: its own copies of inputs.
    """
    norms = 2 * (4 + 2 * stream) * size.hidden
    return norms + wide * (2 * size.query + 2 * size.key_value + 4 * size.inner)


def activation_bytes(recipe: Recipe, size: Size) -> float:
    """All layers'; with checkpointing only the input of each, and one layer's. Logits for all tokens at most: once as
    computed, twice in 32 bits."""
    tokens, wide = recipe.learning.batch * recipe.learning.max_tokens, width(recipe)
    stream = 4 if copied(recipe) else wide
    layer = layer_bytes(size, wide, stream)
    kept = stream * size.hidden * size.layers + layer if recipe.machine.checkpointing else layer * size.layers
    return tokens * (kept + size.vocabulary * (wide + 8))


def memory_gb(recipe: Recipe, size: Size) -> float:
    """GB on each GPU. What is shared is divided: by ZeRO-2 gradients and moments, by ZeRO-3 and FSDP weights too, of
    which some are whole for a moment."""
    held = at_rest(recipe, size) + activation_bytes(recipe, size)
    return held * SLACK / GB + OVERHEAD_GB


def at_rest(recipe: Recipe, size: Size) -> float:
    """Bytes of weights, gradients and moments on each GPU."""
    steps, weights = trained(recipe, size), weight_bytes(recipe, size)
    gpus, sharding = recipe.machine.gpus, recipe.machine.sharding
    if sharding == "zero2":
        # DeepSpeed keeps weights in the format it computes in, and their fp32 masters with the moments.
        wide = width(recipe)
        return steps * (wide + (TRAINED_BYTES - wide) / gpus) + weights
    if sharding in ("zero3", "fsdp"):
        return (steps * TRAINED_BYTES + weights) / gpus + gathered_bytes(recipe, size)
    # DDP sends gradients in buckets, which are as large once more.
    return steps * (TRAINED_BYTES + (4 if gpus > 1 else 0) + (2 if copied(recipe) else 0)) + weights


def copied(recipe: Recipe) -> bool:
    """Whether 32-bit weights are copied to 16 bits to compute with; FSDP and ZeRO send them so to begin with."""
    machine = recipe.machine
    return recipe.parts.language_model == "full" and machine.precision == "bf16" and machine.sharding == "none"


def width(recipe: Recipe) -> int:
    """Bytes of a number that is computed with."""
    return 4 if recipe.machine.precision == "fp32" else 2


def gathered_bytes(recipe: Recipe, size: Size) -> float:
    """What is whole at a time on each GPU: all that is no decoder layer, one layer and the next; and of what takes
    steps itself the gradients, once as computed and once in 32 bits on their way."""
    unit = 2 * size.layer
    whole = (size.rest + unit) * float(width(recipe))
    full = recipe.parts.language_model == "full"
    stepping = (size.embeddings + unit if full else 0) + (size.projector if recipe.parts.projector == "full" else 0)
    return whole + stepping * (width(recipe) + 4)


def loading_gb(recipe: Recipe, size: Size) -> float:
    """GB of main memory in all processes of a run that FSDP or ZeRO-3 cuts up: each first holds the model whole."""
    each = 4 if recipe.parts.language_model == "full" else width(recipe)
    return size.total * each * recipe.machine.gpus / GB


def hours(recipe: Recipe, size: Size, tokens: float, each: float | None = None) -> float | None:
    """Hours for so many tokens in all, `each` of them in a sequence; None without a GPU.

    Two operations a weight and token forward, two back to the inputs, two more for weights that take steps themselves,
    and two for computing activations again. GPUs send while they compute, so that the slower of both counts.
    """
    if recipe.machine.gpu == "none":
        return None
    passes = 4 + (2 if recipe.parts.language_model == "full" else 0) + (2 if recipe.machine.checkpointing else 0)
    sequences = tokens / (each or recipe.learning.max_tokens) / recipe.machine.gpus
    sending = sequences / recipe.learning.batch * sending_seconds(recipe, size)
    return max(computing_seconds(recipe, size, tokens, passes), sending) / 3600


def looking_hours(recipe: Recipe, size: Size, tokens: float) -> float | None:
    """Hours for so many tokens whose loss is only looked at: two operations a weight and token; None without a GPU."""
    return None if recipe.machine.gpu == "none" else computing_seconds(recipe, size, tokens, 2) / 3600


def computing_seconds(recipe: Recipe, size: Size, tokens: float, operations: int) -> float:
    """Seconds of arithmetic on all GPUs together: so many operations for each weight that a token goes through."""
    weights = size.language_model - (0 if size.tied else size.vocabulary * size.hidden)
    return tokens * weights * operations / (GPUS[recipe.machine.gpu][1] * 1e12 * UTILISATION * recipe.machine.gpus)


def sending_seconds(recipe: Recipe, size: Size) -> float:
    """Seconds that one pass's messages take on each GPU, in one machine.

    FSDP and ZeRO-3 gather all weights for the way there and for the way back, and spread gradients in 32 bits; where
    weights lie whole, gradients go round once a step, there and back.
    """
    gpus, steps = recipe.machine.gpus, trained(recipe, size)
    if gpus == 1:
        return 0.0
    sent: float
    if recipe.machine.sharding in ("zero3", "fsdp"):
        sent = 2 * size.total * width(recipe) + 4 * steps
    else:
        sent = 2 * 4 * steps / recipe.learning.accumulation
    return sent * (gpus - 1) / gpus / (LINKS[recipe.machine.gpu] * 1e9 * LINK_SHARE)
