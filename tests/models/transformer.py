"""The same model by numpy in float64, from its weights: the oracle of the graph."""

import json

import numpy as np
from scipy.special import erf, softmax


def read(path):
    """Return the tensors of a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, each in json.loads(data[8:start]).items():
        if each.get("dtype") == "F32":
            begin, end = each["data_offsets"]
            numbers = np.frombuffer(data[start + begin : start + end], dtype="<f4")
            tensors[name] = numbers.reshape(each["shape"]).astype(np.float64)
    return tensors


def embed(weights, tokens):
    """Return the unit vector of one text."""
    mean = last_states(weights, tokens).mean(axis=0)
    return mean / np.linalg.norm(mean)


def last_states(weights, tokens):
    """Return what the network makes of each token of one text."""

    def dense(states, name):
        return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(states, name):
        centred = states - states.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.LayerNorm.weight"] + weights[f"{name}.LayerNorm.bias"]

    def heads(states):
        return states.reshape(len(tokens), 12, 32).swapaxes(0, 1)

    states = weights["embeddings.word_embeddings.weight"][tokens]
    states = states + weights["embeddings.position_embeddings.weight"][: len(tokens)]
    states = states + weights["embeddings.token_type_embeddings.weight"][0]
    states = norm(states, "embeddings")
    for index in range(6):
        layer = f"encoder.layer.{index}"
        query, key, value = (
            heads(dense(states, f"{layer}.attention.self.{each}"))
            for each in ("query", "key", "value")
        )
        looked = softmax(query @ key.swapaxes(1, 2) / np.sqrt(32), axis=2) @ value
        looked = dense(
            looked.swapaxes(0, 1).reshape(len(tokens), 384), f"{layer}.attention.output.dense"
        )
        states = norm(states + looked, f"{layer}.attention.output")
        inner = dense(states, f"{layer}.intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        states = norm(states + dense(inner, f"{layer}.output.dense"), f"{layer}.output")
    return states
