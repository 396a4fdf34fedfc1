"""Fine-tunes the embedding network on labelled pictures.

The first blocks keep what ImageNet taught them: what they make of a number of views of each picture is computed once,
and only the blocks behind them are trained on it, which is what makes a training on two cores affordable."""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from network import EMBEDDING, Embedder, pretrained
from pictures import Labelled, decoded, read_list, tensor, varied, whole


@dataclass(frozen=True)
class Settings:
    """How a network is trained. `stages`: (side of the pictures, epochs, highest rate). It is used on larger pictures
    than it is trained on: random parts show things larger than whole pictures do (Touvron et al. 2019)."""

    scale: str = "lite0"
    stages: tuple[tuple[int, int, float], ...] = ((161, 30, 4e-4),)
    frozen: int = 5
    views: int = 10
    batch: int = 32
    decay: float = 0.02
    smoothing: float = 0.1
    coarse: float = 0.3
    dropout: float = 0.2
    drop_path: float = 0.1
    average: float = 0.995
    seed: int = 1


class Classes(nn.Module):
    """A direction for each class; logits are scaled cosines to it, so that the directions can serve as references."""

    def __init__(self, coarse_of: Tensor):
        super().__init__()
        self.directions = nn.Parameter(F.normalize(torch.randn(len(coarse_of), EMBEDDING), dim=1))
        self.scale = nn.Parameter(torch.tensor(20.0))
        self.register_buffer("members", F.one_hot(coarse_of).bool().T)

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.scale * embeddings @ F.normalize(self.directions, dim=1).T

    def coarse(self, logits: Tensor) -> Tensor:
        """Logits of the coarse classes: log of the summed probabilities of their members."""
        spread = logits[:, None, :].masked_fill(~self.members[None], -torch.inf)
        return spread.logsumexp(2)


@torch.no_grad()
def early_views(model: Embedder, images: list, side: int, settings: Settings, dice: random.Random, count: int) -> list[Tensor]:
    """`count` tensors of what the frozen blocks make of one view of every picture."""
    made = []
    for number in range(count):
        started = time.monotonic()
        parts = []
        for first in range(0, len(images), 64):
            batch = tensor([varied(image, side, dice) for image in images[first : first + 64]])
            parts.append(model.early(batch, settings.frozen).to(torch.bfloat16))
        made.append(torch.cat(parts))
        print(f"view {number + 1} of {count} at {side}: {time.monotonic() - started:.0f} s", flush=True)
    return made


def mixed(x: Tensor, y: Tensor, dice: random.Random, classes: int) -> tuple[Tensor, Tensor]:
    """Two pictures in one for part of the batches: overlaid (mixup) or side by side (cutmix); targets in proportion."""
    target = F.one_hot(y, classes).float()
    kind = dice.random()
    if kind >= 0.6:
        return x, target
    other = torch.randperm(len(x))
    if kind < 0.3:
        share = dice.betavariate(0.3, 0.3)
        return share * x + (1 - share) * x[other], share * target + (1 - share) * target[other]
    height, width = x.shape[2:]
    edge = math.sqrt(1 - dice.betavariate(1, 1))
    h, w = int(height * edge), int(width * edge)
    top, left = dice.randint(0, height - h), dice.randint(0, width - w)
    x = x.clone()
    x[:, :, top : top + h, left : left + w] = x[other][:, :, top : top + h, left : left + w]
    share = 1 - h * w / (height * width)
    return x, share * target + (1 - share) * target[other]


