"""Learns the recipe of the built-in late-interaction reranker from what ``collect.py`` wrote.

    python benchmarks/quality/train_reranker.py COLLECTED OUT.npz --train docs scifact --held-out milvus

Learned by listwise softmax over each query's candidates: the projection of the token vectors, the
weight of a query token (its rarity in the training passages times a function of its vector), and the
coefficients of the features. One query in five of each training set is held out, as is the whole of
the sets given with ``--held-out``. The scale is then calibrated on what was held out, as the
probability that a candidate is the relevant one of a relevant and an irrelevant one; the intercept is
set so that at the usual threshold of 0.4, 97 of 100 held-out queries keep a relevant candidate. Needs
torch, which the product does not.
"""

import argparse
import json
import pickle
import random
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from collect import Asked, Collected
from torch import Tensor, nn

from secondlook.evaluation.metrics import ndcg_at

SEED = 11
VOCABULARY = 30522
START = [5.3, 2.0, 8.0, 1.0]
"""Coefficients to begin with: MaxSim, its fourth power, the convex score of the first stage, the cosine."""
NEGATIVES = 23
HELD = 250
THRESHOLD = 0.4
"""``reranking.match_threshold`` of the wire, unless set."""
KEPT = 0.97
"""Share of the queries with a relevant candidate that keep one at that threshold, every set weighing the same."""


@dataclass
class Example:
    """A query with the set it belongs to."""

    source: Collected
    asked: Asked


class Scorer(nn.Module):
    """MaxSim of projected token vectors, weighted by token, mixed with the first stage's evidence."""

    def __init__(self, projection: Tensor, idf: Tensor) -> None:
        super().__init__()
        self.projection = nn.Parameter(projection.clone())
        self.weigher = nn.Parameter(torch.zeros(projection.shape[0]))
        self.alpha = nn.Parameter(torch.tensor(1.0))
        self.mix = nn.Parameter(torch.tensor(START))
        self.register_buffer("idf", idf)

    def weights(self, token_ids: Tensor, vectors: Tensor) -> Tensor:
        """[query tokens], summing to 1."""
        raw = self.idf[token_ids].clamp_min(1e-3) ** self.alpha * torch.exp((vectors @ self.weigher).clamp(-3, 3))
        return raw / raw.sum()

    def forward(self, given: "Given") -> Tensor:
        """Logits [candidates]."""
        asked = nn.functional.normalize(given.vectors @ self.projection, dim=1)
        read = nn.functional.normalize(given.tokens @ self.projection, dim=1)
        best = torch.zeros((len(asked), len(given.evidence))).scatter_reduce(
            1, given.owner.expand(len(asked), -1), asked @ read.T, "amax", include_self=True
        )
        weights = self.weights(given.token_ids, given.vectors)
        words = torch.stack([weights @ best, weights @ best**4], dim=1)
        self.similarities = words[:, 0].detach()
        return torch.cat([words, given.evidence], dim=1) @ self.mix


@dataclass
class Given:
    """What ``Scorer`` reads of a query and some of its candidates.

    Attributes:
        owner: [passage tokens], which candidate each belongs to.
        evidence: [candidates, 2], of the first stage.
    """

    token_ids: Tensor
    vectors: Tensor
    tokens: Tensor
    owner: Tensor
    evidence: Tensor


def prepare(example: Example, places: list[int]) -> Given:
    """The query and these candidates."""
    asked, source = example.asked, example.source
    keys = [asked.passages[place] for place in places]
    found = [source.passages[key] for key in keys]
    lengths = [len(one) for one in found]
    return Given(
        torch.from_numpy(asked.token_ids.astype(np.int64)),
        torch.from_numpy(asked.vectors.astype(np.float32)),
        torch.from_numpy(np.concatenate(found).astype(np.float32)),
        torch.repeat_interleave(torch.arange(len(found)), torch.tensor(lengths)),
        torch.from_numpy(asked.evidence[places]),
    )


def score_all(scorer: Scorer, example: Example) -> np.ndarray:
    """Logits of every candidate."""
    with torch.no_grad():
        return scorer(prepare(example, list(range(len(example.asked.passages))))).numpy()


def measure(scorer: Scorer | None, examples: list[Example]) -> float:
    """Mean nDCG@10 (grades as judged; unretrieved relevant passages count)."""
    figures = []
    for example in examples:
        asked = example.asked
        order = range(len(asked.passages))
        if scorer is not None and asked.passages:
            order = np.argsort(-score_all(scorer, example), kind="stable")
        judged = {asked.passages[at]: int(grade) for at, grade in enumerate(asked.grades)}
        missing = {f"missing-{n}": 1 for n in range(asked.judged - int((asked.grades > 0).sum()))}
        figures.append(ndcg_at(10, [asked.passages[at] for at in order], judged | missing))
    return float(np.mean(figures))


