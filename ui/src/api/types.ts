// What the API answers, as far as the pages read it. Paths and bodies come from the OpenAPI document (schema.d.ts).

export interface Stage {
  model: string;
  window: number | null;
  keep: number | null;
}

export interface MetadataField {
  field_name: string;
  data_type: "text" | "number" | "boolean" | "datetime";
}

export interface Boost {
  field: string;
  direction?: "asc" | "desc" | "exists" | "not_exists";
}

export type CacheThreshold = "super_strict_match" | "close_enough" | "flexible_friend" | "anything_goes";

export interface PublicEndpoint {
  enabled?: boolean;
  search_endpoint?: { disabled?: boolean };
  chat_completions_endpoint?: { disabled?: boolean };
  mcp?: { disabled?: boolean; description?: string };
  rate_limit?: { requests?: number; period_ms?: number; technique?: "fixed" | "sliding" } | null;
  authorized_hosts?: string[];
  custom_domains?: string[] | null;
  default_domain_enabled?: boolean;
}

export interface SourceParams {
  prefix?: string;
  r2_jurisdiction?: string;
  include_items?: string[];
  exclude_items?: string[];
  web_crawler?: {
    parse_type?: string;
    parse_options?: {
      include_headers?: Record<string, string>;
      include_images?: boolean;
      specific_sitemaps?: string[];
      use_browser_rendering?: boolean;
      content_selector?: { path: string; selector: string }[];
    };
    discover_options?: {
      source?: string;
      limit?: number;
      depth?: number;
      max_age?: number;
      include_subdomains?: boolean;
      include_external_links?: boolean;
    };
  };
}

export interface Settings {
  embedding_model: string;
  ai_search_model: string;
  rewrite_model: string;
  rewrite_query: boolean;
  reranking: boolean;
  reranking_mode: "fixed" | "auto" | "interleave" | "shadow";
  reranking_match_probability: number;
  reranking_model: string | null;
  reranking_weight: number;
  reranking_budget_ms: number | null;
  reranking_on_failure: "fall_back" | "error";
  reranking_stages: Stage[];
  fusion_method?: "convex" | "rrf" | "max";
  fusion_weight: number;
  index_method: { vector: boolean; keyword: boolean };
  indexing_options: { keyword_tokenizer?: string; keyword_language?: string | null; use_ocr?: boolean };
  retrieval_options: { keyword_match_mode?: "and" | "or"; boost_by?: Boost[]; boost_after_reranking?: boolean };
  chunk: boolean;
  chunk_size: number;
  chunk_overlap: number;
  max_num_results: number;
  score_threshold: number;
  custom_metadata: MetadataField[];
  system_prompt_ai_search: string | null;
  system_prompt_rewrite_query: string | null;
  paused: boolean;
  type: string | null;
  source: string | null;
  source_params: SourceParams | null;
  token_id: string | null;
  cache: boolean;
  cache_threshold: CacheThreshold;
  cache_ttl: number;
  sync_interval: number;
  public_endpoint_params: PublicEndpoint | null;
  query_log: { enabled: boolean; retention_days: number };
}

/** Why syncs fail: of the last job that ended, until one completes. */
export interface SyncError {
  kind: string;
  message: string;
  job_id: string;
  at: string;
}

/** Whether somebody chose a setting, or it is a default: of this release, or of an earlier one and kept since. */
export type Origin = "chosen" | "default" | "earlier_default";

export interface Instance extends Settings {
  id: string;
  keyword_match_mode_origin: Origin;
  fusion_method_origin: Origin;
  namespace: string;
  status: string;
  public_endpoint_id: string | null;
  created_at: string;
  modified_at: string;
  last_activity: string | null;
  item_counts: Record<ItemStatus, number>;
  last_sync: { id: string; status: string; started_at: string; ended_at: string | null } | null;
  sync_error: SyncError | null;
  /** Ours: why the index is rebuilt from the stored files, and whether what it holds is searched meanwhile. */
  index_problem: { reason: string; searchable: boolean } | null;
}

export interface Stats {
  queued: number;
  running: number;
  completed: number;
  error: number;
  skipped: number;
  outdated: number;
  last_activity: string | null;
  file_embed_errors: Record<string, number>;
  index_source_errors: Record<string, number>;
  engine: {
    vectorize?: { vectorsCount: number; dimensions: number };
    r2?: { payloadSizeBytes: number; metadataSizeBytes: number; objectCount: number };
  };
}

