"""Quantizes the float model to eight bits (QDQ; weights per channel, calibrated on training pictures) and leaves those
convolutions in float that cost most of the agreement with the float model."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from onnx_graph import with_byte_input

# Pooling, head and length stay in float: they are a thousandth of the work and would lose most.
FLOAT_KINDS = {"GlobalAveragePool", "Flatten", "Gemm", "ReduceL2", "Div", "Sub"}


class Batches(CalibrationDataReader):
    """Float inputs, a few at a time."""

    def __init__(self, inputs: np.ndarray) -> None:
        self.parts: Iterator[np.ndarray] = iter([inputs[at : at + 8] for at in range(0, len(inputs), 8)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        part = next(self.parts, None)
        return None if part is None else {"x": part}


def quantized(model: onnx.ModelProto, inputs: np.ndarray, side: int, keep_float: list[str]) -> onnx.ModelProto:
    """`inputs`: float `[n, 3, side, side]` to calibrate with; `keep_float`: names of convolutions left as they are."""
    bounded = inputs.copy()
    # The whole range of bytes, so that the input's zero and scale are those of pixels.
    bounded[0, :, 0, 0], bounded[0, :, 0, 1] = -127 / 128, 1.0
    left = [node.name for node in model.graph.node if node.op_type in FLOAT_KINDS]
    for name in keep_float:
        left += [name, f"{name}.relu6"]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            Batches(bounded),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=left,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": False, "CalibMovingAverage": False, "CalibTensorRangeSymmetric": False},
        )
        return with_byte_input(onnx.load(target), side)


def session(model: onnx.ModelProto, threads: int = 2) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def embed(model: onnx.ModelProto, pixels: np.ndarray) -> np.ndarray:
    """Embeddings `[n, 256]` of `uint8[n, side, side, 3]`."""
    running = session(model)
    parts = [running.run(None, {"pixels": pixels[at : at + 16]})[0] for at in range(0, len(pixels), 16)]
    return np.concatenate(parts)


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Mean cosine between embeddings of the same pictures."""
    return float((one * other).sum(1).mean())


def best(model: onnx.ModelProto, pixels: np.ndarray, side: int, say=print) -> tuple[onnx.ModelProto, dict[str, object]]:
    """The quantized model: ranges by extremes; then, while its embeddings' mean cosine with the float model's is below
    0.99 on pictures that were not calibrated with, the convolution whose return to float helps most is returned, at most
    three of them."""
    inputs = ((pixels.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2)
    used, tried = inputs[::2], pixels[1::2]
    truth = embed(with_byte_input(copy.deepcopy(model), side), tried)
    chosen = quantized(copy.deepcopy(model), used, side, [])
    score = agreement(truth, embed(chosen, tried))
    say(f"quantized: cosine {score:.4f}")
    kept: list[str] = []
    suspects = ["stem", *(f"block{number}.depthwise" for number in range(6)), "block0.project", "block1.expand"]
    while score < 0.99 and len(kept) < 3:
        trials = []
        for name in suspects:
            if name in kept or not any(node.name == name for node in model.graph.node):
                continue
            candidate = quantized(copy.deepcopy(model), used, side, [*kept, name])
            trials.append((agreement(truth, embed(candidate, tried)), name, candidate))
        gained, name, candidate = max(trials, key=lambda trial: trial[0])
        if gained < score + 0.001:
            break
        score, chosen = gained, candidate
        kept.append(name)
        say(f"with {', '.join(kept)} in float: cosine {score:.4f}")
    return chosen, {"float": kept, "cosine": score}
