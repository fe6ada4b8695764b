// The parts of an instance's settings, for the wizard and for the settings of one that is there.
import { Button } from "@cloudflare/kumo/components/button";
import { PlusIcon, TrashIcon } from "@phosphor-icons/react";
import type { Boost, CacheThreshold, Settings } from "../../api/types";
import { AreaField, Choice, NumberField, Slider, TextField, Toggle } from "../../parts/fields";
import { ModelChoice } from "../../parts/models";
import { plural, span } from "../../words";

export interface Form {
  draft: Settings;
  set: (change: Partial<Settings>) => void;
  created: boolean;
}

/** What an instance has unless somebody chooses: the API's own defaults, as a test holds. */
export const FRESH: Settings = {
  embedding_model: "secondlook/all-minilm-l6-v2",
  ai_search_model: "",
  rewrite_model: "",
  rewrite_query: false,
  reranking: false,
  reranking_mode: "fixed",
  reranking_match_probability: 0,
  reranking_model: null,
  reranking_weight: 1,
  reranking_budget_ms: null,
  reranking_on_failure: "fall_back",
  reranking_stages: [],
  fusion_method: "rrf",
  index_method: { vector: true, keyword: true },
  indexing_options: { keyword_tokenizer: "porter", keyword_language: null },
  retrieval_options: { boost_by: [], boost_after_reranking: false },
  chunk: true,
  chunk_size: 256,
  chunk_overlap: 10,
  max_num_results: 10,
  score_threshold: 0.4,
  custom_metadata: [],
  system_prompt_ai_search: null,
  system_prompt_rewrite_query: null,
  paused: false,
  type: null,
  source: null,
  source_params: null,
  token_id: null,
  cache: true,
  cache_threshold: "close_enough",
  cache_ttl: 172_800,
  sync_interval: 21_600,
  public_endpoint_params: null,
  query_log: { enabled: false, retention_days: 30 },
};

export const KEPT_DAYS = [7, 30, 90, 365];

export function QueryLogForm({ draft, set }: Form) {
  const { enabled, retention_days } = draft.query_log;
  const days = [...new Set([...KEPT_DAYS, retention_days])].sort((one, other) => one - other);
  const put = (change: Partial<Settings["query_log"]>) => set({ query_log: { enabled, retention_days, ...change } });
  return (
    <div className="flex flex-col gap-5">
      <Toggle label="Keep a query log" checked={enabled} onChange={(next) => put({ enabled: next })} help="What was asked, what was found, and how long it took. Queries can be personal data: tell your users." />
      <div className="max-w-xs">
        <Choice label="Keep each query for" value={String(retention_days)} onChange={(value) => put({ retention_days: Number(value) })} options={days.map((one) => ({ value: String(one), label: plural(one, "day") }))} help="Older ones are deleted, also while the log is off." />
      </div>
    </div>
  );
}

export function ChunkingForm({ draft, set }: Form) {
  return (
    <div className="flex flex-col gap-5">
      <Toggle label="Split items into chunks" checked={draft.chunk} onChange={(chunk) => set({ chunk })} help="Off: an item is one chunk, and what the embedder cannot read of it is not found by meaning." />
      {draft.chunk && (
        <div className="grid gap-5 sm:grid-cols-2">
          <NumberField label="Chunk size" unit="tokens" value={draft.chunk_size} min={64} max={510} onChange={(value) => set({ chunk_size: value ?? FRESH.chunk_size })} help="Small chunks are found more precisely, large ones carry more context." />
          <Slider label="Overlap of neighbours" value={draft.chunk_overlap} min={0} max={30} step={1} shown={`${draft.chunk_overlap} %`} onChange={(chunk_overlap) => set({ chunk_overlap })} />
        </div>
      )}
    </div>
  );
}

const MODES = {
  hybrid: { vector: true, keyword: true },
  vector: { vector: true, keyword: false },
  keyword: { vector: false, keyword: true },
};

export function modeOf(method: Settings["index_method"]): keyof typeof MODES {
  return method.vector ? (method.keyword ? "hybrid" : "vector") : "keyword";
}

const LANGUAGES =
  "arabic armenian basque catalan cjk czech danish dutch english esperanto estonian finnish french german greek hindi hungarian indonesian irish italian lithuanian nepali norwegian persian polish portuguese romanian russian serbian sesotho simple spanish swedish tamil turkish yiddish".split(" ");