export type ItemStatus = "queued" | "running" | "completed" | "error" | "skipped" | "outdated";

export interface Item {
  id: string;
  key: string;
  status: ItemStatus;
  error?: string;
  chunks_count: number | null;
  file_size: number | null;
  source_id: string | null;
  last_seen_at: string;
  created_at: string;
  metadata: Record<string, unknown> | null;
}

export interface ItemLine {
  timestamp: string;
  action: string;
  message: string;
  chunkCount: number | null;
  processingTimeMs: number | null;
  errorType: string | null;
}

export interface ItemChunk {
  id: string;
  text: string;
  start_byte?: number;
  end_byte?: number;
}

export interface Job {
  id: string;
  source: string;
  description: string | null;
  started_at: string;
  ended_at?: string | null;
  end_reason?: string | null;
}

export interface JobLine {
  id: number;
  created_at: number;
  message: string;
  message_type: number;
}

export interface Model {
  name: string;
  aliases: string[];
  task: "embedding" | "reranking";
  licence: string;
  languages: string[];
  multilingual: boolean;
  parameters: number | null;
  max_tokens: number | null;
  status: "built_in" | "cached" | "remote" | "absent" | "unavailable";
  note: string;
  purpose: string;
  obstacle: string;
  needs_revision: boolean;
  download: ModelDownload | null;
}

export interface ModelDownload {
  state: "running" | "completed" | "failed" | "cancelled";
  file: string;
  bytes: number;
  total_bytes: number | null;
  error: string;
}

export interface Namespace {
  name: string;
  description: string | null;
  created_at: string;
}

export interface ServiceToken {
  id: string;
  name: string;
  cf_api_id: string;
  created_at: string;
}

export interface AccessToken {
  id: string;
  name: string;
  permission: "edit" | "run";
  account: string | null;
  created_at: string;
  expires_at: string | null;
  revoked: boolean;
  current: boolean;
}

export interface SourceTest {
  reachable: boolean;
  field: "source" | "token_id" | null;
  message: string;
  keys: string[];
}

export interface BulkResult {
  done: string[];
  failed: { id: string; message: string }[];
}

export interface Scores {
  vector_score?: number;
  vector_rank?: number;
  keyword_score?: number;
  keyword_rank?: number;
  fusion_method?: string;
  reranking_score?: number;
  retrieval_score?: number;
  retrieval_rank?: number;
  echo_discount?: number;
  keyword_share?: number;
  keyword_match?: boolean;
}

/** A threshold that was applied; value is null where the searched instances differ in it. */
export interface Threshold {
  name: "match_threshold" | "reranking.match_threshold";
  value: number | null;
  dropped: number;
}

export interface Chunk {
  id: string;
  score: number;
  text?: string;
  item: { key: string; timestamp?: number; metadata?: Record<string, unknown> };
  scoring_details?: Scores;
  explain?: {
    stages: { stage: string; rank: number; score: number; model?: string }[];
    sentence?: { text: string; score: number };
  };
}

export interface Receipt {
  status: "ran" | "skipped" | "fell_back" | "substituted";
  reason: string;
  model: string;
  asked_model: string;
  threshold?: number;
  candidates_in: number;
  candidates_out: number;
  scored: number;
  truncated: number;
  cached: number;
  ms: number;
  fusion?: string;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
}

/** What a model was sent for an answer, and milliseconds until its first word and its end. */
export interface Generation {
  model: string;
  messages: { role: string; content: unknown }[];
  first_ms: number | null;
  ms: number | null;
}

export interface QuerySet {
  name: string;
  queries: number;
  judgments: number;
}

export interface SetJudgment {
  item_key: string;
  chunk_id: string | null;
  grade: number;
  start_byte: number | null;
  end_byte: number | null;
}

export interface SetQuery {
  query: string;
  judgments: SetJudgment[];
}

export interface Step {
  stage: string;
  ms: number;
  candidates: number;
  note: string;
}

export interface Dropped {
  item: { key: string };
  id: string;
  stage: string;
  rank: number;
  reason: string;
}

export type Period = "hour" | "day" | "week" | "month" | "year";
export type QueryFilter = "all" | "no_results" | "top_changed" | "fell_back" | "failed" | "cached";
export type FeedbackKind = "click" | "thumbs_up" | "thumbs_down";

