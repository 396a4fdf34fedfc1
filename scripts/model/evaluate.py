"""What a trained network is worth: classes it was trained on, classes enrolled with a few pictures, unknown things.

With `--left-out-of` a checkpoint of a training that left classes and pictures out. Everything that is chosen here is
chosen on training pictures; validation pictures are only reported on."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from network import Embedder
from pictures import Labelled, decoded, read_list, tensor, whole


def load(checkpoint: Path) -> tuple[Embedder, dict]:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = Embedder(state["settings"]["scale"])
    model.load_state_dict(state["model"])
    return model.eval(), state


def views(picture: Image.Image, side: int, count: int) -> list[np.ndarray]:
    """The middle square, its mirror, and smaller squares at the middle and the corners, each with its mirror."""
    made = [whole(picture, side)]
    if count > 1:
        edge = min(picture.size)
        for share, x, y in ((1, 0.5, 0.5), (0.8, 0.5, 0.5), (0.8, 0, 0), (0.8, 1, 0), (0.8, 0, 1), (0.8, 1, 1)):
            part = edge * share
            left = (picture.width - edge) / 2 + (edge - part) * x
            top = (picture.height - edge) / 2 + (edge - part) * y
            view = picture.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, left + part, top + part))
            made.append(np.asarray(view))
            made.append(np.asarray(ImageOps.mirror(view)))
        made = made[1:]
    return made[:count]


@torch.no_grad()
def embedded(model: Embedder, pictures: list[Labelled], side: int, count: int = 1) -> np.ndarray:
    """`[n, count, 256]`."""
    rows = []
    for image in decoded(pictures):
        rows.append(model(tensor(views(image, side, count))).numpy())
    return np.stack(rows)


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """Probability that a known thing scores higher than an unknown one."""
    ranks = np.argsort(np.argsort(np.concatenate([known, unknown])))
    return float((ranks[: len(known)].sum() - len(known) * (len(known) - 1) / 2) / (len(known) * len(unknown)))


def top1(cosines: np.ndarray, names: np.ndarray, truth: np.ndarray) -> float:
    return float((names[cosines.argmax(1)] == truth).mean() * 100)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("checkpoint", type=Path)
    arguments.add_argument("--root", type=Path, required=True)
    arguments.add_argument("--side", type=int, default=225)
    arguments.add_argument("--cache", type=Path, help="file for embeddings, to try scores without embedding anew")
    options = arguments.parse_args()
    model, state = load(options.checkpoint)
    train = read_list(options.root / "train.txt", options.root)
    val = read_list(options.root / "val.txt", options.root)
    left = set(state["left"])
    held_paths = set(state["held"])
    sets = {
        "held": [one for one in train if str(one.path) in held_paths],
        "left": [one for one in train if one.fine in left],
        "val": val,
    }
    if options.cache and options.cache.exists():
        stored = np.load(options.cache)
        found = {name: stored[name] for name in sets}
    else:
        found = {
            "held": embedded(model, sets["held"], options.side),
            "left": embedded(model, sets["left"], options.side, 12),
            "val": embedded(model, val, options.side, 2),
        }
        if options.cache:
            np.savez(options.cache, **found)
    print(json.dumps(report(state, sets, found, left), indent=2))


def report(state: dict, sets: dict, found: dict, left: set[int]) -> dict:
    names = np.array(state["names"])
    directions = state["directions"].numpy()
    fine = {name: np.array([one.fine for one in ones]) for name, ones in sets.items()}
    coarse_of = {one.fine: one.coarse for ones in sets.values() for one in ones}
    out: dict[str, object] = {}
    for name in ("held", "val"):
        inside = np.array([one not in left for one in fine[name]])
        x = found[name][inside][:, 0]
        said = names[(x @ directions.T).argmax(1)]
        truth = fine[name][inside]
        out[f"{name} fine"] = round(float((said == truth).mean() * 100), 1)
        out[f"{name} coarse"] = round(float(np.mean([coarse_of[a] == coarse_of[b] for a, b in zip(said, truth)]) * 100), 1)
    if not left:
        return out
    known = np.array([one not in left for one in fine["val"]])
    val = found["val"]
    best = (val[:, 0] @ directions.T).max(1)
    out["auroc val"] = round(auroc(best[known], best[~known]), 3)
    held, rest = found["held"][:, 0], found["left"][:, 0]
    out["auroc train"] = round(auroc((held @ directions.T).max(1), (rest @ directions.T).max(1)), 3)
    for shots in (1, 5, 10):
        for bias in (0.0, 0.02, 0.04, 0.06, 0.08, 0.1):
            out[f"{shots} shots, bias {bias}"] = few_shot(directions, names, found, fine, known, left, shots, bias)
    return out


def few_shot(directions, names, found, fine, known, left, shots: int, bias: float, draws: int = 20) -> dict[str, float]:
    """Means over draws: enrolled classes and trained ones, among all; on training pictures (`held`, `left`) and val."""
    results: dict[str, list[float]] = {}
    for draw in range(draws):
        dice = random.Random(draw)
        prototypes, chosen = [], set()
        for name in sorted(left):
            picked = dice.sample(list(np.flatnonzero(fine["left"] == name)), shots)
            chosen.update(picked)
            prototypes.append(unit(found["left"][picked].reshape(-1, 256).mean(0)))
        references = np.concatenate([directions, np.stack(prototypes)])
        all_names = np.concatenate([names, np.array(sorted(left))])
        push = np.concatenate([np.zeros(len(directions)), np.full(len(prototypes), bias)])
        others = np.array([at for at in range(len(fine["left"])) if at not in chosen])
        tried = {
            "enrolled, train": (found["left"][others][:, 0], fine["left"][others]),
            "trained, held": (found["held"][:, 0], fine["held"]),
            "enrolled, val": (found["val"][~known][:, 0], fine["val"][~known]),
            "trained, val": (found["val"][known][:, 0], fine["val"][known]),
        }
        for what, (x, truth) in tried.items():
            results.setdefault(what, []).append(top1(x @ references.T + push, all_names, truth))
    return {what: round(float(np.mean(values)), 1) for what, values in results.items()}


if __name__ == "__main__":
    main()
