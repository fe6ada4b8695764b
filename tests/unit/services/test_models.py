"""The list is looked up anew each time."""

import asyncio

from secondlook.domain.model import KnownModel
from secondlook.services.models import ModelList


def test_a_model_that_came_later_is_listed() -> None:
    here = [KnownModel("a/b", "reranking", "MIT", True, False)]
    models = ModelList(lambda: tuple(here))
    assert [one.name for one in asyncio.run(models.all())] == ["a/b"]
    here.append(KnownModel("c/d", "reranking", "MIT", True, False))
    assert [one.name for one in asyncio.run(models.all())] == ["a/b", "c/d"]
