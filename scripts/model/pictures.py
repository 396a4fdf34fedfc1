"""Lists of pictures, and the views of them that a network is trained and tried on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor


@dataclass(frozen=True)
class Labelled:
    """A picture and its classes; `fine` and `coarse` as in the list."""

    path: Path
    fine: int
    coarse: int


def read_list(file: Path, root: Path) -> list[Labelled]:
    """Lines `path, fine, coarse`."""
    rows = [line.split(",") for line in file.read_text().splitlines() if line.strip()]
    return [Labelled(root / path.strip(), int(fine), int(coarse)) for path, fine, coarse in rows]


def decoded(pictures: list[Labelled]) -> list[Image.Image]:
    """Upright pictures in memory, each about 0.4 MB."""
    return [ImageOps.exif_transpose(Image.open(one.path)).convert("RGB") for one in pictures]


def whole(picture: Image.Image, side: int) -> np.ndarray:
    """The middle square of a picture, `[side, side, 3]`: what the product looks at as well."""
    edge = min(picture.size)
    left, top = (picture.width - edge) / 2, (picture.height - edge) / 2
    box = (left, top, left + edge, top + edge)
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, box=box))


def varied(picture: Image.Image, side: int, dice: random.Random) -> np.ndarray:
    """A random part of a picture, perhaps mirrored, with the light gently changed. Colour is left alone: it is what
    tells a lemon from a lime."""
    width, height = picture.size
    for _ in range(10):
        area = width * height * dice.uniform(0.25, 1)
        ratio = np.exp(dice.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = (area * ratio) ** 0.5, (area / ratio) ** 0.5
        if w <= width and h <= height:
            break
    else:
        w = h = min(width, height)
    left, top = dice.uniform(0, width - w), dice.uniform(0, height - h)
    view = picture.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, left + w, top + h))
    pixels = np.asarray(view, dtype=np.float32)
    if dice.random() < 0.5:
        pixels = pixels[:, ::-1]
    gain, lift = dice.uniform(0.8, 1.2), dice.uniform(-12, 12)
    return np.clip((pixels - 127) * gain + 127 + lift, 0, 255).astype(np.uint8)


def tensor(views: list[np.ndarray]) -> Tensor:
    """The input of the network, `[n, 3, side, side]`."""
    pixels = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2)
    return ((pixels.float() - 127) / 128).contiguous(memory_format=torch.channels_last)
