"""What each model is good for, in one sentence for a person who chooses one."""

from collections.abc import Mapping

PURPOSES: Mapping[str, str] = {
    "secondlook/all-minilm-l6-v2": "English text on any processor; turns queries and passages into vectors.",
    "secondlook/late-interaction": "English; adds a few milliseconds, since it reads vectors that the index stores.",
    "BAAI/bge-reranker-base": "English and Chinese; slow without many processor cores.",
    "BAAI/bge-reranker-large": "English and Chinese; large, for machines with many processor cores.",
    "BAAI/bge-reranker-v2-m3": "Many languages and long passages; large, for machines with many processor cores.",
    "cross-encoder/ms-marco-TinyBERT-L-2-v2": "English; the fastest cross-encoder, for small machines.",
    "cross-encoder/ms-marco-MiniLM-L-2-v2": "English; nearly as fast as TinyBERT.",
    "cross-encoder/ms-marco-MiniLM-L-4-v2": "English; a step between speed and quality.",
    "cross-encoder/ms-marco-MiniLM-L-6-v2": "English; the usual compromise of speed and quality.",
    "cross-encoder/ms-marco-MiniLM-L-12-v2": "English; twice the layers of L-6, and about twice its time.",
    "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1": "Many languages; the smallest multilingual model of the list.",
    "mixedbread-ai/mxbai-rerank-xsmall-v1": "English; a small modern cross-encoder.",
    "mixedbread-ai/mxbai-rerank-base-v1": "English; a mid-sized modern cross-encoder.",
    "jinaai/jina-reranker-v1-tiny-en": "English; reads long passages, small.",
    "jinaai/jina-reranker-v1-turbo-en": "English; reads long passages.",
    "jinaai/jina-reranker-v2-base-multilingual": "Many languages; its licence forbids commercial use.",
}
"""By name; facts of the table of known models, not results of a measurement."""
