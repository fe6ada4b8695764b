"""Which lines of Markdown are code."""

from secondlook.domain.markdown import lines_of

TEXT = """# Head
```sh
# no
~~~
```
text
~~~
``` x
# no
~~~~
end"""


def test_fences_and_what_is_inside() -> None:
    code = [line.strip() for line, is_code in lines_of(TEXT) if is_code]
    assert code == ["```sh", "# no", "~~~", "```", "~~~", "``` x", "# no", "~~~~"]
    assert "".join(line for line, _ in lines_of(TEXT)) == TEXT


def test_a_fence_that_never_ends_goes_on() -> None:
    assert [is_code for _, is_code in lines_of("a\n```\n# b\n")] == [False, True, True]
