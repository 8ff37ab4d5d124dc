"""The graph of a BERT sentence embedder over the file of its weights, which it leaves in place.

Devlin et al., "BERT: pre-training of deep bidirectional transformers", 2019, for the encoder;
Reimers & Gurevych, "Sentence-BERT", 2019, for the mean over tokens. For one text, so without
padding: what is beside a text cannot change its vector.
"""

import json
from pathlib import Path
from typing import Any

LAYERS, HEADS, DIMENSIONS = 6, 12, 384
EPSILON = 1e-12  # of the norms of layers
OPSET, IR_VERSION = 23, 11


def sentence_graph(weights: Path) -> bytes:
    """Return an ONNX graph from the tokens of a text to their last states, and the mean of these.

    Parameters
    ----------
    weights
        A safetensors file, of which the graph holds places, not copies.

    Returns
    -------
    bytes
        Input ``tokens``, int64 ``(tokens,)``; outputs ``states``, float32 ``(tokens, 384)``, and
        ``mean``, float32 ``(384,)``.

    Raises
    ------
    ValueError
        If the file is none.
    KeyError
        If it lacks a weight.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    places = _places(weights)
    nodes: list[Any] = []
    used: dict[str, Any] = {}

    def weight(name: str) -> str:
        used[name] = _external(name, weights.name, **places[name])
        return name

    def constant(name: str, values: list[int]) -> str:
        used[name] = numpy_helper.from_array(np.array(values, dtype=np.int64), name)
        return name

    def node(kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        name = output or f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def dense(states: str, name: str) -> str:
        return node("Gemm", states, weight(f"{name}.weight"), weight(f"{name}.bias"), transB=1)

    def norm(states: str, beside: str, name: str, output: str = "") -> str:
        scale, bias = weight(f"{name}.LayerNorm.weight"), weight(f"{name}.LayerNorm.bias")
        total = node("Add", states, beside)
        return node(
            "LayerNormalization", total, scale, bias, output=output, axis=-1, epsilon=EPSILON
        )

    first = constant("first", [0])
    words = node("Gather", weight("embeddings.word_embeddings.weight"), "tokens")
    positions = weight("embeddings.position_embeddings.weight")
    position = node("Slice", positions, first, node("Shape", "tokens"))
    segment = node("Gather", weight("embeddings.token_type_embeddings.weight"), first)
    states = norm(words, node("Add", position, segment), "embeddings")
    for index in range(LAYERS):
        layer = f"encoder.layer.{index}"
        triple = (
            dense(states, f"{layer}.attention.self.{each}") for each in ("query", "key", "value")
        )
        batch = [node("Unsqueeze", each, first) for each in triple]
        read = node("Attention", *batch, q_num_heads=HEADS, kv_num_heads=HEADS)
        read = dense(node("Squeeze", read, first), f"{layer}.attention.output.dense")
        states = norm(read, states, f"{layer}.attention.output")
        inner = node("Gelu", dense(states, f"{layer}.intermediate.dense"))
        last = "states" if index == LAYERS - 1 else ""
        states = norm(dense(inner, f"{layer}.output.dense"), states, f"{layer}.output", last)
    node("ReduceMean", states, first, output="mean", keepdims=0)

    graph = helper.make_graph(
        nodes,
        "sentence",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["length"])],
        [
            helper.make_tensor_value_info("states", TensorProto.FLOAT, ["length", DIMENSIONS]),
            helper.make_tensor_value_info("mean", TensorProto.FLOAT, [DIMENSIONS]),
        ],
        [*used.values()],
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def _places(weights: Path) -> dict[str, dict[str, Any]]:
    """Return the shape, the first byte and the bytes of each tensor of a safetensors file."""
    with weights.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    return {
        name: {
            "shape": each["shape"],
            "offset": 8 + size + each["data_offsets"][0],
            "length": each["data_offsets"][1] - each["data_offsets"][0],
        }
        for name, each in header.items()
        if each.get("dtype") == "F32"
    }


def _external(name: str, location: str, shape: list[int], offset: int, length: int) -> Any:
    """Return a tensor of a graph that lies in another file."""
    from onnx import TensorProto

    tensor = TensorProto(
        name=name,
        data_type=TensorProto.FLOAT,
        dims=shape,
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
