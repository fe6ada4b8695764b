// What is asked in the playground: its state, the link that holds it, and the requests made of it.
import type { ChatBody, SearchBody } from "../../api/calls";
import type { Chunk, Instance, Settings } from "../../api/types";
import { session } from "../../session";

export interface Plan {
  mode: "search" | "chat";
  query: string;
  type: "hybrid" | "vector" | "keyword";
  rerank: boolean;
  model: string | null;
  threshold: number;
  /** null leaves it to the instance, which holds a probability. */
  relevance: number | null;
  results: number;
  budget: number | null;
  expansion: number;
  filters: string;
  cached: boolean;
}

export const MOST = 50;
/** What the API takes when a request names no reranking threshold (contract, 5.2). */
const RELEVANCE = 0.4;

export function freshPlan(settings: Settings): Plan {
  const { vector, keyword } = settings.index_method;
  return {
    mode: "search",
    query: "",
    type: vector && keyword ? "hybrid" : vector ? "vector" : "keyword",
    rerank: settings.reranking,
    model: settings.reranking_stages.length ? null : settings.reranking_model,
    threshold: settings.score_threshold,
    relevance: settings.reranking_match_probability ? null : RELEVANCE,
    results: settings.max_num_results,
    budget: settings.reranking_budget_ms,
    expansion: 0,
    filters: "",
    cached: false, // a cached answer cannot be explained, and the playground explains
  };
}

export function toHash(plan: Plan): string {
  const raw = new TextEncoder().encode(JSON.stringify(plan));
  return `#run=${btoa(String.fromCharCode(...raw)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** The plan of a link; only what has the type it should have is taken from it. */
export function fromHash(hash: string, fresh: Plan): Plan | null {
  const found = /^#run=([\w-]+)$/.exec(hash)?.[1];
  if (!found) return null;
  try {
    const raw = Uint8Array.from(atob(found.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    const told = JSON.parse(new TextDecoder().decode(raw)) as Record<string, unknown>;
    const fits = Object.entries(told).filter(([name, value]) => {
      const before = fresh[name as keyof Plan];
      return name in fresh && (typeof value === typeof before || (name === "model" && typeof value === "string") || ((name === "budget" || name === "relevance") && typeof value === "number"));
    });
    return { ...fresh, ...Object.fromEntries(fits) };
  } catch {
    return null;
  }
}

export function filtersOf(text: string): { value?: Record<string, unknown>; error?: string } {
  if (!text.trim()) return {};
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === "object" && value && !Array.isArray(value)) return { value: value as Record<string, unknown> };
    return { error: 'Give an object, such as {"folder": "docs/"}.' };
  } catch (error) {
    return { error: `This is not JSON: ${(error as Error).message}` };
  }
}

export function optionsOf(plan: Plan) {
  const filters = filtersOf(plan.filters).value;
  return {
    retrieval: {
      retrieval_type: plan.type,
      match_threshold: plan.threshold,
      max_num_results: plan.results,
      ...(plan.expansion && { context_expansion: plan.expansion }),
      ...(filters && { filters }),
    },
    reranking: {
      enabled: plan.rerank,
      ...(plan.rerank && plan.relevance !== null && { match_threshold: plan.relevance }),
      ...(plan.rerank && plan.model && { model: plan.model }),
      ...(plan.rerank && plan.budget && { budget_ms: plan.budget }),
    },
    ...(!plan.cached && { cache: { enabled: false } }),
  };
}

export function searchBody(plan: Plan): SearchBody {
  return { query: plan.query, ai_search_options: optionsOf(plan) } as SearchBody; // filters are any object
}

/** Everything that was retrieved and scored, whatever the thresholds say. */
export function wideBody(plan: Plan): SearchBody {
  return { ...searchBody({ ...plan, threshold: 0, relevance: 0, results: MOST, cached: false, expansion: 0 }), query_log: false };
}

export function chatBody(plan: Plan, messages: { role: string; content: string }[]): ChatBody {
  return { messages, stream: true, explain: !plan.cached, query_log: "playground", ai_search_options: optionsOf(plan) } as ChatBody; // as above
}

export type Drop = "" | "threshold" | "relevance" | "limit";

export interface Ranked {
  chunk: Chunk;
  rank: number;
  drop: Drop;
}

/** The chunks in their last order, each with what the sliders would do to it; ``held`` is the threshold that the server applied. */
export function rank(chunks: Chunk[], plan: Plan, held = 0): Ranked[] {
  let kept = 0;
  return [...chunks]
    .sort((one, other) => other.score - one.score)
    .map((chunk) => {
      const scores = chunk.scoring_details;
      let drop: Drop = "";
      if (scores?.vector_score !== undefined && scores.vector_score < plan.threshold && !scores.keyword_match) drop = "threshold";
      else if (scores?.reranking_score !== undefined && scores.reranking_score < (plan.relevance ?? held)) drop = "relevance";
      else if (kept >= plan.results) drop = "limit";
      if (!drop) kept++;
      return { chunk, rank: drop ? 0 : kept, drop };
    });
}

export function sampleOf(kind: "curl" | "python" | "javascript", instance: Instance, plan: Plan): string {
  const chat = plan.mode === "chat";
  const asked = { messages: [{ role: "user", content: plan.query }], ai_search_options: optionsOf(plan) };
  const body = chat ? asked : searchBody(plan);
  const account = session()?.account ?? "default";
  const base = `${location.origin}/client/v4`;
  const path = `/accounts/${account}/ai-search/namespaces/${instance.namespace}/instances/${instance.id}/${chat ? "chat/completions" : "search"}`;
  const json = JSON.stringify(body, null, 2);
  if (kind === "curl")
    return `curl -X POST '${base}${path}' \\\n  -H "Authorization: Bearer $SECONDLOOK_TOKEN" \\\n  -H 'Content-Type: application/json' \\\n  -d '${json.replaceAll("'", "'\\''")}'\n`;
  if (kind === "python")
    return `import json\nimport os\n\nimport httpx\n\nbody = json.loads(r"""${json.replaceAll('"""', '\\"\\"\\"')}""")\nanswer = httpx.post(\n    "${base}${path}",\n    json=body,\n    headers={"Authorization": f"Bearer {os.environ['SECONDLOOK_TOKEN']}"},\n    timeout=60,\n)\nanswer.raise_for_status()\nprint(json.dumps(answer.json(), indent=2))\n`;
  return `const answer = await fetch("${base}${path}", {\n  method: "POST",\n  headers: {\n    Authorization: \`Bearer \${process.env.SECONDLOOK_TOKEN}\`,\n    "Content-Type": "application/json",\n  },\n  body: JSON.stringify(${json.replaceAll("\n", "\n  ")}),\n});\nif (!answer.ok) throw new Error(await answer.text());\nconsole.log(await answer.json());\n`;
}