def measure_idf(sets: list[Collected], vocabulary: int) -> Tensor:
    """BM25's idf of each token over the passages of all sets, unseen tokens as if seen once."""
    seen = np.zeros(vocabulary)
    total = sum(len(one.token_ids) for one in sets)
    for one in sets:
        for ids in one.token_ids.values():
            seen[np.unique(ids)] += 1
    seen = np.maximum(seen, 1)
    return torch.from_numpy(np.log(1 + (total - seen + 0.5) / (seen + 0.5)).astype(np.float32))


def principal(sets: list[Collected], dimensions: int) -> Tensor:
    """The first principal directions of unit token vectors, not centred: [hidden, dimensions]."""
    chance = np.random.default_rng(SEED)
    total = 0.0
    for one in sets:
        keys = list(one.passages)
        for at in chance.choice(len(keys), min(1500, len(keys)), replace=False):
            rows = one.passages[keys[at]].astype(np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            total = total + rows.T @ rows
    return torch.from_numpy(np.linalg.eigh(total)[1][:, ::-1][:, :dimensions].astype(np.float32).copy())


def draw(train: dict[str, list[Example]], num: int, chance: random.Random) -> list[Example]:
    """Queries of all groups, each group as often as every other: kinds matter, not how many there are."""
    names = list(train)
    return [chance.choice(train[name]) for name in chance.choices(names, k=num)]


def learn(
    scorer: Scorer, train: dict[str, list[Example]], epochs: int, held: dict[str, list[Example]], per_epoch: int
) -> None:
    """Adam over batches of eight queries; prints the held-out figures of each epoch and keeps the best state."""
    chance = random.Random(SEED)
    groups = [
        {"params": [scorer.projection], "lr": 2e-4},
        {"params": [scorer.weigher], "lr": 5e-4},
        {"params": [scorer.alpha], "lr": 5e-3},
        {"params": [scorer.mix], "lr": 1.5e-2},
    ]
    optimiser = torch.optim.Adam(groups)
    steps = epochs * per_epoch // 8
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: max(0.05, 1 - step / steps))
    best, kept = 0.0, {name: value.clone() for name, value in scorer.state_dict().items()}
    for epoch in range(epochs):
        started, losses = time.time(), []
        for count, example in enumerate(draw(train, per_epoch, chance), 1):
            right = [at for at, grade in enumerate(example.asked.grades) if grade > 0]
            wrong = [at for at, grade in enumerate(example.asked.grades) if grade <= 0]
            places = right + chance.sample(wrong, min(NEGATIVES, len(wrong)))
            logits = scorer(prepare(example, places))
            loss = logits.logsumexp(0) - logits[: len(right)].mean()
            (loss / 8).backward()
            losses.append(loss.item())
            if count % 8 == 0:
                optimiser.step()
                schedule.step()
                optimiser.zero_grad()
        figures = {name: measure(scorer, rows) for name, rows in held.items()}
        mean = float(np.mean(list(figures.values())))
        shown = " ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
        mix = [round(one, 2) for one in scorer.mix.tolist()]
        print(f"epoch {epoch}: loss {np.mean(losses):.4f} {shown} mean {mean:.4f} alpha {scorer.alpha.item():.2f} {mix}"
              f" {time.time() - started:.0f} s", flush=True)  # fmt: skip
        if mean > best:
            best, kept = mean, {name: value.clone() for name, value in scorer.state_dict().items()}
    scorer.load_state_dict(kept)


