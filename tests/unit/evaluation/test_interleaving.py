"""Teams draft fairly, and clicks are settled so that one may look at any time."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from secondlook.evaluation.interleaving import FEWEST, LEVEL, always_valid_p, settle, team_draft

ORDERS = st.permutations(range(8))


@given(ORDERS, ORDERS, st.integers(0, 9), st.integers(0, 99))
def test_laws_of_the_draft(left: list[int], right: list[int], size: int, seed: int) -> None:
    drafted = team_draft(left, right, size, Random(seed))
    items = [item for item, _ in drafted]
    assert len(items) == len(set(items)) == min(size, 8)
    teams = [team for _, team in drafted]
    assert abs(teams.count("retrieval") - teams.count("reranked")) <= 1, "both pick as often"
    if size:
        assert items[0] in (left[0], right[0])
    for place, (item, team) in enumerate(drafted):
        order = left if team == "retrieval" else right
        assert item == next(one for one in order if one not in items[:place]), "each picks its best that is left"


def test_each_team_begins_half_of_the_time() -> None:
    first = [team_draft("ab", "ba", 2, Random(seed))[0][1] for seed in range(2000)]
    assert 900 < first.count("reranked") < 1100


def test_a_short_order_leaves_the_rest_to_the_other() -> None:
    assert [item for item, _ in team_draft("abcd", "c", 4, Random(1))] in (["a", "c", "b", "d"], ["c", "a", "b", "d"])
    assert team_draft("", "", 3, Random(1)) == []


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (5, 5), (20, 10), (3, 30), (1, 0), (700, 400)])
def test_p_is_the_likelihood_of_a_fair_coin_against_that_of_all_coins(wins: int, losses: int) -> None:
    number = wins + losses
    theirs = binom.pmf(wins, number, 0.5) / betabinom.pmf(wins, number, 1, 1)
    assert always_valid_p(wins, losses) == pytest.approx(min(1, theirs))
    assert always_valid_p(losses, wins) == always_valid_p(wins, losses)


def test_looking_after_every_click_ends_no_more_than_the_level_of_trials_without_a_difference() -> None:
    ended, trials, clicks = 0, 400, 400
    for seed in range(trials):
        random, wins = Random(seed), 0
        for number in range(1, clicks + 1):
            wins += random.random() < 0.5
            if number >= FEWEST and always_valid_p(wins, number - wins) < LEVEL:
                ended += 1
                break
    assert 0 < ended <= binom.ppf(0.99, trials, LEVEL)


def test_what_people_clearly_like_more_is_seen() -> None:
    for seed in range(20):
        random = Random(seed)
        wins = sum(random.random() < 0.65 for _ in range(400))
        assert always_valid_p(wins, 400 - wins) < LEVEL


def test_clicks_are_settled_by_query() -> None:
    found = settle([["reranked", "reranked", "retrieval"], ["retrieval"], ["retrieval", "reranked"], []])
    assert (found.wins, found.ties, found.losses, found.share) == (1, 1, 1, 0.5)
    assert found.answer == "not enough evidence"
    assert settle([["reranked"]] * 35 + [["retrieval"]] * 10).answer == "on"
    assert settle([["retrieval"]] * 35 + [["reranked"]] * 10).answer == "off"
    assert settle([["reranked"]] * 29).answer == "not enough evidence"
    assert settle([]).share == 0.5
