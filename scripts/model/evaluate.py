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

import galleries
from galleries import unit
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
    return np.stack(rows) if rows else np.zeros((0, count, 256), dtype=np.float32)


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
        "base": [one for one in train if one.fine not in left and str(one.path) not in held_paths],
        "val": val,
    }
    if options.cache and options.cache.exists():
        stored = np.load(options.cache)
        found = {name: stored[name] for name in sets}
    else:
        found = {
            "held": embedded(model, sets["held"], options.side),
            "left": embedded(model, sets["left"], options.side, 12),
            "base": embedded(model, sets["base"], options.side, 2),
            "val": embedded(model, val, options.side, 2),
        }
        if options.cache:
            np.savez(options.cache, **found)
    print(json.dumps(report(state, sets, found, left), indent=2))


def report(state: dict, sets: dict, found: dict, left: set[int]) -> dict:
    fine = {name: np.array([one.fine for one in ones]) for name, ones in sets.items()}
    coarse_of = {one.fine: one.coarse for ones in sets.values() for one in ones}
    classifier = (state["directions"].numpy(), np.array(state["names"]))
    gallery = stacked(galleries.of_classes(found["base"], list(fine["base"])))
    out: dict[str, object] = {}
    for how, (references, names) in {"classifier": classifier, "gallery": gallery}.items():
        for name in ("held", "val"):
            inside = np.array([one not in left for one in fine[name]], dtype=bool)
            if not inside.any():
                continue
            said = names[(found[name][inside][:, 0] @ references.T).argmax(1)]
            truth = fine[name][inside]
            out[f"{name} fine, {how}"] = round(float((said == truth).mean() * 100), 1)
            out[f"{name} coarse, {how}"] = round(float(np.mean([coarse_of[a] == coarse_of[b] for a, b in zip(said, truth)]) * 100), 1)
    if not left:
        return out
    known = np.array([one not in left for one in fine["val"]])
    val, held, rest = found["val"][:, 0], found["held"][:, 0], found["left"][:, 0]
    for how, (references, _) in {"classifier": classifier, "gallery": gallery}.items():
        best = (val @ references.T).max(1)
        out[f"auroc val, {how}"] = round(auroc(best[known], best[~known]), 3)
        out[f"auroc train, {how}"] = round(auroc((held @ references.T).max(1), (rest @ references.T).max(1)), 3)
    for shots in (1, 5, 10):
        out[f"{shots} shots"] = few_shot(gallery, found, fine, known, left, shots)
    return out


def stacked(classes: dict[int, tuple[np.ndarray, int]]) -> tuple[np.ndarray, np.ndarray]:
    """References one below the other, and the class of each."""
    return (
        np.concatenate([references for references, _ in classes.values()]),
        np.concatenate([np.full(len(references), name) for name, (references, _) in classes.items()]),
    )


def few_shot(gallery, found, fine, known, left, shots: int, draws: int = 20) -> dict[str, float]:
    """Means over draws: enrolled classes and trained ones, among all; on training pictures (`held`, `left`) and val."""
    results: dict[str, list[float]] = {}
    for draw in range(draws):
        dice = random.Random(draw)
        chosen = [at for name in sorted(left) for at in dice.sample(list(np.flatnonzero(fine["left"] == name)), shots)]
        enrolled = stacked(galleries.of_classes(found["left"][chosen], list(fine["left"][chosen])))
        references = np.concatenate([gallery[0], enrolled[0]])
        names = np.concatenate([gallery[1], enrolled[1]])
        others = np.array([at for at in range(len(fine["left"])) if at not in set(chosen)])
        tried = {
            "enrolled, train": (found["left"][others][:, 0], fine["left"][others]),
            "trained, held": (found["held"][:, 0], fine["held"]),
            "enrolled, val": (found["val"][~known][:, 0], fine["val"][~known]),
            "trained, val": (found["val"][known][:, 0], fine["val"][known]),
        }
        for what, (x, truth) in tried.items():
            results.setdefault(what, []).append(top1(x @ references.T, names, truth))
    return {what: round(float(np.mean(values)), 1) for what, values in results.items()}


if __name__ == "__main__":
    main()
