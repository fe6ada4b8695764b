"""A listed model is read by people."""

from secondlook.domain.model import WORDS, KnownModel


def test_details_leave_out_what_is_unknown() -> None:
    assert KnownModel("mine/own", "reranking", "yours", True, False).details == "yours"
    assert KnownModel("far", "reranking", "-", True, False, remote=True).details == ""
    told = KnownModel("a/b", "reranking", "MIT", False, False, "en zh", 278, 8192, "logit")
    assert told.details == "MIT, en zh, 278 M parameters, 8,192 tokens, logit scores"


def test_whether_it_can_be_used_is_said_in_words() -> None:
    assert WORDS[KnownModel("far", "reranking", "-", True, False, remote=True).status] == "remote"
    assert WORDS[KnownModel("near", "embedding", "MIT", True, True).status] == "built in"
    assert WORDS[KnownModel("a/b", "reranking", "MIT", False, False).status] == "not downloaded"
    assert WORDS[KnownModel("mine/own", "reranking", "yours", True, False).status] == "downloaded"