export interface LoggedChunk {
  id: string;
  item: { key: string };
  rank: number;
  score: number;
  retrieval_rank: number | null;
  retrieval_score: number | null;
  reranking_score: number | null;
}

export interface LoggedQuery {
  id: string;
  at: string;
  kind: "search" | "chat";
  public: boolean;
  playground: boolean;
  query: string;
  search_query?: string;
  results: number;
  cached: boolean;
  top_changed: boolean | null;
  ms: number;
  stages: Record<string, number>;
  options: Record<string, string | number | boolean | null>;
  chunks: LoggedChunk[];
  reranking: { status: string; cause: string; reason: string } | null;
  error?: string;
}

export interface TopQuery {
  query: string;
  count: number;
  mean_ms: number;
  no_results: number;
  last_at: string;
}

export interface Bucket {
  at: string;
  count: number;
  chats: number;
  no_results: number;
  failed: number;
  cached: number;
  reranked: number;
  top_changed: number;
  fallbacks: Record<string, number>;
  ms: Record<string, { p50: number; p95: number }>;
}

export interface QueryMetrics {
  period: Period;
  from: string;
  to: string;
  bucket_seconds: number;
  total: Bucket;
  buckets: Bucket[];
}

export interface LabRun {
  id: string;
  state: "running" | "completed" | "cancelled" | "error";
  reason: string;
  query_set: string;
  queries: number;
  done: number;
  created_at: string;
  ended_at: string | null;
  report?: LabReport | null;
}

export interface Trials {
  mode: Instance["reranking_mode"];
  since: string | null;
  interleaving: { answer: "on" | "off" | "not enough evidence"; queries: number; clicked: number; wins: number; ties: number; losses: number; share: number; p: number };
  shadow: { queries: number; top_changed: number; fell_back: number; p50_ms: number; p95_ms: number };
}

export interface Comparison {
  queries: number;
  difference: number;
  low: number;
  high: number;
  p: number;
  p_holm: number;
  wins: number;
  ties: number;
  losses: number;
  detectable: number;
  needed: number | null;
  ceiling?: number;
}

export interface Calibration {
  method: string;
  brier_raw: number;
  brier_fitted: number;
  pairs: number;
  assumed: boolean;
  bins: { low: number; high: number; pairs: number; told: number; true: number }[];
  thresholds: { precision: number; score: number | null }[];
}

export interface LabArm {
  name: string;
  model: string | null;
  baseline: string | null;
  "ndcg@10": number;
  "mrr@10": number;
  "recall@50": number;
  holes: number;
  p50_ms: number;
  p95_ms: number;
  fell_back: number;
  on_front: boolean;
  flags: string[];
  comparison: Comparison | null;
  segments: ({ kind: string; value: string } & Comparison)[];
  calibration: Calibration | null;
}

export interface LabReport {
  verdict: { answer: "on" | "on with weight" | "off" | "not enough evidence"; arm: string | null; weight: number | null; sentence: string; settings: Record<string, unknown> };
  baseline: string;
  origin: string;
  queries: number;
  synthetic: number;
  stale_judgments: number;
  unknown_items?: number;
  left_out?: number;
  judge: { graded: number; agreed: number; agreement?: number | null; kappa: number | null } | null;
  budget: number | null;
  concurrency: number;
  seconds: number;
  memory_mb: number;
  index_changed: boolean;
  arms: LabArm[];
}

export interface LabQuery {
  query: string;
  synthetic: boolean;
  segments: Record<string, string>;
  relevant: Record<string, number>;
  difference: number;
  arms: Record<string, { "ndcg@10": number; "mrr@10": number; milliseconds: number; results: string[]; fell_back: boolean }>;
}

export interface SearchResult {
  query_id?: string;
  search_query: string;
  chunks: Chunk[];
  reranking?: Receipt;
  trace?: Step[];
  dropped?: Dropped[];
  thresholds?: Threshold[];
  errors?: { method?: string; message?: string }[];
}

export interface Why {
  item: { key: string };
  verdict: string;
  reason: string;
  rank?: number;
  ranks?: Record<string, number | null>;
  chunk?: Chunk;
}

export interface PageInfo {
  count: number;
  page: number;
  per_page: number;
  total_count: number;
}

export interface Listed<T> {
  rows: T[];
  total: number;
}
