"""Times reranking engines side by side: Secondlook's, sentence-transformers, fastembed and FlashRank.

    python benchmarks/speed/rerank.py --model minilm-l6 --passages 50 --json FIGURES.json

Every engine gets the same weights, the same query, the same passages (30 to 512 tokens a pair, mean
about 180) and two threads. Each is a process of its own that stays loaded; rounds go over all engines
in turn, so that noise meets all alike; the figures are medians. The peers are installed into an
environment of their own (``--peers``) at the first run, pinned and hashed in requirements/peers.txt; pip
must know an index that has torch for CPUs. On a machine with a GPU name an environment whose torch has CUDA.
``share_of_ceiling`` is the rate of useful
work (no padding) over that of the fastest int8 matrix product measured here, on the same threads;
``spearman`` is the rank correlation with the fp32 scores of sentence-transformers.
``secondlook-pruned`` is the whole stage: the built-in late interaction leaves 15 to the cross-encoder.
Where torch finds a GPU, sentence-transformers runs on it too, and a column sets every engine beside it.
``query_ms`` is what the default encoder takes for one short query, alone on one thread.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from report import render_reranking
from rerank_models import ARCHITECTURES, QUERY, Architecture, make_folder, make_passages

from secondlook.models.native_check import time_queries
from secondlook.models.native_session import NativeSession, arithmetic_of, best_unit, product_rate
from secondlook.models.weights import ALL_MINILM, find_model

HERE = Path(__file__).parent
PEERS = HERE.parents[1] / "requirements" / "peers.txt"
OWN = ("secondlook", "secondlook-pruned")
GPU = "sentence-transformers-gpu"
ENGINES = (*OWN, "sentence-transformers", "sentence-transformers-openvino", "fastembed", "flashrank", GPU)
THREADS = 2
SHAPES = ((512, 768, 3072), (512, 384, 1536), (128, 1536, 384))
"""Rows, inputs, outputs of the products that are timed for the ceiling."""


@dataclass
class Engine:
    """A process that scores on demand."""

    name: str
    process: "subprocess.Popen[str]"

    def ask(self) -> dict[str, Any]:
        """Seconds and scores of one run."""
        assert self.process.stdin is not None
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        """The next answer; raises ``RuntimeError`` when the engine is gone."""
        for line in self.process.stdout or ():
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise RuntimeError(f"{self.name} ended with code {self.process.wait()}")


def make_environment(folder: Path) -> Path:
    """The Python of the peers' environment, installed at the first call: every file pinned and hashed."""
    python = folder / "bin" / "python"
    if not (folder / ".ready").is_file():
        print(f"Installing the peers into {folder} (once; some minutes)", flush=True)
        venv.create(folder, with_pip=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
        if subprocess.run([*pip, "--require-hashes", "-r", PEERS], check=False).returncode:
            raise SystemExit(f"the peers cannot be installed: pip must reach every file of {PEERS}, torch's too")
        (folder / ".ready").touch()
    return python


def find_gpu(python: Path) -> str:
    """The name of the GPU that the peers' torch can use, or nothing."""
    told = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"
    ran = subprocess.run([python, "-c", told], capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def measure_query() -> dict[str, float]:
    """Milliseconds of processor time of one thread that encodes one short query, by its number of tokens."""
    folder = find_model(ALL_MINILM, Path("build"))
    if folder is None or not best_unit():
        return {}
    found = time_queries(NativeSession(folder, head=False), 512)
    return {str(tokens): 1000 * seconds for tokens, seconds in found.items()}


def start(name: str, python: Path, work: Path) -> Engine:
    """The engine, loaded and warm."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS), "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    command = [str(python), str(HERE / "rerank_engine.py"), name, str(work), str(THREADS)]
    with (work / f"{name}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        )
    engine = Engine(name, process)
    engine.read()
    return engine


def start_all(names: Sequence[str], python: Path, work: Path) -> tuple[list[Engine], dict[str, str]]:
    """The engines that could be started, and of the others why not."""
    engines, missing = [], {}
    for name in names:
        print(f"loading {name}", flush=True)
        try:
            engines.append(start(name, Path(sys.executable) if name in OWN else python, work))
        except RuntimeError as error:
            missing[name] = f"{error}; see {name}.log"
            print(missing[name], flush=True)
    return engines, missing


def measure(engines: list[Engine], rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds of each round and the scores of the last, by engine."""
    found: dict[str, tuple[list[float], list[float]]] = {one.name: ([], []) for one in engines}
    for number in range(rounds):
        for one in engines:
            answer = one.ask()
            found[one.name][0].append(answer["seconds"])
            found[one.name][1][:] = answer["scores"]
        print(f"round {number + 1} of {rounds}", flush=True)
    return found


def measure_ceiling(python: Path) -> dict[str, float]:
    """Operations a second, on all threads, of the int8 products that are to be had here."""
    with ThreadPoolExecutor(THREADS) as pool:
        native = max(
            sum(pool.map(lambda _, shape=shape: product_rate(*shape, 100), range(THREADS))) for shape in SHAPES
        )
    command = [str(python), str(HERE / "rerank_engine.py"), "ceiling", ".", str(THREADS)]
    onnx = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    return {"native": native, "onnxruntime": float(onnx["rate"])}


def count_operations(shape: Architecture, lengths: list[int]) -> float:
    """Multiplications and additions that the model asks for: linear layers and attention, no padding."""
    linear = shape.layers * (4 * shape.hidden**2 + 2 * shape.hidden * shape.inner)
    return sum(2.0 * linear * one + 4.0 * shape.layers * shape.hidden * one**2 for one in lengths)


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Rank correlation; ties as they come."""
    ranks = [np.argsort(np.argsort(one)) for one in (left, right)]
    return float(np.corrcoef(*ranks)[0, 1])


def describe_machine() -> dict[str, Any]:
    """What the figures hold for."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").is_file() else ""
    name = next((line.split(":", 1)[1].strip() for line in info.splitlines() if "model name" in line), "")
    return {
        "processor": name or platform.processor(),
        "cores": os.cpu_count(),
        "unit": best_unit() or "none",
        "arithmetic": arithmetic_of(best_unit()),
        "python": platform.python_version(),
    }


def describe_commit() -> str:
    """The commit that was measured."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE).stdout.strip()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(ARCHITECTURES), default="minilm-l6")
    parser.add_argument("--passages", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peers", type=Path, default=Path("build/peers"))
    parser.add_argument("--work", type=Path, default=Path("build/rerank"))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    given = parser.parse_args()
    shape = ARCHITECTURES[given.model]
    python = make_environment(given.peers.absolute())
    work = (given.work / given.model).absolute()
    make_folder(shape, work, python)
    passages, lengths = make_passages(given.passages)
    (work / "passages.json").write_text(json.dumps({"query": QUERY, "passages": passages}), encoding="utf-8")
    gpu = find_gpu(python)
    names = [name for name in given.engines if name != GPU or gpu]
    engines, missing = start_all(names, python, work)
    if not engines:
        raise SystemExit("no engine could be started")
    found = measure(engines, given.rounds)
    for one in engines:
        one.process.terminate()
    ceiling = measure_ceiling(python)
    operations = count_operations(shape, lengths)
    exact = found.get("sentence-transformers", next(iter(found.values())))[1]
    figures = {
        "results": [
            {
                "engine": name,
                "model": given.model,
                "median_s": statistics.median(seconds),
                "share_of_ceiling": operations / statistics.median(seconds) / max(ceiling.values()),
                "spearman": spearman(scores, exact),
            }
            for name, (seconds, scores) in found.items()
        ],
        "machine": describe_machine() | {"gpu": gpu},
        "query_ms": measure_query(),
        "commit": describe_commit(),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "passages": given.passages,
        "tokens": sum(lengths),
        "gflop": operations / 1e9,
        "int8_ceiling_gflops": {name: rate / 1e9 for name, rate in ceiling.items()},
        "threads": THREADS,
        "rounds": given.rounds,
        "missing": missing,
    }
    print(render_reranking(figures))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
