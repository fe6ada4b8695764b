// The parts of an instance's settings, shared by the wizard and the settings page.
import { Button } from "@cloudflare/kumo/components/button";
import { PlusIcon, TrashIcon } from "@phosphor-icons/react";
import type { Boost, CacheThreshold, Settings } from "../../api/types";
import { AreaField, Choice, NumberField, Slider, TextField, Toggle } from "../../parts/fields";
import { ModelChoice } from "../../parts/models";
import { FUSIONS, plural, span } from "../../words";

export interface Form {
  draft: Settings;
  set: (change: Partial<Settings>) => void;
  created: boolean;
  /** Names of headers whose values were not kept over a reload. */
  lost?: string[];
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
  fusion_weight: 0.5,
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
      <Toggle label="Keep a query log" name="query_log" checked={enabled} onChange={(next) => put({ enabled: next })} help="Logs each query, its results and its time. Queries can be personal data: inform your users." />
      <div className="max-w-xs">
        <Choice label="Keep each query for" name="query_log.retention_days" value={String(retention_days)} onChange={(value) => put({ retention_days: Number(value) })} options={days.map((one) => ({ value: String(one), label: plural(one, "day") }))} help="Older queries are deleted, even while the log is off." />
      </div>
    </div>
  );
}

export function ChunkingForm({ draft, set }: Form) {
  return (
    <div className="flex flex-col gap-5">
      <Toggle label="Split items into chunks" name="chunk" checked={draft.chunk} onChange={(chunk) => set({ chunk })} help="When off, each item is one chunk, and vector search covers only the part that the embedding model reads." />
      {draft.chunk && (
        <div className="grid gap-5 sm:grid-cols-2">
          <NumberField label="Chunk size" name="chunk_size" unit="tokens" value={draft.chunk_size} min={64} max={510} onChange={(value) => set({ chunk_size: value ?? FRESH.chunk_size })} help="Small chunks match more precisely; large chunks carry more context." />
          <Slider label="Chunk overlap" name="chunk_overlap" value={draft.chunk_overlap} min={0} max={30} step={1} shown={`${draft.chunk_overlap} %`} onChange={(chunk_overlap) => set({ chunk_overlap })} />
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
  if (value === "simple") return "None (no stemming)";
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
        name="index_method"
        value={modeOf(draft.index_method)}
        onChange={(mode) => set({ index_method: MODES[mode] })}
        help="The indexes to build. A request can use either one alone."
        options={[
          { value: "hybrid", label: "Hybrid", about: "vector and keyword results, fused" },
          { value: "vector", label: "Vector", about: "by meaning" },
          { value: "keyword", label: "Keyword", about: "by the words of the query" },
        ]}
      />
      {draft.index_method.keyword && (
        <>
          <Choice
            label="Keyword matching"
            name="indexing_options.keyword_tokenizer"
            value={options.keyword_tokenizer ?? "porter"}
            onChange={(value) => put({ keyword_tokenizer: value, ...(value === "trigram" && language !== "cjk" && { keyword_language: "" }) })}
            options={[
              { value: "porter", label: "Whole words", about: "stemmed, so that “sensors” finds “sensor”" },
              { value: "trigram", label: "Trigrams", about: "finds parts of words" },
            ]}
          />
          {options.keyword_tokenizer !== "trigram" && (
            <Choice
              label="Keyword language"
              name="indexing_options.keyword_language"
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
  const fusion = draft.fusion_method ?? "convex";
  return (
    <div className="flex flex-col gap-6">
      <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
        <Slider label="Match threshold" name="score_threshold" value={draft.score_threshold} onChange={(score_threshold) => set({ score_threshold })} help="Drops chunks with a lower vector score before reranking. In hybrid search, strong keyword matches stay." />
        <Slider label="Max results" name="max_num_results" value={draft.max_num_results} min={1} max={50} step={1} shown={String(draft.max_num_results)} onChange={(max_num_results) => set({ max_num_results })} help="The most results that a search returns." />
        {draft.index_method.keyword && (
          <Choice
            label="Query words that must match"
            name="retrieval_options.keyword_match_mode"
            value={options.keyword_match_mode ?? (both ? "or" : "and")}
            onChange={(keyword_match_mode) => put({ keyword_match_mode })}
            options={[
              { value: "or", label: "Any word of the query", about: "for questions in full sentences" },
              { value: "and", label: "All words of the query", about: "for a few keywords" },
            ]}
          />
        )}
        {both && (
          <Choice
            label="Fusion"
            name="fusion_method"
            value={fusion}
            onChange={(fusion_method) => set({ fusion_method })}
            options={FUSIONS}
            help="How a hybrid search merges vector and keyword results."
          />
        )}
        {both && fusion === "convex" && (
          <Slider label="Weight of the cosine similarity" name="fusion_weight" value={draft.fusion_weight} step={0.05} onChange={(fusion_weight) => set({ fusion_weight })} help="BM25, the keyword score, gets the rest. At 0.50 both count equally." />
        )}
      </div>
      <Toggle label="Rewrite follow-up questions" name="rewrite_query" checked={draft.rewrite_query} onChange={(rewrite_query) => set({ rewrite_query })} help="A language model turns a follow-up question into a self-contained one. Needs a language model on the server." />
    </div>
  );
}

const DIRECTIONS = [
  { value: "desc" as const, label: "higher or newer first" },
  { value: "asc" as const, label: "lower or older first" },
  { value: "exists" as const, label: "present" },
  { value: "not_exists" as const, label: "missing" },
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
          <Choice label="Boost when" value={boost.direction ?? "asc"} onChange={(direction) => put(boosts.with(at, { ...boost, direction }))} options={DIRECTIONS} />
          <Button shape="square" variant="ghost" aria-label={`Remove the boost by ${boost.field}`} icon={<TrashIcon />} onClick={() => put(boosts.toSpliced(at, 1))} />
        </div>
      ))}
      {boosts.length < 3 && free[0] && (
        <Button className="self-start" size="sm" icon={<PlusIcon />} onClick={() => put([...boosts, { field: free[0] ?? "timestamp", direction: "desc" }])}>
          Add a boost
        </Button>
      )}
      <Toggle label="Boost after reranking" name="retrieval_options" checked={options.boost_after_reranking ?? false} onChange={(boost_after_reranking) => set({ retrieval_options: { ...options, boost_after_reranking } })} help="When off, the reranker decides the final order, and boosts only affect which candidates it reads." />
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
      <Toggle label="Rerank results" name="reranking" checked={draft.reranking} onChange={(reranking) => set({ reranking })} help="Reorders the retrieved chunks by relevance to the query. Adds a little latency." />
      {created && (
        <Choice
          label="Mode"
          name="reranking_mode"
          value={draft.reranking_mode}
          onChange={(reranking_mode) => set({ reranking_mode })}
          options={[
            { value: "fixed", label: "Manual", about: "follows the switch above" },
            { value: "auto", label: "Automatic", about: "Lab verdicts set the switch, model, window and weight" },
            { value: "interleave", label: "Interleaved A/B test", about: "mixes both orders and compares clicks; needs the query log" },
            { value: "shadow", label: "Shadow (log only)", about: "reranks in the background without changing results; needs the query log" },
          ]}
        />
      )}
      {draft.reranking && cascade && (
        <div className="flex flex-wrap items-center gap-3 rounded-lg bg-kumo-recessed px-3 py-2">
          <span>This instance uses a cascade: {draft.reranking_stages.map((one) => one.model || "built in").join(" → ")}. Change it with the API.</span>
          <Button size="sm" onClick={() => set({ reranking_stages: [] })}>
            Use one model instead
          </Button>
        </div>
      )}
      {draft.reranking && !cascade && (
        <>
          <ModelChoice label="Reranking model" name="reranking_model" value={stage?.model || draft.reranking_model} onChange={choose} />
          <div className="grid gap-5 sm:grid-cols-2">
            <NumberField label="Window" name="reranking_stages" unit="candidates" value={stage?.window ?? null} min={1} max={200} onChange={read} help="How many candidates the reranker reads. Empty: the server's setting, 50 by default." />
            <NumberField label="Budget" name="reranking_budget_ms" unit="ms" value={draft.reranking_budget_ms} min={0} max={600_000} onChange={(reranking_budget_ms) => set({ reranking_budget_ms })} help="Candidates not scored in time keep their order, below the others. Empty: the server's setting." />
            <Slider label="Weight of the reranking score" name="reranking_weight" value={draft.reranking_weight} onChange={(reranking_weight) => set({ reranking_weight })} help="1: only the reranking score counts. Lower values mix in the retrieval score." />
            <Choice
              label="When the reranker fails"
              name="reranking_on_failure"
              value={draft.reranking_on_failure}
              onChange={(reranking_on_failure) => set({ reranking_on_failure })}
              options={[
                { value: "fall_back", label: "Return the retrieval order", about: "the receipt says why" },
                { value: "error", label: "Return an error" },
              ]}
            />
          </div>
          {created && (
            <div className="grid gap-5 sm:grid-cols-2">
              <Slider label="Minimum probability of relevance" name="reranking_match_probability" value={draft.reranking_match_probability} onChange={(reranking_match_probability) => set({ reranking_match_probability })} shown={draft.reranking_match_probability ? draft.reranking_match_probability.toFixed(2) : "off"} help="Applies to models that the Lab has calibrated on this instance." />
            </div>
          )}
          <p className="rounded-lg bg-kumo-recessed px-3 py-2 text-[13px]">
            The reranking threshold is set per request; its default is 0.40. The playground shows what each value would drop.
          </p>
        </>
      )}
    </div>
  );
}

export const LIKENESS: { value: CacheThreshold; label: string; about: string }[] = [
  { value: "super_strict_match", label: "Exact", about: "almost the same words" },
  { value: "close_enough", label: "Strong", about: "the usual choice" },
  { value: "flexible_friend", label: "Broad", about: "similar wording" },
  { value: "anything_goes", label: "Loose", about: "most reuse, least precision" },
];
const LIVES = [600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 259_200, 518_400];

export function CacheForm({ draft, set }: Form) {
  return (
    <div className="flex flex-col gap-5">
      <Toggle label="Cache answers" name="cache" checked={draft.cache} onChange={(cache) => set({ cache })} help="A query with similar wording gets the cached answer until the index changes." />
      {draft.cache && (
        <div className="grid gap-5 sm:grid-cols-2">
          <Choice label="Similarity required" name="cache_threshold" value={draft.cache_threshold} onChange={(cache_threshold) => set({ cache_threshold })} options={LIKENESS} />
          <Choice label="Keep for" name="cache_ttl" value={String(draft.cache_ttl)} onChange={(value) => set({ cache_ttl: Number(value) })} options={LIVES.map((one) => ({ value: String(one), label: span(one) }))} />
        </div>
      )}
    </div>
  );
}

export function PromptsForm({ draft, set }: Form) {
  return (
    <div className="flex flex-col gap-5">
      <AreaField label="System prompt for answers" name="system_prompt_ai_search" rows={7} value={draft.system_prompt_ai_search ?? ""} onChange={(system_prompt_ai_search) => set({ system_prompt_ai_search })} placeholder="Empty: the built-in prompt" help="A system message in a request takes precedence." />
      <AreaField label="System prompt for query rewriting" name="system_prompt_rewrite_query" rows={5} value={draft.system_prompt_rewrite_query ?? ""} onChange={(system_prompt_rewrite_query) => set({ system_prompt_rewrite_query })} placeholder="Empty: the built-in prompt" />
    </div>
  );
}

export function ModelsForm({ draft, set }: Form) {
  return (
    <div className="grid gap-5 sm:grid-cols-2">
      <TextField label="Embedding model" name="embedding_model" value={draft.embedding_model} onChange={() => undefined} disabled help="Can't be changed after creation." />
      <TextField label="Answering model" name="ai_search_model" value={draft.ai_search_model} onChange={(ai_search_model) => set({ ai_search_model })} placeholder="Server default" help="Empty: the language model of the server. Without one, answers are excerpts of the results." />
      <TextField label="Rewriting model" name="rewrite_model" value={draft.rewrite_model} onChange={(rewrite_model) => set({ rewrite_model })} placeholder="Server default" />
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
          <TextField label="Field" name={`custom_metadata.${at}.field_name`} value={field.field_name} onChange={(field_name) => put(fields.with(at, { ...field, field_name }))} />
          <Choice label="Type" name={`custom_metadata.${at}.data_type`} value={field.data_type} onChange={(data_type) => put(fields.with(at, { ...field, data_type }))} options={(["text", "number", "boolean", "datetime"] as const).map((value) => ({ value, label: value }))} />
          <Button shape="square" variant="ghost" aria-label={`Remove the field ${field.field_name}`} icon={<TrashIcon />} onClick={() => put(fields.toSpliced(at, 1))} />
        </div>
      ))}
      <Button className="self-start" size="sm" icon={<PlusIcon />} onClick={() => put([...fields, { field_name: "", data_type: "text" }])}>
        Add a field
      </Button>
    </div>
  );
}
