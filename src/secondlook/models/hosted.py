"""Names of rerankers that run elsewhere: clients send them by default, or because a form asks for one."""

import re
from collections.abc import Sequence

PLAIN = re.compile(r"(default|rerank|reranker|rerank(er)?[-_]model|default[-_]rerank(er)?|model)")
"""Words that mean whatever reranker there is."""
ELSEWHERE: Sequence[tuple[str, str]] = (
    ("Cohere", r"rerank-v\d+(\.\d+)*(-(pro|fast|lite|nimble|preview))?"),
    ("Cohere", r"rerank-(english|multilingual|lite|pro|fast)-(v\d+(\.\d+)*|latest|beta)"),
    ("Cohere", r"cohere\.rerank-v\d+-\d+"),
    ("Voyage", r"(voyage-)?rerank(-lite)?-\d+(\.\d+)?(-lite)?"),
    ("Jina", r"jina-reranker-(v\d+(\.\d+)?|m\d+)([-_][a-z0-9]+)*"),
    ("Jina", r"jina-colbert-v\d+([-_][a-z0-9]+)*"),
    ("BAAI", r"bge-reranker(-[a-z0-9.]+)*"),
    ("Mixedbread", r"mxbai-rerank-[a-z]+-v\d+"),
    ("Alibaba", r"(qwen3-(vl-)?reranker|qwen3-rerank|gte-rerank(er)?)([-_.:][a-z0-9.]+)*"),
    ("Alibaba", r"gte-(multilingual|[a-z]+)-reranker(-[a-z0-9]+)*"),
    ("NetEase", r"bce-reranker([-_][a-z0-9]+)*"),
    ("NVIDIA", r"(llama-3\.2-)?nv-rerank-?qa([-_][a-z0-9.]+)*"),
    ("NVIDIA", r"llama-(\d\.\d-)?nemotron-rerank([-_][a-z0-9.]+)*"),
    ("Amazon", r"amazon\.rerank-v\d+"),
    ("Google", r"semantic-ranker-(512|default|fast)(-\w+)*"),
    ("Pinecone", r"pinecone-rerank-v\d+"),
    ("ZeroEntropy", r"zerank-\d+(-[a-z]+)?"),
    ("Contextual AI", r"ctxl-rerank(-[a-z0-9.]+)*"),
    ("sentence-transformers", r"(ms-marco|mmarco)-[a-z0-9]+-l-?\d+(-[a-z0-9]+)*|stsb-[a-z]+-(base|large)"),
)
"""Who made it -> what its names look like, in small letters, without what is before the last slash."""


def why_elsewhere(name: str) -> str:
    """Why a model of that name is not here: others have it, or the name means any reranker. Empty if it is neither."""
    last = name.strip().casefold().rpartition("/")[2]
    last = re.sub(r":(latest|\d+)$", "", last)
    if PLAIN.fullmatch(last):
        return f"{name!r} names no model in particular"
    for maker, pattern in ELSEWHERE:
        if re.fullmatch(pattern, last):
            return f"{name!r} is a model of {maker} that does not run here"
    return ""
