// Calls about the account and the server: tokens, bucket credentials, namespaces, models; and of many items at once.
import type { Place } from "./calls";
import { type BodyOf, send } from "./client";
import type * as T from "./types";

const ACCOUNT = "/client/v4/accounts/{account}/ai-search" as const;
const ACCESS = `${ACCOUNT}/access_tokens` as const;
const TOKENS = `${ACCOUNT}/tokens` as const;
const NAMESPACES = `${ACCOUNT}/namespaces` as const;
const DOWNLOADS = `${ACCOUNT}/models/downloads` as const;
const TEST = `${ACCOUNT}/sources/test` as const;
const BULK = `${NAMESPACES}/{namespace}/instances/{name}/items/bulk` as const;

export type NewAccessToken = BodyOf<typeof ACCESS, "post">;
export type NewServiceToken = BodyOf<typeof TOKENS, "post">;
export type SourceTestBody = BodyOf<typeof TEST, "post">;

export async function listAccessTokens(): Promise<T.AccessToken[]> {
  return (await send("get", ACCESS, { query: { per_page: 100 } })).result as T.AccessToken[];
}

export async function createAccessToken(body: NewAccessToken): Promise<T.AccessToken & { value: string }> {
  return (await send("post", ACCESS, { body })).result as T.AccessToken & { value: string };
}

export async function revokeAccessToken(token_id: string): Promise<void> {
  await send("delete", `${ACCESS}/{token_id}`, { parts: { token_id } });
}

export async function replaceServiceToken(token_id: string, body: NewServiceToken): Promise<T.ServiceToken> {
  return (await send("put", `${TOKENS}/{token_id}`, { parts: { token_id }, body })).result as T.ServiceToken;
}

export async function deleteServiceToken(token_id: string): Promise<void> {
  await send("delete", `${TOKENS}/{token_id}`, { parts: { token_id } });
}

export async function createNamespace(name: string, description: string): Promise<void> {
  await send("post", NAMESPACES, { body: { name, description } });
}

export async function deleteNamespace(namespace: string): Promise<void> {
  await send("delete", `${NAMESPACES}/{namespace}`, { parts: { namespace } });
}

export async function downloadModel(name: string, revision: string): Promise<void> {
  await send("post", DOWNLOADS, { body: { name, revision } });
}

export async function cancelDownload(name: string): Promise<void> {
  await send("post", `${DOWNLOADS}/cancel`, { body: { name } });
}

export async function testSource(body: SourceTestBody): Promise<T.SourceTest> {
  return (await send("post", TEST, { body })).result as T.SourceTest;
}

export async function bulkItems(place: Place, action: "delete" | "sync", item_ids: string[]): Promise<T.BulkResult> {
  return (await send("post", BULK, { parts: { ...place }, body: { action, item_ids } })).result as T.BulkResult;
}