def calibrate(scorer: Scorer, held: dict[str, list[Example]]) -> tuple[float, float]:
    """Scale of the logistic over (relevant, random other candidate) pairs, and the intercept for the threshold."""
    chance = random.Random(SEED)
    logits, labels, weights = [], [], []
    for rows in held.values():
        pairs = []
        for example in rows:
            found = score_all(scorer, example)
            right = [at for at, grade in enumerate(example.asked.grades) if grade > 0]
            wrong = [at for at, grade in enumerate(example.asked.grades) if grade <= 0]
            if right and wrong:
                pairs += [(found[chance.choice(right)], 1.0), (found[chance.choice(wrong)], 0.0)]
        logits += [one for one, _ in pairs]
        labels += [label for _, label in pairs]
        weights += [1 / len(pairs)] * len(pairs)
    x, y, w = (torch.tensor(np.array(one), dtype=torch.float64) for one in (logits, labels, weights))
    scale = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    shift = torch.tensor(-float(x.mean()), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([scale, shift], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = (nn.functional.binary_cross_entropy_with_logits(x * scale + shift, y, reduction="none") * w).sum()
        value.backward()
        return value

    optimiser.step(loss)
    return scale.item(), float(np.log(THRESHOLD / (1 - THRESHOLD))) - edge(scorer, held) * scale.item()


def edge(scorer: Scorer, held: dict[str, list[Example]]) -> float:
    """The logit that the best relevant candidate of a query reaches in ``KEPT`` of the queries."""
    reached, weights = [], []
    for rows in held.values():
        own = [score_all(scorer, one)[one.asked.grades > 0].max() for one in rows if (one.asked.grades > 0).any()]
        reached += own
        weights += [1 / len(own)] * len(own)
    order = np.argsort(reached)
    shares = np.cumsum(np.array(weights)[order]) / sum(weights)
    return float(np.array(reached)[order][np.searchsorted(shares, 1 - KEPT)])


def usual(scorer: Scorer, held: dict[str, list[Example]]) -> np.ndarray:
    """How the cosine and the share of BM25 rise with MaxSim: intercept and slope of each, by least squares."""
    similarities, known = [], []
    for example in (one for rows in held.values() for one in rows if one.asked.passages):
        score_all(scorer, example)
        similarities.append(scorer.similarities.numpy())
        convex, cosine = example.asked.evidence.T
        known.append(np.stack([cosine, 2 * convex - cosine], axis=1))
    told = np.concatenate(similarities)
    line = np.linalg.lstsq(np.stack([np.ones(len(told)), told], axis=1), np.concatenate(known), rcond=None)[0]
    return line.T.astype(np.float32)


def load(folder: Path, names: list[str]) -> list[Collected]:
    """The collected sets."""
    made = []
    for name in names:
        with (folder / f"{name}.pkl").open("rb") as file:
            made.append(pickle.load(file))
    return made


def kind(example: Example) -> str:
    """The group a query belongs to: its set, and in a set of sections what the query was made of."""
    head, mark, _ = example.asked.query_id.partition(":")
    return f"{example.source.name}-{head}" if mark and len(head) == 1 else example.source.name


def split(sets: list[Collected], others: list[Collected]) -> tuple[dict[str, list[Example]], dict[str, list[Example]]]:
    """Groups to learn from, and groups held out: one in five by hash of its name, and all of ``others``."""
    train: dict[str, list[Example]] = {}
    held: dict[str, list[Example]] = {}
    for one in (*sets, *others):
        for asked in (asked for asked in one.queries if asked.passages):
            row = Example(one, asked)
            page = asked.query_id.partition(":")[2].split("#")[0] or asked.query_id
            if one in others or zlib.crc32(page.encode()) % 5 == 0:
                held.setdefault(kind(row), []).append(row)
            elif (asked.grades > 0).any() and (asked.grades <= 0).any():
                train.setdefault(kind(row), []).append(row)
    chance = random.Random(SEED)
    return train, {name: chance.sample(rows, min(HELD, len(rows))) for name, rows in held.items()}


def export(scorer: Scorer, path: Path, version: str, scale: float, shift: float, line: np.ndarray) -> None:
    """The recipe as the product reads it."""
    rarity = (scorer.idf.clamp_min(1e-3) ** scorer.alpha.item()).numpy()
    np.savez_compressed(
        path,
        version=version,
        projection=scorer.projection.detach().numpy().astype(np.float16),
        rarity=np.rint(rarity / rarity.max() * 255).astype(np.uint8),
        rarity_scale=float(rarity.max()) / 255,
        weigher=scorer.weigher.detach().numpy().astype(np.float16),
        coefficients=scorer.mix.detach().numpy().astype(np.float32),
        scale=scale,
        intercept=shift,
        usual=line,
    )


def main() -> None:
    """Learn, report, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collected", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", nargs="+", required=True)
    parser.add_argument("--held-out", nargs="*", default=[])
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--per-epoch", type=int, default=4000)
    parser.add_argument("--version", default="1")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(SEED)
    sets, others = load(given.collected, given.train), load(given.collected, given.held_out)
    train, held = split(sets, others)
    for name, groups in (("learned from", train), ("held out", held)):
        print(f"{name}: { {one: len(rows) for one, rows in groups.items()} }")
    print(
        "retrieval order: " + " ".join(f"{name} {measure(None, rows):.4f}" for name, rows in held.items()), flush=True
    )
    idf = measure_idf(sets, VOCABULARY)
    scorer = Scorer(principal(sets, given.dimensions), idf)
    learn(scorer, train, given.epochs, held, given.per_epoch)
    scale, shift = calibrate(scorer, held)
    export(scorer, given.out, given.version, scale, shift, usual(scorer, held))
    figures = {name: {"hybrid": measure(None, rows), "reranked": measure(scorer, rows)} for name, rows in held.items()}
    print(json.dumps({"held_out": figures, "scale": scale, "intercept": shift, "mix": scorer.mix.tolist()}, indent=1))


if __name__ == "__main__":
    main()
