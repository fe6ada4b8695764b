// Every call that the pages make, one function each; nothing else speaks to the server.
import type { Session } from "../session";
import { type ApiError, authorization, type BodyOf, type Envelope, failure, request, send, unreachable, urlOf } from "./client";
import type * as T from "./types";

const ACCOUNT = "/client/v4/accounts/{account}/ai-search" as const;
const NAMESPACES = `${ACCOUNT}/namespaces` as const;
const INSTANCES = `${NAMESPACES}/{namespace}/instances` as const;
const INSTANCE = `${INSTANCES}/{name}` as const;
const ITEMS = `${INSTANCE}/items` as const;
const ITEM = `${ITEMS}/{item_id}` as const;
const JOBS = `${INSTANCE}/jobs` as const;
const JOB = `${JOBS}/{job_id}` as const;
const QUERIES = `${INSTANCE}/queries` as const;
const SETS = `${INSTANCE}/query-sets` as const;
const SET = `${SETS}/{set_name}` as const;
const LAB = `${INSTANCE}/lab/runs` as const;
const LAB_RUN = `${LAB}/{run_id}` as const;
const SEARCH = `${INSTANCE}/search` as const;
const CHAT = `${INSTANCE}/chat/completions` as const;
const WHY = `${INSTANCE}/why` as const;

export interface Place {
  namespace: string;
  name: string;
}

export type InstanceChange = BodyOf<typeof INSTANCE, "put">;
export type NewInstance = BodyOf<typeof INSTANCES, "post">;
export type SearchBody = BodyOf<typeof SEARCH, "post">;
export type LabBody = BodyOf<typeof LAB, "post">;
export type ChatBody = BodyOf<typeof CHAT, "post">;

const parts = (place: Place, more: Record<string, string> = {}) => ({ ...place, ...more });

function listed<R>(envelope: Envelope): T.Listed<R> {
  const info = envelope.result_info;
  return { rows: envelope.result as R[], total: info?.total_count ?? info?.total ?? 0 };
}

/** Whether the token may work in the account, and which of its accounts hold something; raises as the server refuses. */
export async function tryLogin(as: Session): Promise<{ exists: boolean; others: string[] }> {
  const found = (await send("get", "/client/v4/accounts", { as, query: { per_page: 100 } })).result as { id: string }[];
  await send("get", INSTANCES, { as, parts: { namespace: "default" }, query: { per_page: 1 } });
  const named = (await send("get", "/client/v4/accounts", { as, query: { name: as.account } })).result as { id: string }[];
  return { exists: named.length > 0, others: found.map((one) => one.id) };
}

export async function exchangeCode(code: string): Promise<Session> {
  const found = (await send("post", "/sign-in", { as: null, body: { code } })).result as Session;
  return { token: found.token, account: found.account };
}

/** An instance by itself, where the server leaves out what is null in lists. */
const whole = (row: unknown) => ({ public_endpoint_params: null, token_id: null, ...(row as object) }) as T.Instance;

export async function listInstances(namespace: string, search: string, page: number): Promise<T.Listed<T.Instance>> {
  return listed(await send("get", INSTANCES, { parts: { namespace }, query: { search, page, per_page: 50 } }));
}

export async function createInstance(namespace: string, body: NewInstance): Promise<T.Instance> {
  return whole((await send("post", INSTANCES, { parts: { namespace }, body })).result);
}

export async function readInstance(place: Place): Promise<T.Instance> {
  return whole((await send("get", INSTANCE, { parts: parts(place) })).result);
}

export async function updateInstance(place: Place, body: InstanceChange): Promise<T.Instance> {
  return whole((await send("put", INSTANCE, { parts: parts(place), body })).result);
}

export async function deleteInstance(place: Place): Promise<void> {
  await send("delete", INSTANCE, { parts: parts(place) });
}

export async function readStats(place: Place): Promise<T.Stats> {
  return (await send("get", `${INSTANCE}/stats`, { parts: parts(place) })).result as T.Stats;
}

export async function purgeCache(place: Place): Promise<void> {
  await send("post", `${INSTANCE}/purge_cache`, { parts: parts(place) });
}

export interface ItemQuery {
  page: number;
  per_page: number;
  search?: string;
  status?: string;
  key?: string;
  sort_by?: string;
}

export async function listItems(place: Place, query: ItemQuery, signal?: AbortSignal): Promise<T.Listed<T.Item>> {
  return listed(await send("get", ITEMS, { parts: parts(place), query: { ...query }, ...(signal && { signal }) }));
}

