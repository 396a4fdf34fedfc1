"""Fits the head of a trained network once more, on pictures of the size it is used with.

The network is trained on small pictures, because random parts show things larger than whole pictures do; what it makes of
whole, larger ones differs a little, and the last layer can be fitted to that for a hundredth of a training's work (after
Touvron et al. 2019, "Fixing the train-test resolution discrepancy"). Then most of what all embeddings have in common is
taken out of them: it says nothing of a product, and without it classes that are enrolled later don't draw pictures of
trained ones to themselves (after Wang et al. 2019, "SimpleShot")."""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from evaluate import load, views
from network import Embedder
from pictures import Labelled, decoded, read_list, tensor, varied, whole
from train import Classes, smoothed_loss


@dataclass(frozen=True)
class Refit:
    """Settings. `varied`: random views of each picture beside the whole one and its mirror. `centring`: the share of the
    mean embedding that is taken out."""

    epochs: int = 30
    rate: float = 3e-4
    batch: int = 64
    decay: float = 0.02
    smoothing: float = 0.1
    coarse: float = 0.3
    dropout: float = 0.2
    varied: int = 3
    centring: float = 0.9
    seed: int = 7


@torch.no_grad()
def features(model: Embedder, pictures: list[Labelled], side: int, settings: Refit) -> Tensor:
    """`[n, views, 1280]`: of the whole picture, of its mirror, and of random views."""
    dice = random.Random(settings.seed)
    rows = []
    for image in decoded(pictures):
        seen = [whole(image, side), views(image, side, 2)[1]]
        seen += [varied(image, side, dice) for _ in range(settings.varied)]
        rows.append(model.late(model.early(tensor(seen), 0), 0))
    return torch.stack(rows)


def refit(model: Embedder, classes: Classes, x: Tensor, labels: Tensor, settings: Refit) -> None:
    """Fits head and directions to features `x`, `[n, views, 1280]`, of classes `labels`, then sets the centre."""
    torch.manual_seed(settings.seed)
    model.centre.zero_()
    optimizer = torch.optim.AdamW(
        [*model.head.parameters(), *classes.parameters()], lr=settings.rate, weight_decay=settings.decay
    )
    steps = settings.epochs * math.ceil(len(x) / settings.batch)
    step = 0
    for _ in range(settings.epochs):
        for chosen in torch.randperm(len(x)).split(settings.batch):
            for group in optimizer.param_groups:
                warm = min(1, (step + 1) / (0.05 * steps))
                group["lr"] = settings.rate * warm * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            view = torch.randint(0, x.shape[1], (len(chosen),))
            logits = classes(model.embed(F.dropout(x[chosen, view], settings.dropout)))
            target = F.one_hot(labels[chosen], len(classes.directions)).float()
            loss = smoothed_loss(logits, target, settings.smoothing)
            coarse = smoothed_loss(classes.coarse(logits), target @ classes.members.T.float(), settings.smoothing)
            optimizer.zero_grad()
            (loss + settings.coarse * coarse).backward()
            optimizer.step()
            step += 1
    with torch.no_grad():
        each = F.normalize(model.embed(x[:, :2].flatten(0, 1)).unflatten(0, (len(x), 2)).mean(1), dim=1)
        model.centre.copy_(settings.centring * each.mean(0))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("checkpoint", type=Path, help="of train.py")
    arguments.add_argument("--list", type=Path, required=True, help="lines `path, fine, coarse`: what it was trained on")
    arguments.add_argument("--root", type=Path, required=True, help="folder of the pictures")
    arguments.add_argument("--out", type=Path, required=True, help="file for the result")
    arguments.add_argument("--side", type=int, default=225, help="of the pictures it is used on")
    arguments.add_argument("--cache", type=Path, help="file for features, to try settings without computing them anew")
    options = arguments.parse_args()
    model, state = load(options.checkpoint)
    held = set(state["held"])
    names = state["names"]
    kept = [one for one in read_list(options.list, options.root) if one.fine in names and str(one.path) not in held]
    settings = Refit()
    if options.cache and options.cache.exists():
        x = torch.tensor(np.load(options.cache), dtype=torch.float32)
    else:
        x = features(model, kept, options.side, settings)
        if options.cache:
            np.save(options.cache, x.numpy().astype(np.float16))
    coarse_of = {one.fine: one.coarse for one in kept}
    coarse_names = sorted(set(coarse_of.values()))
    classes = Classes(torch.tensor([coarse_names.index(coarse_of[name]) for name in names]))
    with torch.no_grad():
        classes.directions.copy_(state["directions"])
        classes.scale.fill_(state["scale"])
    refit(model, classes, x, torch.tensor([names.index(one.fine) for one in kept]), settings)
    directions = F.normalize(classes.directions.detach(), dim=1)
    torch.save({**state, "model": model.state_dict(), "directions": directions, "scale": float(classes.scale.detach())}, options.out)


if __name__ == "__main__":
    main()
