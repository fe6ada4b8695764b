"""Which names are those of rerankers that run elsewhere."""

import pytest

from secondlook.models.hosted import why_elsewhere


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("rerank-v3.5", "Cohere"),
        ("rerank-v4.0-pro", "Cohere"),
        ("rerank-multilingual-v3.0", "Cohere"),
        ("cohere/rerank-english-v2.0", "Cohere"),
        ("cohere.rerank-v3-5:0", "Cohere"),
        ("rerank-2.5", "Voyage"),
        ("rerank-2.5-lite", "Voyage"),
        ("rerank-lite-1", "Voyage"),
        ("jina-reranker-v3", "Jina"),
        ("jina-reranker-m0", "Jina"),
        ("jinaai/jina-reranker-v1-base-en", "Jina"),
        ("bge-reranker-v2-gemma", "BAAI"),
        ("BAAI/bge-reranker-v2.5-gemma2-lightweight", "BAAI"),
        ("mixedbread-ai/mxbai-rerank-large-v2", "Mixedbread"),
        ("Qwen/Qwen3-Reranker-0.6B", "Alibaba"),
        ("gte-rerank-v2", "Alibaba"),
        ("Alibaba-NLP/gte-multilingual-reranker-base", "Alibaba"),
        ("maidalun1020/bce-reranker-base_v1", "NetEase"),
        ("nv-rerank-qa-mistral-4b:1", "NVIDIA"),
        ("nvidia/llama-3.2-nv-rerankqa-1b-v2", "NVIDIA"),
        ("amazon.rerank-v1:0", "Amazon"),
        ("pinecone-rerank-v0", "Pinecone"),
        ("zerank-1-small", "ZeroEntropy"),
        ("ms-marco-MultiBERT-L-12", "sentence-transformers"),
        ("reranker", "in particular"),
        ("Reranker:latest", "in particular"),
        ("rerank-model", "in particular"),
        ("default", "in particular"),
    ],
)
def test_names_of_others(name: str, maker: str) -> None:
    assert maker in why_elsewhere(name)
    assert name in why_elsewhere(name)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "no/such", "no-such-model", "rerank-nonsense", "rerank-", "my-reranker", "rerank-v3.5-mine!",
        "rerank-v", "gpt-4o", "@cf/meta/llama-3.1-8b-instruct", "text-embedding-3-small", "xrerank-v3.5",
        "rerank-v3.5 or so", "reranker/", "jina-embeddings-v3", "bge-m3", "secondlook/late-interactions",
    ],
)  # fmt: skip
def test_nonsense_is_none(name: str) -> None:
    assert why_elsewhere(name) == ""