export async function syncItem(place: Place, item_id: string): Promise<T.Item> {
  return (await send("patch", ITEM, { parts: parts(place, { item_id }), body: { next_action: "INDEX" } }))
    .result as T.Item;
}

export async function deleteItem(place: Place, item_id: string): Promise<void> {
  await send("delete", ITEM, { parts: parts(place, { item_id }) });
}

export async function downloadItem(place: Place, item_id: string): Promise<Blob> {
  return await (await request("get", `${ITEM}/download`, { parts: parts(place, { item_id }) })).blob();
}

export async function itemLogs(place: Place, item_id: string): Promise<T.ItemLine[]> {
  return (await send("get", `${ITEM}/logs`, { parts: parts(place, { item_id }), query: { limit: 100 } }))
    .result as T.ItemLine[];
}

export async function itemChunks(place: Place, item_id: string, offset = 0): Promise<T.Listed<T.ItemChunk>> {
  return listed(
    await send("get", `${ITEM}/chunks`, { parts: parts(place, { item_id }), query: { limit: 100, offset } }),
  );
}

/** Sends a file and reports how much of it has been sent, which fetch cannot do. */
export function uploadItem(place: Place, file: File, key: string, metadata: Record<string, unknown> | undefined, onSent: (share: number) => void): Promise<T.Item> {
  const form = new FormData();
  form.append("file", file, key);
  if (metadata && Object.keys(metadata).length) form.append("metadata", JSON.stringify(metadata));
  return new Promise((resolve, reject: (error: ApiError) => void) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", urlOf(ITEMS, { parts: parts(place) }));
    for (const [name, value] of Object.entries(authorization())) sending.setRequestHeader(name, value);
    sending.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
    sending.onload = () =>
      sending.status < 300
        ? resolve((JSON.parse(sending.responseText) as Envelope).result as T.Item)
        : reject(failure(sending.status, sending.responseText, sending.getResponseHeader("retry-after")));
    sending.onerror = () => reject(unreachable());
    sending.send(form);
  });
}

export async function listJobs(place: Place): Promise<T.Listed<T.Job>> {
  return listed(await send("get", JOBS, { parts: parts(place), query: { per_page: 50 } }));
}

export async function createJob(place: Place, description: string): Promise<T.Job> {
  return (await send("post", JOBS, { parts: parts(place), body: { description } })).result as T.Job;
}

export async function cancelJob(place: Place, job_id: string): Promise<void> {
  await send("patch", JOB, { parts: parts(place, { job_id }), body: { action: "cancel" } });
}

/** The events of a job after that line of its log. */
export async function jobEvents(place: Place, job_id: string, after: number, signal: AbortSignal): Promise<Response> {
  return await request("get", `${JOB}/events`, { parts: parts(place, { job_id }), headers: { "Last-Event-ID": String(after) }, signal });
}

export async function search(place: Place, body: SearchBody, signal?: AbortSignal) {
  const answer = await request("post", SEARCH, { parts: parts(place), body, ...(signal && { signal }) });
  const envelope = (await answer.json()) as Envelope;
  return { result: envelope.result as T.SearchResult, cache: answer.headers.get("cf-aig-cache-status") };
}

export async function why(place: Place, body: BodyOf<typeof WHY, "post">): Promise<T.Why> {
  return (await send("post", WHY, { parts: parts(place), body })).result as T.Why;
}

export async function chat(place: Place, body: ChatBody, signal: AbortSignal): Promise<Response> {
  return await request("post", CHAT, { parts: parts(place), body, signal });
}

export async function listQueries(place: Place, query: { page: number; filter: T.QueryFilter; order: string; search: string; playground: string }): Promise<T.Listed<T.LoggedQuery>> {
  return listed(await send("get", QUERIES, { parts: parts(place), query: { ...query, per_page: 20 } }));
}

export async function topQueries(place: Place, period: T.Period, filter: "all" | "no_results", playground: boolean): Promise<T.TopQuery[]> {
  return (await send("get", `${QUERIES}/top`, { parts: parts(place), query: { period, filter, limit: 10, playground: String(playground) } }))
    .result as T.TopQuery[];
}

export async function readQueryMetrics(place: Place, period: T.Period, playground: boolean): Promise<T.QueryMetrics> {
  return (await send("get", `${INSTANCE}/query-metrics`, { parts: parts(place), query: { period, playground: String(playground) } }))
    .result as T.QueryMetrics;
}

