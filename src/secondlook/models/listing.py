"""The models that are known here, for whoever chooses one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from secondlook.domain.model import KnownModel
from secondlook.models.known import ALIASES, BY_NAME, KNOWN, KnownReranker
from secondlook.models.purposes import PURPOSES
from secondlook.models.registry import BUILT_IN_EMBEDDER, BUILT_IN_RERANKER, canonical, how_to_get
from secondlook.models.weights import ALL_MINILM, find_model, is_whole, model_folder


def list_models(
    cache: Path, remotes: Sequence[KnownModel] = (), aliases: Mapping[str, str] | None = None
) -> list[KnownModel]:
    """All known models, those added from a local folder, and the remote ones; ``aliases`` are further names."""
    here = find_model(ALL_MINILM, cache) is not None
    rows = [
        *(
            KnownModel(name, task, ALL_MINILM.licence, here, True, "en", 23, 512, scores, purpose=PURPOSES[name])
            for name, task, scores in (
                (BUILT_IN_EMBEDDER, "embedding", "cosine"),
                (BUILT_IN_RERANKER, "reranking", "probability"),
            )
        ),
        *(_row(one, find_model(one.pin(), cache) is not None) for one in KNOWN),
    ]
    folders = sorted(path for path in (cache / "models").glob("*") if is_whole(path))
    known = {model_folder(one, cache).name for one in (*BY_NAME, ALL_MINILM.name)}
    added = [path.name.replace("--", "/") for path in folders if path.name not in known and path.suffix != ".new"]
    mine = [KnownModel(name, "reranking", "yours", True, False, score_kind="logit") for name in added]
    more: dict[str, list[str]] = {}
    for alias, name in (aliases or {}).items():
        more.setdefault(canonical(name), []).append(alias)
    return [replace(one, aliases=(*one.aliases, *more.get(one.name, ()))) for one in (*rows, *mine, *remotes)]


def _row(known: KnownReranker, cached: bool) -> KnownModel:
    return KnownModel(
        known.name,
        "reranking",
        known.licence,
        cached,
        False,
        languages=known.languages,
        size=known.size,
        max_tokens=known.max_tokens,
        score_kind=known.score_kind,
        note="" if cached else how_to_get(known),
        aliases=tuple(alias for alias, name in ALIASES.items() if name == known.name),
        purpose=PURPOSES.get(known.name, ""),
        obstacle=known.obstacle,
        pinned=bool(known.revision),
    )
