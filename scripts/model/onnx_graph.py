"""Writes the network as ONNX, node by node: it is small, and nothing else then depends on how an exporter sees it."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from network import EMBEDDING, Embedder

OPSET = 17
MEAN, SCALE = 127.0, 128.0


class Graph:
    """Nodes and constants in order."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, name: str, inputs: list[str], **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def convolution(self, name: str, layer: nn.Conv2d, x: str, clipped: bool) -> str:
        weight = self.constant(f"{name}.weight", layer.weight.detach().numpy())
        bias = self.constant(f"{name}.bias", layer.bias.detach().numpy())
        pad = layer.padding[0]
        x = self.node(
            "Conv", name, [x, weight, bias],
            kernel_shape=list(layer.kernel_size), strides=list(layer.stride), pads=[pad] * 4, group=layer.groups,
        )  # fmt: skip
        return self.node("Clip", f"{name}.relu6", [x, "zero", "six"]) if clipped else x


def float_graph(model: Embedder, side: int) -> onnx.ModelProto:
    """Input `x`: float `[n, 3, side, side]`, (rgb - 127) / 128; output `embedding`: float `[n, 256]` of unit length."""
    graph = Graph()
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    x = graph.convolution("stem", model.stem, "x", True)
    for number, block in enumerate(model.blocks):
        y = x
        if block.expand is not None:
            y = graph.convolution(f"block{number}.expand", block.expand, y, True)
        y = graph.convolution(f"block{number}.depthwise", block.depthwise, y, True)
        y = graph.convolution(f"block{number}.project", block.project, y, False)
        x = graph.node("Add", f"block{number}.sum", [x, y]) if block.residual else y
    x = graph.convolution("top", model.top, x, True)
    x = graph.node("GlobalAveragePool", "pool", [x])
    x = graph.node("Flatten", "flat", [x], axis=1)
    weight = graph.constant("head.weight", model.head.weight.detach().numpy())
    bias = graph.constant("head.bias", model.head.bias.detach().numpy())
    x = graph.node("Gemm", "head", [x, weight, bias], transB=1)
    length = graph.node("ReduceL2", "length", [x], axes=[1], keepdims=1)
    x = graph.node("Div", "direction", [x, length])
    x = graph.node("Sub", "apart", [x, graph.constant("centre", model.centre.numpy())])
    length = graph.node("ReduceL2", "length.apart", [x], axes=[1], keepdims=1)
    graph.node("Div", "embedding", [x, length])
    return finished(graph, helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, side, side]))


def finished(graph: Graph, given: onnx.ValueInfoProto) -> onnx.ModelProto:
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", EMBEDDING])
    made = helper.make_graph(graph.nodes, "embedder", [given], [output], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="cartwright")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def with_byte_input(model: onnx.ModelProto, side: int) -> onnx.ModelProto:
    """The same with input `pixels`: `uint8[n, side, side, 3]`. Of a quantized model, whose first step is to quantize
    `x`, that step falls away: bytes are what it would give (zero 127, scale 1/128)."""
    graph = model.graph
    first = [node for node in graph.node if "x" in node.input]
    graph.input.pop()
    graph.input.append(helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", side, side, 3]))
    turned = helper.make_node("Transpose", ["pixels"], ["planes"], name="planes", perm=[0, 3, 1, 2])
    if first[0].op_type == "QuantizeLinear":
        (quantize,) = first
        constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        assert constants[quantize.input[2]] == MEAN and np.isclose(constants[quantize.input[1]], 1 / SCALE, rtol=1e-3)
        for node in graph.node:
            for at, name in enumerate(node.input):
                if name == quantize.output[0]:
                    node.input[at] = "planes"
        graph.node.remove(quantize)
        graph.node.insert(0, turned)
    else:
        graph.initializer.append(numpy_helper.from_array(np.float32(MEAN), "mean"))
        graph.initializer.append(numpy_helper.from_array(np.float32(1 / SCALE), "scale"))
        steps = [
            turned,
            helper.make_node("Cast", ["planes"], ["planes.float"], name="planes.float", to=TensorProto.FLOAT),
            helper.make_node("Sub", ["planes.float", "mean"], ["planes.centred"], name="planes.centred"),
            helper.make_node("Mul", ["planes.centred", "scale"], ["x"], name="planes.scaled"),
        ]
        for step in reversed(steps):
            graph.node.insert(0, step)
    onnx.checker.check_model(model)
    return model