export async function clearQueries(place: Place): Promise<void> {
  await send("delete", QUERIES, { parts: parts(place) });
}

export async function listSets(place: Place): Promise<T.QuerySet[]> {
  return (await send("get", SETS, { parts: parts(place) })).result as T.QuerySet[];
}

export async function createSet(place: Place, name: string): Promise<T.QuerySet> {
  return (await send("post", SETS, { parts: parts(place), body: { name } })).result as T.QuerySet;
}

export async function readSet(place: Place, set_name: string, query: { page: number; query?: string }): Promise<T.Listed<T.SetQuery>> {
  return listed(await send("get", SET, { parts: parts(place, { set_name }), query: { ...query, per_page: 20 } }));
}

export async function deleteSet(place: Place, set_name: string): Promise<void> {
  await send("delete", SET, { parts: parts(place, { set_name }) });
}

export async function judge(place: Place, set_name: string, body: BodyOf<`${typeof SET}/judgments`, "post">): Promise<void> {
  await send("post", `${SET}/judgments`, { parts: parts(place, { set_name }), body });
}

export async function unjudge(place: Place, set_name: string, query: { query: string; chunk_id?: string; item_key?: string }): Promise<void> {
  await send("delete", `${SET}/judgments`, { parts: parts(place, { set_name }), query });
}

export async function dropQuery(place: Place, set_name: string, query: string): Promise<void> {
  await send("delete", `${SET}/queries`, { parts: parts(place, { set_name }), query: { query } });
}

export async function exportSet(place: Place, set_name: string, format: "jsonl" | "csv"): Promise<Blob> {
  return await (await request("get", `${SET}/export`, { parts: parts(place, { set_name }), query: { format } })).blob();
}

export async function listRuns(place: Place): Promise<T.Listed<T.LabRun>> {
  return listed(await send("get", LAB, { parts: parts(place), query: { per_page: 50 } }));
}

export async function beginRun(place: Place, body: LabBody): Promise<T.LabRun> {
  return (await send("post", LAB, { parts: parts(place), body })).result as T.LabRun;
}

export async function readTrials(place: Place): Promise<T.Trials> {
  return (await send("get", `${INSTANCE}/lab/online`, { parts: parts(place) })).result as T.Trials;
}

export async function readRun(place: Place, run_id: string): Promise<T.LabRun> {
  return (await send("get", LAB_RUN, { parts: parts(place, { run_id }) })).result as T.LabRun;
}

export async function cancelRun(place: Place, run_id: string): Promise<void> {
  await send("patch", LAB_RUN, { parts: parts(place, { run_id }), body: { action: "cancel" } });
}

export async function deleteRun(place: Place, run_id: string): Promise<void> {
  await send("delete", LAB_RUN, { parts: parts(place, { run_id }) });
}

export async function runQueries(place: Place, run_id: string, query: { arm: string; order: "loss" | "gain"; page: number }): Promise<T.Listed<T.LabQuery>> {
  return listed(await send("get", `${LAB_RUN}/queries`, { parts: parts(place, { run_id }), query: { ...query, per_page: 10 } }));
}

export async function runPage(place: Place, run_id: string): Promise<Blob> {
  return await (await request("get", `${LAB_RUN}/page`, { parts: parts(place, { run_id }) })).blob();
}

export async function applyRun(place: Place, run_id: string): Promise<{ applied: boolean }> {
  return (await send("post", `${LAB_RUN}/apply`, { parts: parts(place, { run_id }) })).result as { applied: boolean };
}

export async function listModels(task: "embedding" | "reranking"): Promise<T.Model[]> {
  return (await send("get", `${ACCOUNT}/models`, { query: { task } })).result as T.Model[];
}

export async function listNamespaces(): Promise<T.Namespace[]> {
  return (await send("get", NAMESPACES, { query: { per_page: 100 } })).result as T.Namespace[];
}

export async function listTokens(): Promise<T.ServiceToken[]> {
  return (await send("get", `${ACCOUNT}/tokens`, { query: { per_page: 100 } })).result as T.ServiceToken[];
}

export async function createServiceToken(body: BodyOf<`${typeof ACCOUNT}/tokens`, "post">): Promise<T.ServiceToken> {
  return (await send("post", `${ACCOUNT}/tokens`, { body })).result as T.ServiceToken;
}

export async function readMetrics(): Promise<string> {
  return await (await request("get", "/metrics")).text();
}

export async function readHealth(): Promise<{ version: string }> {
  return (await (await request("get", "/health")).json()) as { version: string };
}
