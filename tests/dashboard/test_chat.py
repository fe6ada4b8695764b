"""Chat in the playground, against a language model: what it writes is inert, citations open chunks, and the trace."""

import re
from collections.abc import Iterator
from types import ModuleType

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests import llm_server
from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.dashboard.conftest import ACCOUNT, PATIENCE, Asked, log_in, open_page

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser, pytest.mark.process]

DOCUMENTS = {
    "oil.md": "Warm the lamp oil reservoir to 12 degrees when the lamp oil freezes.",
    "fog.md": "Two blasts of the fog horn every ninety seconds.",
}
QUESTION = "what to do when the lamp oil freezes?"
AWAY = "127.0.0.1:9"
"""Nothing listens there."""


class Chatting:
    """A page of a server with a language model, and what it asked of other hosts."""

    def __init__(self, page: Page, server: ServerProcess) -> None:
        self.page = page
        self.server = server
        self.away: list[str] = []
        page.on("request", lambda one: self.away.append(one.url) if AWAY in one.url else None)

    def ask(self, instance: str, question: str = QUESTION, **settings: object) -> Locator:
        """The answer to the question, complete."""
        self.page.goto(f"/dashboard/instances/default/{instance}/playground")
        self.page.get_by_role("button", name="Chat", exact=True).click()
        return self.go_on(question)

    def go_on(self, question: str) -> Locator:
        before = self.page.get_by_role("article").count()
        self.page.get_by_label(re.compile("uestion$")).fill(question)
        self.page.get_by_role("button", name="Send").click()
        answer = self.page.get_by_role("article", name=f"Question {before + 1}")
        expect(answer.locator("[aria-busy=false]")).to_be_visible()
        return answer


@pytest.fixture(scope="module")
def server(built: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, str]]:
    """A server with that language model, and a token of it."""
    folder = tmp_path_factory.mktemp("chat")
    token = run_cli("token", "create", "--name", "tests", "--quiet", data_dir=folder)
    with llm_server.running() as url:
        running = start_server(folder, SECONDLOOK_LLM_URL=url, SECONDLOOK_LLM_MODEL="ok")
        base = f"{running.url}/client/v4/accounts/{ACCOUNT}/ai-search"
        with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as api:
            for name, settings in {
                "cites": {"score_threshold": 0},
                "hostile": {"score_threshold": 0, "ai_search_model": "hostile"},
                "rewrites": {"score_threshold": 0, "rewrite_query": True},
                "strict": {"score_threshold": 1},
            }.items():
                api.post("/instances", json={"id": name, **settings}).raise_for_status()
                for key, text in DOCUMENTS.items():
                    form = {"wait_for_completion": "true"}
                    api.post(f"/instances/{name}/items", files={"file": (key, text.encode())}, data=form)
        yield running, token
        running.stop()


@pytest.fixture
def chatting(browser: Browser, server: tuple[ServerProcess, str], asked: Asked) -> Iterator[Chatting]:
    running, token = server
    context = browser.new_context(base_url=running.url, viewport={"width": 1280, "height": 860})
    errors: list[str] = []
    page = open_page(context, asked, errors)
    log_in(page, token)
    yield Chatting(page, running)
    context.close()
    assert errors == []


def test_what_a_model_writes_is_inert(chatting: Chatting) -> None:
    page, answer = chatting.page, chatting.ask("hostile")
    prose = answer.locator(".prose-answer")
    expect(prose.get_by_role("heading", name="A heading")).to_be_visible()
    expect(prose.locator("strong")).to_have_text("bold text")
    expect(prose.get_by_role("cell", name="lamp")).to_be_visible()
    expect(prose.locator("pre")).to_contain_text('window.harmed = "code"')
    expect(prose.locator("script, iframe, img, style, object, embed, form")).to_have_count(0)
    assert prose.evaluate("box => [...box.querySelectorAll('*')].flatMap(one => [...one.attributes])"
                          ".filter(one => one.name.startsWith('on')).length") == 0  # fmt: skip
    links = prose.locator("a")
    assert [one.get_attribute("href") for one in links.all()] == ["https://example.com/page"]
    assert (links.get_attribute("target"), links.get_attribute("rel")) == ("_blank", "noopener noreferrer")
    for text in ("script link", "mixed case", "entity", "data link", "file link"):
        prose.get_by_text(text, exact=True).click()
    expect(prose).to_contain_text("[image: a picture]")
    assert page.evaluate("window.harmed") is None
    assert (len(page.context.pages), page.url.split("#")[0].endswith("/hostile/playground")) == (1, True)
    assert chatting.away == []


def test_a_citation_opens_its_chunk(chatting: Chatting) -> None:
    page, answer = chatting.page, chatting.ask("cites")
    expect(answer.locator(".prose-answer")).to_contain_text("Warm the lamp oil reservoir")
    answer.locator(".prose-answer").get_by_role("button", name="oil.md").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("oil.md")
    expect(dialog).to_contain_text("Warm the lamp oil reservoir to 12 degrees")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    answer.get_by_role("button", name=re.compile(r"^1\. oil\.md")).click()
    expect(dialog).to_contain_text("Warm the lamp oil reservoir to 12 degrees")
    expect(dialog).to_contain_text("Score")


def test_the_trace_says_how_the_answer_came_about(chatting: Chatting) -> None:
    answer = chatting.ask("cites")
    trace = answer.locator("details").filter(has=chatting.page.get_by_text(re.compile("^Trace")))
    words = len("Warm the lamp oil reservoir to 12 degrees when the lamp oil freezes. [oil.md]".split())
    expect(trace.locator("summary")).to_contain_text(f"7 tokens in, {words} out")
    trace.locator("summary").click()
    for fact in ("Model", "ok", "As asked", f"7 in, {words} out", "First token", "skipped: reranking is off"):
        expect(trace).to_contain_text(fact)
    stages = trace.get_by_role("list", name="Time of each stage")
    for stage in ("retrieve", "fuse", "generate"):
        expect(stages).to_contain_text(stage)
    prompt = trace.get_by_role("heading", name="Prompt sent to the model").locator("..")
    expect(prompt).to_contain_text(re.compile('<document-[0-9a-f]{8} key="oil.md"'))
    expect(prompt).to_contain_text(QUESTION)


def test_the_trace_shows_a_rewritten_query(chatting: Chatting) -> None:
    chatting.ask("rewrites")
    answer = chatting.go_on("and in summer?")
    trace = answer.locator("details").filter(has=chatting.page.get_by_text(re.compile("^Trace")))
    trace.locator("summary").click()
    expect(trace).to_contain_text("(rewritten)", timeout=PATIENCE)


def test_an_answer_says_what_each_threshold_dropped(chatting: Chatting) -> None:
    answer = chatting.ask("strict", "xylophone concertos of the baroque")
    dropped = re.compile(r"2 below the match threshold \(1\)")
    expect(answer.get_by_text(re.compile("^Dropped: 2 below the match threshold"))).to_be_visible()
    trace = answer.locator("details").filter(has=chatting.page.get_by_text(re.compile("^Trace")))
    trace.locator("summary").click()
    expect(trace).to_contain_text(dropped)