function languageName(value: string): string {
  if (value === "cjk") return "Chinese, Japanese, Korean";
  if (value === "simple") return "none: words as they stand";
  return (value[0]?.toUpperCase() ?? "") + value.slice(1);
}

export function IndexForm({ draft, set }: Form) {
  const options = draft.indexing_options;
  const put = (change: Partial<Settings["indexing_options"]>) => set({ indexing_options: { ...options, ...change } });
  const language = options.keyword_language || "default";
  return (
    <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
      <Choice
        label="Search mode"
        value={modeOf(draft.index_method)}
        onChange={(mode) => set({ index_method: MODES[mode] })}
        help="Which indexes are kept. A request may use one of them alone."
        options={[
          { value: "hybrid", label: "Hybrid", about: "by meaning and by words, fused" },
          { value: "vector", label: "Vector", about: "by meaning alone" },
          { value: "keyword", label: "Keyword", about: "by words alone" },
        ]}
      />
      {draft.index_method.keyword && (
        <>
          <Choice
            label="Words are"
            value={options.keyword_tokenizer ?? "porter"}
            onChange={(value) => put({ keyword_tokenizer: value, ...(value === "trigram" && language !== "cjk" && { keyword_language: "" }) })}
            options={[
              { value: "porter", label: "Whole words", about: "brought to their stem" },
              { value: "trigram", label: "Three letters each", about: "finds parts of words" },
            ]}
          />
          {options.keyword_tokenizer !== "trigram" && (
            <Choice
              label="Language of the words"
              value={language}
              onChange={(value) => put({ keyword_language: value === "default" ? "" : value })}
              options={[{ value: "default", label: "English (default)" }, ...LANGUAGES.map((value) => ({ value, label: languageName(value) }))]}
            />
          )}
        </>
      )}
    </div>
  );
}

export function RetrievalForm({ draft, set }: Form) {
  const options = draft.retrieval_options;
  const put = (change: Partial<Settings["retrieval_options"]>) => set({ retrieval_options: { ...options, ...change } });
  const both = draft.index_method.vector && draft.index_method.keyword;
  return (
    <div className="flex flex-col gap-6">
      <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
        <Slider label="Match threshold" value={draft.score_threshold} onChange={(score_threshold) => set({ score_threshold })} help="Drops chunks whose vector score is lower, before reranking. In hybrid search, chunks that match the keywords well stay." />
        <Slider label="Max results" value={draft.max_num_results} min={1} max={50} step={1} shown={String(draft.max_num_results)} onChange={(max_num_results) => set({ max_num_results })} help="The most that a search gives back." />
        {draft.index_method.keyword && (
          <Choice
            label="Words that must match"
            value={options.keyword_match_mode ?? (both ? "or" : "and")}
            onChange={(keyword_match_mode) => put({ keyword_match_mode })}
            options={[
              { value: "or", label: "Any word of the query", about: "for questions in sentences" },
              { value: "and", label: "All words of the query", about: "for a few chosen words" },
            ]}
          />
        )}
        {both && (
          <Choice
            label="Fusion"
            value={draft.fusion_method}
            onChange={(fusion_method) => set({ fusion_method })}
            options={[
              { value: "rrf", label: "By rank (RRF)", about: "reciprocal ranks of both lists" },
              { value: "max", label: "By score (max)", about: "the larger of both normalised scores" },
            ]}
          />
        )}
      </div>
      <Toggle label="Rewrite follow-up questions" checked={draft.rewrite_query} onChange={(rewrite_query) => set({ rewrite_query })} help="A language model makes a question of its own out of a follow-up in a conversation. Needs a language model on the server." />
    </div>
  );
}

const DIRECTIONS = [
  { value: "desc" as const, label: "higher or newer first" },
  { value: "asc" as const, label: "lower or older first" },
  { value: "exists" as const, label: "is there" },
  { value: "not_exists" as const, label: "is not there" },
];

