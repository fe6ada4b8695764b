"""What of a request its caller may decide: everything else that costs the operator money stays the instance's."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NoReturn

from secondlook.domain.instance import Instance, InstanceSettings, Token
from secondlook.domain.options import Generation, split_chain
from secondlook.domain.overrides import ALL, NONE, USUAL_MOST_TOKENS, Override
from secondlook.domain.query import Message, Query
from secondlook.errors import InvalidModelError, InvalidOptionError, NotAllowedError, SetupError
from secondlook.ports import Generator, Rerankers, declared
from secondlook.services.searching import Ask

Notice = Callable[[str], None]
"""Hears a sentence about an option that was ignored."""

LENGTHS = ("max_tokens", "max_completion_tokens")
"""How a request says how long its answer may be."""
TOOLS = frozenset(("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"))
TOOL_TURNS = ("tool_calls", "function_call", "tool_call_id")
"""Keys of a turn that belong to tools."""
FREE = frozenset(
    ("frequency_penalty", "logit_bias", "min_p", "n", "presence_penalty", "repetition_penalty", "response_format",
     "seed", "stop", "temperature", "top_k", "top_p", "user")
)  # fmt: skip
"""Keys for the model that every token may send: they shape an answer and make it no dearer."""
PROMPTS = ("system", "developer")
"""Roles of turns that instruct the model."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what that caller may override.

    An option that may not be overridden is an error for a token. On a public endpoint it is ignored and noticed, since
    pages and search boxes send options that were meant for another server.

    Attributes:
        name: who asks, for the error.
        public: whether the request came without a token, over a public endpoint.
        most_tokens: how long an answer may be where the instance does not say; 0 for no such limit.
        notice: hears which options were ignored.
        spelling: how requests call an option that has another name here.
    """

    name: str
    allowed: frozenset[Override]
    rerankers: Rerankers
    generator: Generator
    public: bool = False
    most_tokens: int = 0
    notice: Notice = lambda sentence: None
    spelling: Mapping[str, str] = field(default_factory=dict)

    def fit_ask(self, ask: Ask, instance: Instance) -> Ask:
        """The request's overrides as far as the caller may make them.

        Raises:
            NotAllowedError: one of them needs a permission that the caller's token lacks.
            InvalidModelError: a reranker that it names is unknown.
        """
        settings = instance.settings
        if "reranker" not in self.allowed:
            ask = self._fit_reranking(ask, settings)
        if "rewriting" not in self.allowed:
            ask = self._fit_rewriting(ask, settings)
        if self.public and "cache" not in self.allowed:
            own = ask.cached in (None, settings.cached) and ask.likeness in (None, settings.cache_likeness)
            if not own:
                self._leave_out("cache", "cache")
                ask = replace(ask, cached=None, likeness=None)
        return replace(ask, public=self.public)

    def fit_query(self, query: Query) -> Query:
        """The conversation without turns that the caller may not send to the model; raises ``NotAllowedError``."""
        turns = [turn for place, turn in enumerate(query.messages) if self._may_say(place, turn)]
        if not self._passes_everything():
            turns = [self._plain(turn) for turn in turns]
        return replace(query, messages=tuple(turns))

    def fit_generation(self, wanted: Generation, settings: InstanceSettings) -> Generation:
        """How to answer: what the request wants as far as the caller may, with the instance's limit of its length.

        Raises:
            NotAllowedError: an option needs a permission that the caller's token lacks.
            InvalidOptionError: the length of the answer is not a number of tokens.
        """
        model, prompt = wanted.model, wanted.system_prompt
        if "model" not in self.allowed and model and self._differs(model, settings.generation_model):
            self._leave_out("model", "model")
            model = ""
        if "system_prompt" not in self.allowed and prompt and prompt != settings.answer_prompt:
            self._leave_out("system_prompt", "system_prompt")
            prompt = ""
        return Generation(model, prompt, tuple(self._forwarded(wanted.forwarded, settings)))

    def check_reranker(self, name: str) -> None:
        """Raises ``NotAllowedError`` if it runs elsewhere and the caller may not choose such a reranker."""
        if "reranker" not in self.allowed and name and self._is_remote(name):
            self._refuse("reranker", "model", f"the remote reranker {name!r}")

    def _fit_reranking(self, ask: Ask, settings: InstanceSettings) -> Ask:
        if ask.stages or ask.reranker not in ("", settings.reranking_model):
            names = [*split_chain(ask.reranker), *(one.model for one in ask.stages or ())]
            if self.public:
                self._leave_out("reranker", "reranking.stages" if ask.stages else "reranking.model")
                ask = replace(ask, reranker="", stages=None)
            for name in () if self.public else names:
                if name and self._is_remote(name):
                    option = "reranking.stages" if ask.stages else "reranking.model"
                    self._refuse("reranker", option, f"the remote reranker {name!r}")
        if self.public and ask.budget is not None:
            self._leave_out("reranker", "reranking.budget")
            ask = replace(ask, budget=None)
        return ask

    def _fit_rewriting(self, ask: Ask, settings: InstanceSettings) -> Ask:
        if self.public and ask.rewriting and not settings.rewriting:
            self._leave_out("rewriting", "rewriting.enabled")
            ask = replace(ask, rewriting=None)
        if ask.rewriting_prompt not in ("", settings.rewriting_prompt):
            self._leave_out("rewriting", "rewriting.prompt")
            ask = replace(ask, rewriting_prompt="")
        if ask.rewriting_model and self._differs(ask.rewriting_model, settings.rewriting_model):
            self._leave_out("rewriting", "rewriting.model")
            ask = replace(ask, rewriting_model="")
        return ask

    def _may_say(self, place: int, turn: Message) -> bool:
        if turn.role in PROMPTS and "system_prompt" not in self.allowed:
            return self._leave_out("system_prompt", f"messages.{place}.role")
        of_tools = [name for name, value in turn.extra if name in TOOL_TURNS and value]
        if "tools" not in self.allowed and (turn.role == "tool" or of_tools):
            return self._leave_out("tools", f"messages.{place}.{of_tools[0] if of_tools else 'role'}")
        return True

    def _plain(self, turn: Message) -> Message:
        """The turn without keys that the caller may not pass to the model."""
        kept = TOOL_TURNS if "tools" in self.allowed else ()
        return replace(turn, extra=tuple((name, value) for name, value in turn.extra if name in kept))

    def _passes_everything(self) -> bool:
        return "model_options" in self.allowed

    def _forwarded(
        self, forwarded: Iterable[tuple[str, object]], settings: InstanceSettings
    ) -> Iterable[tuple[str, object]]:
        limit = settings.max_tokens or self.most_tokens
        kept: list[tuple[str, object]] = []
        for name, value in forwarded:
            if name in LENGTHS:
                kept.extend(self._fit_length(name, value, limit or USUAL_MOST_TOKENS))
            elif self._may_send(name):
                kept.append((name, value))
        if limit and not any(name in LENGTHS for name, _ in kept):
            kept.append((LENGTHS[0], limit))
        return sorted(kept, key=lambda pair: pair[0])

    def _fit_length(self, name: str, value: object, most: int) -> Iterable[tuple[str, object]]:
        if "max_tokens" in self.allowed:
            return [(name, value)]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InvalidOptionError(f"{name}: give a whole number of tokens from 1 to {most:,}").at(name)
        if value > most:
            if self.public:
                self.notice(f"{name}: this endpoint allows at most {most:,} tokens, which were used instead")
            else:
                self._refuse("max_tokens", name, f"an answer of more than {most:,} tokens")
        return [(name, min(value, most))]

    def _may_send(self, name: str) -> bool:
        """Whether the model hears this key; one that nobody knows is left out rather than refused."""
        needed: Override = "tools" if name in TOOLS else "model_options"
        if needed in self.allowed or (name in FREE and not self.public):
            return True
        return self._leave_out(needed, name) if self.public or needed == "tools" else self._ignore(name)

    def _differs(self, asked: str, own: str) -> bool:
        """Whether another model would answer."""
        return self.generator.name(asked) != self.generator.name(own)

    def _is_remote(self, name: str) -> bool:
        with suppress(SetupError):  # it is known and would run here
            try:
                return declared(self.rerankers.find(name)).remote
            except InvalidModelError:
                return False  # whoever runs the search says so
        return False

    def _ignore(self, option: str) -> bool:
        self.notice(f"{option}: this key is passed to the model only for callers that may override its options")
        return False

    def _leave_out(self, override: Override, option: str) -> bool:
        """False; for a token it is an error."""
        spelt = self.spelling.get(option, option)
        if not self.public:
            self._refuse(override, spelt, f"the option {spelt}")
        self.notice(f"{spelt}: this public endpoint uses the instance's own setting; the value was ignored")
        return False

    def _refuse(self, override: Override, option: str, what: str) -> NoReturn:
        raise NotAllowedError(
            f"{option}: {self.name} may not choose {what}: leave it out, or use a token that allows overrides"
            f" ({override}), see `secondlook token create --allow-overrides`"
        ).at(option, f"This token may not choose {what}.")


class Overrides:
    """Tells what each caller may override.

    Args:
        public: what public endpoints allow that do not say.
        most_tokens: how long an answer may be where the instance does not say; 0 for no such limit.
    """

    def __init__(
        self,
        rerankers: Rerankers,
        generator: Generator,
        *,
        public: frozenset[Override] = NONE,
        most_tokens: int = 0,
    ) -> None:
        self._rerankers = rerankers
        self._generator = generator
        self._public = public
        self._most_tokens = most_tokens

    def of_token(
        self, token: Token | None, notice: Notice = lambda sentence: None, *, spelling: Mapping[str, str] | None = None
    ) -> Caller:
        """The caller with that token; without one, on a server that lets everybody in, everything may be overridden."""
        whole = token is None or token.overrides
        name = f"token {token.name!r}" if token else "everybody"
        return Caller(
            name,
            ALL if whole else NONE,
            self._rerankers,
            self._generator,
            most_tokens=self._most_tokens,
            notice=notice,
            spelling=spelling or {},
        )

    def of_endpoint(
        self,
        allowed: Iterable[Override] | None,
        notice: Notice = lambda sentence: None,
        *,
        spelling: Mapping[str, str] | None = None,
    ) -> Caller:
        """Anybody, over a public endpoint with this setting; None takes the server's default."""
        return Caller(
            "a public endpoint",
            self._public if allowed is None else frozenset(allowed),
            self._rerankers,
            self._generator,
            public=True,
            most_tokens=self._most_tokens,
            notice=notice,
            spelling=spelling or {},
        )
