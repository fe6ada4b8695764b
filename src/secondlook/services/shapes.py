"""From the settings of an instance to what its index is made of."""

from secondlook.domain.instance import InstanceSettings
from secondlook.ports import Embedder, IndexShape


def shape_of(settings: InstanceSettings, embedder: Embedder) -> IndexShape:
    """What the index of such an instance holds: vectors, keywords, or both."""
    return IndexShape(
        embedder.dimensions if settings.vector_index else 0,
        settings.tokenizer if settings.keyword_index else None,
        settings.analyser if settings.keyword_index else None,
    )