export function BoostForm({ draft, set }: Form) {
  const options = draft.retrieval_options;
  const boosts = options.boost_by ?? [];
  const put = (boost_by: Boost[]) => set({ retrieval_options: { ...options, boost_by } });
  const fields = ["timestamp", ...draft.custom_metadata.map((one) => one.field_name)];
  const free = fields.filter((one) => !boosts.some((boost) => boost.field === one));
  return (
    <div className="flex flex-col gap-3">
      {boosts.map((boost, at) => (
        <div key={boost.field} className="grid grid-cols-[1fr_1fr_auto] items-end gap-3">
          <Choice label="Field" value={boost.field} onChange={(field) => put(boosts.with(at, { ...boost, field }))} options={fields.map((value) => ({ value, label: value }))} />
          <Choice label="Raise what" value={boost.direction ?? "asc"} onChange={(direction) => put(boosts.with(at, { ...boost, direction }))} options={DIRECTIONS} />
          <Button shape="square" variant="ghost" aria-label={`Remove the boost by ${boost.field}`} icon={<TrashIcon />} onClick={() => put(boosts.toSpliced(at, 1))} />
        </div>
      ))}
      {boosts.length < 3 && free[0] && (
        <Button className="self-start" size="sm" icon={<PlusIcon />} onClick={() => put([...boosts, { field: free[0] ?? "timestamp", direction: "desc" }])}>
          Add a boost
        </Button>
      )}
      <Toggle label="Boost after reranking" checked={options.boost_after_reranking ?? false} onChange={(boost_after_reranking) => set({ retrieval_options: { ...options, boost_after_reranking } })} help="Off: the reranker has the last word, and a boost only decides what it reads." />
    </div>
  );
}

export function RerankingForm({ draft, set, created }: Form) {
  const [stage] = draft.reranking_stages;
  const cascade = draft.reranking_stages.length > 1;
  function choose(model: string | null): void {
    const stages = stage ? [{ ...stage, model: model ?? "" }] : [];
    set({ reranking_model: model, reranking_stages: stages });
  }
  function read(window: number | null): void {
    set({ reranking_stages: window ? [{ model: draft.reranking_model ?? "", window, keep: null }] : [] });
  }
  return (
    <div className="flex flex-col gap-5">
      <Toggle label="Rerank results" checked={draft.reranking} onChange={(reranking) => set({ reranking })} help="A second model reads the query together with each candidate and puts what answers it first. It costs a moment of every search." />
      {created && (
        <Choice
          label="Who decides"
          value={draft.reranking_mode}
          onChange={(reranking_mode) => set({ reranking_mode })}
          options={[
            { value: "fixed", label: "The switch above" },
            { value: "auto", label: "The Lab's verdicts", about: "each sets the switch, the model, the window and the weight" },
            { value: "interleave", label: "Clicks, on both orders mixed", about: "needs the query log; lost trials end by themselves" },
            { value: "shadow", label: "Nobody yet: rerank in the shadow", about: "needs the query log; searches stay as they are" },
          ]}
        />
      )}
      {draft.reranking && cascade && (
        <div className="flex flex-wrap items-center gap-3 rounded-lg bg-kumo-recessed px-3 py-2">
          <span>A cascade serves: {draft.reranking_stages.map((one) => one.model || "built in").join(" → ")}. The API changes it.</span>
          <Button size="sm" onClick={() => set({ reranking_stages: [] })}>
            Use one model instead
          </Button>
        </div>
      )}
      {draft.reranking && !cascade && (
        <>
          <ModelChoice label="Reranking model" value={stage?.model || draft.reranking_model} onChange={choose} />
          <div className="grid gap-5 sm:grid-cols-2">
            <NumberField label="Window" unit="candidates" value={stage?.window ?? null} min={1} max={200} onChange={read} help="How many candidates it reads. Empty: what the server is set to, 50 unless changed." />
            <NumberField label="Budget" unit="ms" value={draft.reranking_budget_ms} min={0} max={600_000} onChange={(reranking_budget_ms) => set({ reranking_budget_ms })} help="What is not scored in that time keeps its place below. Empty: what the server is set to." />
            <Slider label="Weight of the reranking score" value={draft.reranking_weight} onChange={(reranking_weight) => set({ reranking_weight })} help="1: the reranker alone decides. Below, the retrieval score has its share." />
            <Choice
              label="When the reranker fails"
              value={draft.reranking_on_failure}
              onChange={(reranking_on_failure) => set({ reranking_on_failure })}
              options={[
                { value: "fall_back", label: "Give the order of retrieval", about: "the receipt says why" },
                { value: "error", label: "Answer with an error" },
              ]}
            />
          </div>
          {created && (
            <div className="grid gap-5 sm:grid-cols-2">
              <Slider label="Least probability of being relevant" value={draft.reranking_match_probability} onChange={(reranking_match_probability) => set({ reranking_match_probability })} shown={draft.reranking_match_probability ? draft.reranking_match_probability.toFixed(2) : "no cut"} help="Holds for any model that a run of the Lab has measured here." />
            </div>
          )}
          <p className="rounded-lg bg-kumo-recessed px-3 py-2 text-[13px]">
            The reranking threshold belongs to each request, 0.40 unless it says otherwise. The playground shows what each value
            would drop.
          </p>
        </>
      )}
    </div>
  );
}

