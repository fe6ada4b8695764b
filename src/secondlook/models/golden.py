"""The self-test of a model that was just loaded: known pairs, in known order, with the scores of the first time."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from secondlook.errors import RerankerError
from secondlook.ports import Passage, Reranker

log = logging.getLogger(__name__)

RECORD = "golden.json"
TOLERANCE = 0.02
"""Largest difference of a score between two loads of the same identity: another processor rounds otherwise."""


@dataclass(frozen=True, slots=True)
class GoldenPair:
    """A query, a passage that answers it, and one that does not."""

    query: str
    relevant: str
    irrelevant: str


PAIRS = (
    GoldenPair(
        "What is the capital of France?",
        "Paris is the capital and largest city of France.",
        "Bread is baked from flour, water, salt and yeast.",
    ),
    GoldenPair(
        "how many people live in berlin",
        "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers.",
        "The museum is closed on Mondays and on public holidays.",
    ),
    GoldenPair(
        "how do plants make energy from sunlight",
        "Photosynthesis is how plants turn sunlight, water and carbon dioxide into sugar and oxygen.",
        "The committee will vote on the new budget for road repairs next week.",
    ),
    GoldenPair(
        "symptoms of the flu",
        "Influenza causes fever, cough, sore throat, muscle aches and tiredness.",
        "The guitar was tuned a half step lower for the second song.",
    ),
)
"""Plain English, which every listed model reads; no passage shares words with another query."""


async def check_model(model: Reranker, *, trained: bool, folder: Path | None = None) -> None:
    """Let the model serve, or not.

    A ``trained`` model must score each relevant passage above its irrelevant one. With a
    ``folder``, the scores are held to those that the same identity gave when it was loaded
    there first, and are recorded if there are none.

    Raises:
        RerankerError: it does not serve; says which pair and which values.
    """
    scores: list[float] = []
    for pair in PAIRS:
        found = await model.score(pair.query, [Passage(pair.relevant), Passage(pair.irrelevant)])
        scores.extend(found.values)
    if trained:
        _check_order(model.identity, scores)
    if folder:
        _check_record(folder / RECORD, model.identity, scores)


def _check_order(identity: str, scores: list[float]) -> None:
    for pair, relevant, irrelevant in zip(PAIRS, scores[::2], scores[1::2], strict=True):
        if relevant <= irrelevant:
            raise RerankerError(
                f"{identity} failed its self-test and is not used: for {pair.query!r} it gave the relevant passage"
                f" {relevant:.4f} and the irrelevant one {irrelevant:.4f}; download or add the model again",
                "self_test",
            )


def _check_record(path: Path, identity: str, scores: list[float]) -> None:
    known = _read(path)
    before = known.get(identity)
    if before is None:
        _write(path, {**known, identity: [round(score, 6) for score in scores]})
        return
    texts = [(pair.query, text) for pair in PAIRS for text in (pair.relevant, pair.irrelevant)]
    if len(before) != len(scores):
        raise RerankerError(
            f"{path} holds {len(before)} scores of {identity}, not {len(scores)}: remove the file", "self_test"
        )
    for (query, text), then, now in zip(texts, before, scores, strict=True):
        if not abs(then - now) <= TOLERANCE:
            raise RerankerError(
                f"{identity} failed its self-test and is not used: for {query!r} and {text!r} it gave {then:.4f}"
                f" when it was first loaded and gives {now:.4f} now; if this change is intended, remove {path}",
                "self_test",
            )


def _read(path: Path) -> dict[str, list[float]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): [float(one) for one in scores] for name, scores in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RerankerError(
            f"could not read {path} ({error}): remove it, and it will be rewritten", "self_test"
        ) from error


def _write(path: Path, scores: dict[str, list[float]]) -> None:
    """Aside, then renamed; a folder that cannot be written only means that nothing is remembered."""
    aside = path.with_suffix(".new")
    try:
        aside.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
        os.replace(aside, path)
    except OSError as error:
        log.warning("Could not write %s (%s): scores of later loads will not be compared", path, error)