def smoothed_loss(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    target = target * (1 - smoothing) + smoothing / target.shape[1]
    return -(target * F.log_softmax(logits, dim=1)).sum(1).mean()


def train(pictures: list[Labelled], settings: Settings, report) -> tuple[Embedder, Classes, list[int]]:
    """The trained network, the directions of its classes, and the fine class that each stands for."""
    torch.manual_seed(settings.seed)
    dice = random.Random(settings.seed)
    names = sorted({one.fine for one in pictures})
    coarse_names = sorted({one.coarse for one in pictures})
    coarse_of = {one.fine: coarse_names.index(one.coarse) for one in pictures}
    classes = Classes(torch.tensor([coarse_of[name] for name in names]))
    model = pretrained(settings.scale).to(memory_format=torch.channels_last)
    images = decoded(pictures)
    labels = torch.tensor([names.index(one.fine) for one in pictures])
    trained = [*model.blocks[settings.frozen :].parameters(), *model.top.parameters()]
    fresh = [*model.head.parameters(), *classes.parameters()]
    ema, ema_classes = copy.deepcopy(model), copy.deepcopy(classes)
    for side, epochs, rate in settings.stages:
        views = early_views(model.eval(), images, side, settings, dice, min(epochs, settings.views))
        optimizer = torch.optim.AdamW(
            [{"params": trained, "top": rate}, {"params": fresh, "top": 5 * rate}], weight_decay=settings.decay
        )
        steps = epochs * math.ceil(len(images) / settings.batch)
        step = 0
        for epoch in range(epochs):
            model.train()
            started, total = time.monotonic(), 0.0
            for chosen in torch.randperm(len(images)).split(settings.batch):
                for group in optimizer.param_groups:
                    warm = min(1, (step + 1) / (0.05 * steps))
                    group["lr"] = group["top"] * warm * (0.5 + 0.5 * math.cos(math.pi * step / steps))
                x, target = mixed(views[epoch % len(views)][chosen].float(), labels[chosen], dice, len(names))
                x = x.contiguous(memory_format=torch.channels_last)
                features = model.late(x, settings.frozen, settings.dropout, settings.drop_path)
                logits = classes(model.embed(features))
                loss = smoothed_loss(logits, target, settings.smoothing)
                coarse_target = target @ classes.members.T.float()
                loss = loss + settings.coarse * smoothed_loss(classes.coarse(logits), coarse_target, settings.smoothing)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_([*trained, *fresh], 2.0)
                optimizer.step()
                step += 1
                total += loss.item() * len(chosen)
                follow(ema, model, settings.average)
                follow(ema_classes, classes, settings.average)
            report(epoch, side, total / len(images), time.monotonic() - started, ema, ema_classes, names)
    return ema.eval(), ema_classes.eval(), names


@torch.no_grad()
def follow(average: nn.Module, module: nn.Module, keep: float) -> None:
    for slow, quick in zip(average.parameters(), module.parameters(), strict=True):
        slow.lerp_(quick, 1 - keep)


@torch.no_grad()
def embeddings(model: Embedder, pictures: list[Labelled], side: int) -> Tensor:
    """`[n, 256]` of the middle squares."""
    model.eval()
    images = decoded(pictures)
    parts = [model(tensor([whole(image, side) for image in images[at : at + 32]])) for at in range(0, len(images), 32)]
    return torch.cat(parts)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--list", type=Path, required=True, help="lines `path, fine, coarse`")
    arguments.add_argument("--root", type=Path, required=True, help="folder of the pictures")
    arguments.add_argument("--out", type=Path, required=True, help="folder for the result")
    arguments.add_argument("--hold-out", type=int, default=0, help="pictures left out to choose settings by")
    arguments.add_argument("--leave-out", type=int, default=0, help="classes left out to try enrolment with")
    arguments.add_argument("--settings", type=json.loads, default={}, help="JSON of what differs from the usual")
    options = arguments.parse_args()
    settings = Settings(**options.settings)
    settings = Settings(**{**asdict(settings), "stages": tuple(tuple(stage) for stage in settings.stages)})
    pictures = read_list(options.list, options.root)
    held, kept, left = split(pictures, options.hold_out, options.leave_out)
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"{len(kept)} pictures to train on, {len(held)} held out; classes left out: {left}", flush=True)

    def report(epoch, side, loss, seconds, model, classes, names):
        line = f"epoch {epoch + 1} at {side}: loss {loss:.3f}, {seconds:.0f} s"
        if held and epoch % 5 == 4:
            logits = classes(embeddings(model, held, side))
            truth = torch.tensor([names.index(one.fine) for one in held])
            line += f", held out {100 * (logits.argmax(1) == truth).float().mean():.1f} %"
        print(line, flush=True)
        save(options.out, model, classes, names, settings, held, left)

    save(options.out, *train(kept, settings, report), settings, held, left)


def split(pictures: list[Labelled], hold_out: int, leave_out: int) -> tuple[list[Labelled], list[Labelled], list[int]]:
    """Held-out pictures, pictures to train on, classes left out: the same always. What is held out are whole shoots, so
    that none of them has a twin among the pictures to train on: with twins every network looks perfect."""
    dice = random.Random(2026)
    left = sorted(dice.sample(sorted({one.fine for one in pictures}), leave_out))
    rest = [one for one in pictures if one.fine not in left]
    held: set[Path] = set()
    if hold_out > 0:
        remain = Counter(one.fine for one in rest)
        # A class keeps half of its pictures and more.
        spare = {name: count // 2 for name, count in remain.items()}
        groups = shoots(rest)
        dice.shuffle(groups)
        for group in groups:
            if len(held) + len(group) > hold_out or len(group) > spare[group[0].fine]:
                continue
            spare[group[0].fine] -= len(group)
            held.update(one.path for one in group)
    return [one for one in rest if one.path in held], [one for one in rest if one.path not in held], left


@torch.no_grad()
def shoots(pictures: list[Labelled], alike: float = 0.8) -> list[list[Labelled]]:
    """Groups of pictures of one class that a network that knows nothing of groceries finds alike, directly or through
    others. Between such groups its cosines are much as between training and validation pictures: at most 0.8."""
    model = pretrained("lite0").eval()
    features = []
    for first in range(0, len(pictures), 32):
        batch = tensor([whole(image, 161) for image in decoded(pictures[first : first + 32])])
        features.append(F.normalize(model.late(model.early(batch, 0), 0), dim=1))
    x = torch.cat(features)
    groups = []
    for name in sorted({one.fine for one in pictures}):
        left = {at for at, one in enumerate(pictures) if one.fine == name}
        while left:
            group = [min(left)]
            left.discard(group[0])
            for at in group:
                near = [other for other in sorted(left) if float(x[at] @ x[other]) > alike]
                left.difference_update(near)
                group.extend(near)
            groups.append([pictures[at] for at in group])
    return groups


def save(folder: Path, model: Embedder, classes: Classes, names: list[int], settings: Settings, held: list[Labelled], left: list[int]) -> None:
    temporary = folder / "model.pt.new"
    torch.save(
        {
            "settings": asdict(settings),
            "model": model.state_dict(),
            "directions": F.normalize(classes.directions.detach(), dim=1),
            "scale": float(classes.scale.detach()),
            "names": names,
            "held": [str(one.path) for one in held],
            "left": left,
        },
        temporary,
    )
    temporary.replace(folder / "model.pt")


if __name__ == "__main__":
    main()