const LIKENESS: { value: CacheThreshold; label: string; about: string }[] = [
  { value: "super_strict_match", label: "Exact", about: "all but the same words" },
  { value: "close_enough", label: "Strong", about: "the usual choice" },
  { value: "flexible_friend", label: "Broad", about: "looser wording" },
  { value: "anything_goes", label: "Loose", about: "most reuse, least care" },
];
const LIVES = [600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 259_200, 518_400];

export function CacheForm({ draft, set }: Form) {
  return (
    <div className="flex flex-col gap-5">
      <Toggle label="Keep answers" checked={draft.cache} onChange={(cache) => set({ cache })} help="A question in like words gets the kept answer, as long as the index has not changed." />
      {draft.cache && (
        <div className="grid gap-5 sm:grid-cols-2">
          <Choice label="How alike questions must be" value={draft.cache_threshold} onChange={(cache_threshold) => set({ cache_threshold })} options={LIKENESS} />
          <Choice label="Kept for" value={String(draft.cache_ttl)} onChange={(value) => set({ cache_ttl: Number(value) })} options={LIVES.map((one) => ({ value: String(one), label: span(one) }))} />
        </div>
      )}
    </div>
  );
}

export function PromptsForm({ draft, set }: Form) {
  return (
    <div className="flex flex-col gap-5">
      <AreaField label="System prompt of answers" rows={7} value={draft.system_prompt_ai_search ?? ""} onChange={(system_prompt_ai_search) => set({ system_prompt_ai_search })} placeholder="Empty: the built-in prompt" help="A system message in a request comes before it." />
      <AreaField label="System prompt of query rewriting" rows={5} value={draft.system_prompt_rewrite_query ?? ""} onChange={(system_prompt_rewrite_query) => set({ system_prompt_rewrite_query })} placeholder="Empty: the built-in prompt" />
    </div>
  );
}

export function ModelsForm({ draft, set }: Form) {
  return (
    <div className="grid gap-5 sm:grid-cols-2">
      <TextField label="Embedding model" value={draft.embedding_model} onChange={() => undefined} disabled help="Fixed after creation." />
      <TextField label="Answering model" value={draft.ai_search_model} onChange={(ai_search_model) => set({ ai_search_model })} placeholder="the server's" help="Empty: the language model of the server; without one, answers are sentences of the chunks." />
      <TextField label="Rewriting model" value={draft.rewrite_model} onChange={(rewrite_model) => set({ rewrite_model })} placeholder="the server's" />
    </div>
  );
}

export function MetadataForm({ draft, set }: Form) {
  const fields = draft.custom_metadata;
  const put = (custom_metadata: Settings["custom_metadata"]) => set({ custom_metadata });
  return (
    <div className="flex flex-col gap-3">
      {fields.map((field, at) => (
        <div key={at} className="grid grid-cols-[1fr_1fr_auto] items-end gap-3">
          <TextField label="Field" value={field.field_name} onChange={(field_name) => put(fields.with(at, { ...field, field_name }))} />
          <Choice label="Type" value={field.data_type} onChange={(data_type) => put(fields.with(at, { ...field, data_type }))} options={(["text", "number", "boolean", "datetime"] as const).map((value) => ({ value, label: value }))} />
          <Button shape="square" variant="ghost" aria-label={`Remove the field ${field.field_name}`} icon={<TrashIcon />} onClick={() => put(fields.toSpliced(at, 1))} />
        </div>
      ))}
      <Button className="self-start" size="sm" icon={<PlusIcon />} onClick={() => put([...fields, { field_name: "", data_type: "text" }])}>
        Add a field
      </Button>
    </div>
  );
}
