"""Results are judged into named sets, which the Lab reads."""

import pytest

from secondlook.domain.instance import Instance
from secondlook.errors import InvalidOptionError, ItemNotFoundError, QueryNotFoundError
from secondlook.services import judged_sets
from secondlook.services.intake import Upload
from secondlook.services.judged_sets import JudgedSets
from tests.unit.services.conftest import House


@pytest.fixture
def instance(house: House) -> Instance:
    made = house.make()
    house.run(house.indexing.upload(made, Upload("oil.md", b"Lamp oil freezes at minus five."), wait=60))
    return made


def sets_of(house: House) -> JudgedSets:
    return house.services.judged_sets


def test_a_chunk_is_kept_as_a_span_that_the_lab_reads(house: House, instance: Instance) -> None:
    sets = sets_of(house)
    house.run(sets.create(instance, "winter"))
    [item] = house.run(house.catalog.list_items(instance.uid))
    [chunk] = house.run(house.engine.list_chunks(instance.uid, item.id, 10, 0))[0]
    house.run(sets.judge(instance, "winter", " frozen  oil ", grade=2, chunk_id=chunk.id))
    [judged] = house.run(sets.judged(instance, "winter"))
    [one] = judged.judgments
    assert (judged.text, judged.synthetic) == ("frozen oil", False)
    assert (one.item, one.grade, one.start, one.end) == ("oil.md", 2, chunk.start, chunk.end)
    kept, stale = house.run(house.lab.sets.fresh(instance, [judged]))
    assert (list(kept), stale) == ([judged], 0)


def test_a_judgment_of_a_chunk_that_is_gone_can_be_taken_back(house: House, instance: Instance) -> None:
    sets = sets_of(house)
    house.run(sets.create(instance, "winter"))
    [item] = house.run(house.catalog.list_items(instance.uid))
    [chunk] = house.run(house.engine.list_chunks(instance.uid, item.id, 10, 0))[0]
    house.run(sets.judge(instance, "winter", "oil", grade=1, chunk_id=chunk.id))
    house.run(house.engine.delete_item(instance.uid, item.id))
    with pytest.raises(InvalidOptionError, match="not a chunk"):
        house.run(sets.judge(instance, "winter", "oil", grade=0, chunk_id=chunk.id))
    house.run(sets.judge(instance, "winter", "oil", grade=None, chunk_id=chunk.id))
    assert house.run(sets.queries(instance, "winter")) == []
    with pytest.raises(InvalidOptionError, match="is empty"):
        house.run(sets.judged(instance, "winter"))


def test_what_is_wrong_is_said(house: House, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = sets_of(house)
    with pytest.raises(QueryNotFoundError, match="none yet"):
        house.run(sets.judge(instance, "winter", "oil", grade=1, key="oil.md"))
    with pytest.raises(InvalidOptionError, match="starting with a letter"):
        house.run(sets.create(instance, "../x"))
    house.run(sets.create(instance, "winter"))
    for wrong, grade in (("   ", 1), ("x" * 2001, 1), ("oil", 4)):
        with pytest.raises(InvalidOptionError):
            house.run(sets.judge(instance, "winter", wrong, grade=grade, key="oil.md"))
    with pytest.raises(ItemNotFoundError):
        house.run(sets.judge(instance, "winter", "oil", grade=1, key="gone.md"))
    monkeypatch.setattr(judged_sets, "MOST_QUERIES", 1)
    monkeypatch.setattr(judged_sets, "MOST_SETS", 1)
    house.run(sets.judge(instance, "winter", "oil", grade=1, key="oil.md"))
    house.run(sets.judge(instance, "winter", "OIL", grade=0, key="oil.md"))
    with pytest.raises(InvalidOptionError, match="1 queries"):
        house.run(sets.judge(instance, "winter", "fog", grade=1, key="oil.md"))
    with pytest.raises(InvalidOptionError, match="1 query sets"):
        house.run(sets.create(instance, "autumn"))
    assert house.run(sets.create(instance, "winter")).judgments == 1
