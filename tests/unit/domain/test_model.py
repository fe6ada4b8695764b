"""A listed model is read by people."""

from secondlook.domain.model import KnownModel


def test_cells_leave_out_what_nobody_told() -> None:
    bare = KnownModel("mine/own", "reranking", "yours", True, False)
    assert bare.cells == ("mine/own", "reranking", "yours", "", "", "", "", "yes")
    told = KnownModel("a/b", "reranking", "MIT", False, False, "en", 278, 512, "logit")
    assert told.cells == ("a/b", "reranking", "MIT", "en", "278 M", "512", "logit", "no")
    assert KnownModel("far", "reranking", "-", True, False, remote=True).cells[-1] == "remote"
    assert KnownModel("near", "embedding", "MIT", True, True).cells[-1] == "built in"
