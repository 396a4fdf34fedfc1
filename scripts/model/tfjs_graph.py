"""Writes the network as a TensorFlow.js graph model: `model.json` and its weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from torch import nn

from network import EMBEDDING, Embedder
from onnx_graph import MEAN, SCALE

SHARD = 4 * 2**20


class GraphModel:
    """Nodes of a TensorFlow graph in their JSON form, and the weights in order."""

    def __init__(self) -> None:
        self.nodes: list[dict] = []
        self.weights: list[tuple[str, np.ndarray]] = []

    def node(self, op: str, name: str, inputs: list[str], **attributes: dict) -> str:
        self.nodes.append({"name": name, "op": op, "input": inputs, "attr": attributes})
        return name

    def constant(self, name: str, value: np.ndarray) -> str:
        self.weights.append((name, np.ascontiguousarray(value)))
        kind = "DT_INT32" if value.dtype == np.int32 else "DT_FLOAT"
        shape = {"dim": [{"size": str(size)} for size in value.shape]}
        return self.node(
            "Const", name, [], dtype={"type": kind}, value={"tensor": {"dtype": kind, "tensorShape": shape}}
        )

    def convolution(self, name: str, layer: nn.Conv2d, x: str, clipped: bool) -> str:
        weight = layer.weight.detach().numpy()
        deep = layer.groups > 1
        # TensorFlow's kernels are [height, width, inputs, outputs], depthwise ones [height, width, inputs, 1].
        kernel = self.constant(f"{name}/kernel", weight.transpose(2, 3, 0, 1) if deep else weight.transpose(2, 3, 1, 0))
        stride = str(layer.stride[0])
        x = self.node(
            "DepthwiseConv2dNative" if deep else "Conv2D",
            f"{name}/conv",
            [x, kernel],
            T={"type": "DT_FLOAT"},
            strides={"list": {"i": ["1", stride, stride, "1"]}},
            dilations={"list": {"i": ["1", "1", "1", "1"]}},
            padding={"s": encoded("SAME")},
            data_format={"s": encoded("NHWC")},
        )
        bias = self.constant(f"{name}/bias", layer.bias.detach().numpy())
        x = self.node("BiasAdd", f"{name}/sum", [x, bias], T={"type": "DT_FLOAT"}, data_format={"s": encoded("NHWC")})
        return self.node("Relu6", f"{name}/relu6", [x], T={"type": "DT_FLOAT"}) if clipped else x


def encoded(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def graph_of(model: Embedder, side: int) -> GraphModel:
    graph = GraphModel()
    floats = {"T": {"type": "DT_FLOAT"}}
    shape = {"shape": {"dim": [{"size": "-1"}, {"size": str(side)}, {"size": str(side)}, {"size": "3"}]}}
    x = graph.node("Placeholder", "pixels", [], dtype={"type": "DT_INT32"}, shape=shape)
    x = graph.node("Cast", "floats", [x], SrcT={"type": "DT_INT32"}, DstT={"type": "DT_FLOAT"})
    x = graph.node("Sub", "centred", [x, graph.constant("mean", np.float32([MEAN]))], **floats)
    x = graph.node("Mul", "scaled", [x, graph.constant("scale", np.float32([1 / SCALE]))], **floats)
    x = graph.convolution("stem", model.stem, x, True)
    for number, block in enumerate(model.blocks):
        name = f"block{number}"
        y = x
        if block.expand is not None:
            y = graph.convolution(f"{name}/expand", block.expand, y, True)
        y = graph.convolution(f"{name}/depthwise", block.depthwise, y, True)
        y = graph.convolution(f"{name}/project", block.project, y, False)
        x = graph.node("AddV2", f"{name}/residual", [x, y], **floats) if block.residual else y
    x = graph.convolution("top", model.top, x, True)
    axes = graph.constant("axes", np.int32([1, 2]))
    x = graph.node("Mean", "pool", [x, axes], **floats, keep_dims={"b": False})
    kernel = graph.constant("head/kernel", model.head.weight.detach().numpy().T)
    turn = {"transpose_a": {"b": False}, "transpose_b": {"b": False}}
    x = graph.node("MatMul", "head/product", [x, kernel], **floats, **turn)
    x = graph.node("BiasAdd", "head/sum", [x, graph.constant("head/bias", model.head.bias.detach().numpy())], **floats)
    axis = graph.constant("axis", np.int32([1]))
    x = unit(graph, "direction", x, axis)
    x = graph.node("Sub", "apart", [x, graph.constant("centre", model.centre.numpy())], **floats)
    unit(graph, "embedding", x, axis)
    return graph


def unit(graph: GraphModel, name: str, x: str, axis: str) -> str:
    """Rows of `x` at length 1."""
    floats = {"T": {"type": "DT_FLOAT"}}
    square = graph.node("Square", f"{name}/square", [x], **floats)
    total = graph.node("Sum", f"{name}/total", [square, axis], **floats, keep_dims={"b": True})
    return graph.node("RealDiv", name, [x, graph.node("Sqrt", f"{name}/length", [total], **floats)], **floats)


def write(model: Embedder, side: int, folder: Path) -> list[Path]:
    """Writes `tfjs-model.json` and `tfjs-weights-N.bin`, float16 as TensorFlow.js unpacks them; answers with the files."""
    graph = graph_of(model, side)
    entries, data = [], b""
    for name, value in graph.weights:
        entry = {"name": name, "shape": list(value.shape), "dtype": "int32" if value.dtype == np.int32 else "float32"}
        if value.dtype == np.float32 and value.size > 1:
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            value = value.astype(np.float16)
        entries.append(entry)
        data += value.tobytes()
    shards = [data[at : at + SHARD] for at in range(0, len(data), SHARD)]
    paths = [f"tfjs-weights-{number}.bin" for number in range(len(shards))]
    described = {
        "format": "graph-model",
        "generatedBy": "cartwright",
        "convertedBy": None,
        "signature": {
            "inputs": {"pixels": {"name": "pixels:0", "dtype": "DT_INT32"}},
            "outputs": {"embedding": {"name": "embedding:0", "dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": "-1"}, {"size": str(EMBEDDING)}]}}},
        },
        "modelTopology": {"node": graph.nodes, "library": {}, "versions": {"producer": 1}},
        "weightsManifest": [{"paths": paths, "weights": entries}],
    }
    (folder / "tfjs-model.json").write_text(json.dumps(described, separators=(",", ":")) + "\n")
    for path, shard in zip(paths, shards, strict=True):
        (folder / path).write_bytes(shard)
    return [folder / "tfjs-model.json", *(folder / path for path in paths)]
