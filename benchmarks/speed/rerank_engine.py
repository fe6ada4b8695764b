"""One engine of the reranking benchmark: loads, warms up, then scores each time a line comes in.

    python rerank_engine.py ENGINE FOLDER THREADS

Runs in the environment of the engine it times, so that it imports nothing of the others.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Score = Callable[[str, list[str]], list[float]]

KEPT = 15
"""Passages that the built-in late interaction leaves to the cross-encoder in ``secondlook-pruned``."""


def secondlook(folder: Path, threads: int, passages: list[str]) -> Score:
    """The product's own cross-encoder."""
    from secondlook.models.cross_encoder import CrossEncoder
    from secondlook.models.encoder import Encoder
    from secondlook.ports import Passage

    reranker = CrossEncoder(Encoder(folder, head=True, threads=threads))
    loop = asyncio.new_event_loop()
    return lambda query, texts: list(
        loop.run_until_complete(reranker.score(query, [Passage(text) for text in texts])).values
    )


def secondlook_pruned(folder: Path, threads: int, passages: list[str]) -> Score:
    """The product's cascade: late interaction over what the index stored, then the cross-encoder on the best 15."""
    from secondlook.models.cross_encoder import CrossEncoder
    from secondlook.models.encoder import Encoder
    from secondlook.models.late_interaction import LateInteraction, encode_windows
    from secondlook.models.weights import ALL_MINILM, find_model
    from secondlook.ports import Passage

    found = find_model(ALL_MINILM, Path("build"))
    if found is None:
        raise SystemExit("the default model is not installed")
    small, costly = Encoder(found, threads=threads), CrossEncoder(Encoder(folder, head=True, threads=threads))
    cheap = LateInteraction(small)
    loop = asyncio.new_event_loop()
    stored = {}
    for text in passages:
        windows, cut = loop.run_until_complete(encode_windows(small, text))
        stored[text] = cheap.pack(windows, cut=cut)

    async def score(query: str, texts: list[str]) -> list[float]:
        given = [Passage(text, stored[text]) for text in texts]
        first = (await cheap.score(query, given)).values
        best = sorted(range(len(texts)), key=lambda at: -first[at])[:KEPT]
        second = (await costly.score(query, [given[at] for at in best])).values
        scores = [one - 1 for one in first]
        for at, one in zip(best, second, strict=True):
            scores[at] = one
        return scores

    return lambda query, texts: loop.run_until_complete(score(query, texts))


def sentence_transformers(folder: Path, threads: int, passages: list[str]) -> Score:
    """``CrossEncoder`` as it comes: fp32, batches of 32, sorted by length."""
    import torch
    from sentence_transformers import CrossEncoder

    torch.set_num_threads(threads)
    encoder = CrossEncoder(str(folder), max_length=512, device="cpu")
    return lambda query, texts: encoder.predict([(query, one) for one in texts]).tolist()


def sentence_transformers_gpu(folder: Path, threads: int, passages: list[str]) -> Score:
    """``CrossEncoder`` as it comes, on the first GPU."""
    from sentence_transformers import CrossEncoder

    encoder = CrossEncoder(str(folder), max_length=512, device="cuda")
    return lambda query, texts: encoder.predict([(query, one) for one in texts]).tolist()


def sentence_transformers_openvino(folder: Path, threads: int, passages: list[str]) -> Score:
    """Its OpenVINO backend on int8 weights and activations, one passage a batch, which is its best."""
    from sentence_transformers import CrossEncoder

    target = folder / "openvino-int8"
    if not target.is_dir():
        _quantise_openvino(folder, target, passages)
    options = {"ov_config": {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}}
    encoder = CrossEncoder(str(target), max_length=512, device="cpu", backend="openvino", model_kwargs=options)
    return lambda query, texts: encoder.predict([(query, one) for one in texts], batch_size=1).tolist()


def _quantise_openvino(folder: Path, target: Path, passages: list[str]) -> None:
    """Static int8 by NNCF as sentence-transformers' own export does it, calibrated on the benchmark's passages."""
    import nncf
    from optimum.intel import OVModelForSequenceClassification
    from transformers import AutoTokenizer

    model = OVModelForSequenceClassification.from_pretrained(str(folder), export=True, load_in_8bit=False)
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    rows = [dict(tokenizer("a query", one, truncation=True, max_length=512, return_tensors="np")) for one in passages]
    model.model = nncf.quantize(
        model.model, nncf.Dataset(rows), subset_size=len(rows), model_type=nncf.ModelType.TRANSFORMER
    )
    model.save_pretrained(str(target))
    tokenizer.save_pretrained(str(target))


def fastembed(folder: Path, threads: int, passages: list[str]) -> Score:
    """``TextCrossEncoder`` over the exported graph in fp32, as it ships its models."""
    from fastembed.common.model_description import ModelSource
    from fastembed.rerank.cross_encoder import TextCrossEncoder

    TextCrossEncoder.add_custom_model(model="local/model", model_file="onnx/model.onnx", sources=ModelSource(hf="x/y"))
    encoder = TextCrossEncoder("local/model", specific_model_path=str(folder), threads=threads)
    return lambda query, texts: list(encoder.rerank(query, texts))


def flashrank(folder: Path, threads: int, passages: list[str]) -> Score:
    """``Ranker`` over the graph quantised dynamically, as it ships its models."""
    from flashrank import Config, Ranker, RerankRequest
    from onnxruntime.quantization import QuantType, quantize_dynamic

    Config.model_file_map[folder.name] = "flashrank.onnx"
    if not (folder / "flashrank.onnx").is_file():
        quantize_dynamic(
            str(folder / "onnx" / "model.onnx"), str(folder / "flashrank.onnx"), weight_type=QuantType.QInt8
        )
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])  # it has no option for threads
    ranker = Ranker(folder.name, cache_dir=str(folder.parent), log_level="ERROR")

    def score(query: str, texts: list[str]) -> list[float]:
        rows: list[dict[str, Any]] = [{"id": at, "text": text} for at, text in enumerate(texts)]
        found = {row["id"]: float(row["score"]) for row in ranker.rerank(RerankRequest(query, rows))}
        return [found[at] for at in range(len(texts))]

    return score


def onnx_product_rate(threads: int, rows: int = 512, inputs: int = 768, outputs: int = 3072) -> float:
    """Operations a second of ONNX Runtime's int8 matrix product, the best of 30."""
    import numpy as np
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(0)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [rows, inputs])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [rows, outputs])],
        [numpy_helper.from_array(chance.integers(-63, 63, (inputs, outputs)).astype(np.int8), "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = {"x": chance.integers(0, 127, (rows, inputs)).astype(np.uint8)}
    best = min(_seconds(lambda: session.run(None, given)) for _ in range(30))
    return 2.0 * rows * inputs * outputs / best


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Load, warm up, then answer each line with seconds and scores."""
    name, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if name == "ceiling":
        print(json.dumps({"rate": onnx_product_rate(threads)}))
        return
    given = json.loads((folder / "passages.json").read_text(encoding="utf-8"))
    query, passages = given["query"], given["passages"]
    score: Score = globals()[name.replace("-", "_")](folder, threads, passages)
    score(query, passages)
    print(json.dumps({"ready": name}), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        found = score(query, passages)
        taken = time.perf_counter() - started
        print(json.dumps({"seconds": taken, "scores": [float(one) for one in found]}), flush=True)


if __name__ == "__main__":
    main()
