"""References of classes, made of their pictures as enrolling makes them (src/vision/gallery/references.ts): a class that
is enrolled later can only be compared with references of the same kind. Directions of a classifier are not: pictures of
all kinds are nearer to each other than any is to such a direction."""

from __future__ import annotations

import numpy as np

SIDES = 4
ROUNDS = 10


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def of_classes(embeddings: np.ndarray, fine: list[int]) -> dict[int, tuple[np.ndarray, int]]:
    """References of each class, `[1 to 5, 256]`, and how many pictures they are made of, from views of pictures, `[n,
    views, 256]`, and their classes."""
    each, names = unit(embeddings.mean(1)), np.array(fine)
    return {int(name): (references(each[names == name]), int((names == name).sum())) for name in np.unique(names)}


def references(each: np.ndarray) -> np.ndarray:
    """The mean direction first, then up to four sides: k-means of directions, begun with the pictures that are farthest
    from what was chosen before."""
    mean = unit(each.mean(0))
    nearness = each @ mean
    seeds: list[np.ndarray] = []
    while len(seeds) < SIDES and nearness.min() < 0.999:
        seeds.append(each[nearness.argmin()])
        nearness = np.maximum(nearness, each @ seeds[-1])
    if not seeds:
        return mean[None]
    centres = np.stack(seeds)
    for _ in range(ROUNDS):
        nearest = (each @ centres.T).argmax(1)
        centres = np.stack(
            [unit(each[nearest == at].mean(0)) if (nearest == at).any() else one for at, one in enumerate(centres)]
        )
    return np.concatenate([mean[None], centres])


def unit8(directions: np.ndarray) -> np.ndarray:
    """Embeddings as a gallery keeps them."""
    return np.clip(np.rint(directions * 127), -127, 127).astype(np.int8)
