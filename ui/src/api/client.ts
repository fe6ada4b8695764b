// One way to the API: the token, the envelope, and errors that say what to do.
import { loseSession, lostSession, type Session, session, sessionRestored } from "../session";
import type { paths } from "./schema";

export type Method = "get" | "post" | "put" | "patch" | "delete";
/** The routes of the OpenAPI document that take this method; another path does not compile. */
export type Route<M extends Method> = { [P in keyof paths]: undefined extends paths[P][M] ? never : P }[keyof paths];
export type BodyOf<P extends keyof paths, M extends Method> = paths[P][M] extends {
  requestBody?: { content: { "application/json": infer B } };
}
  ? B
  : undefined;

export interface Sent<B> {
  parts?: Record<string, string>;
  query?: Record<string, string | number | undefined>;
  body?: B;
  form?: FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Whom to ask as, instead of the one who is logged in. */
  as?: Session | null;
}

export interface Envelope {
  success?: boolean;
  result?: unknown;
  result_info?: { total_count?: number; total?: number; cursor?: string | null };
  errors?: { code: number; message: string; detail?: string; fields?: FieldProblem[] }[];
}

/** A wrong field of a body by its path, and a sentence to show there. */
export interface FieldProblem {
  field: string;
  message: string;
}

/** An error of the server, or that it was not reached (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    readonly token: string,
    detail: string,
    readonly fields: readonly FieldProblem[] = [],
    /** Seconds, if the server said when to come again. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

export function urlOf(path: string, sent: Pick<Sent<unknown>, "parts" | "query" | "as">): string {
  const parts: Record<string, string> = { account: (sent.as ?? session())?.account ?? "", ...sent.parts };
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ""));
  const query = Object.entries(sent.query ?? {}).filter(([, value]) => value !== undefined && value !== "");
  const told = new URLSearchParams(query.map(([name, value]) => [name, String(value)]));
  return query.length ? `${filled}?${told}` : filled;
}

export function authorization(found: Session | null = session()): Record<string, string> {
  return found ? { Authorization: `Bearer ${found.token}` } : {};
}

/** Asks once more with the new token if somebody had to log in again meanwhile. */
export async function request<M extends Method, P extends Route<M>>(
  method: M,
  path: P,
  sent: Sent<BodyOf<P, M>> = {},
): Promise<Response> {
  for (;;) {
    if (sent.as === undefined && lostSession()) await sessionRestored(sent.signal);
    const caller = sent.as === undefined ? session() : sent.as;
    const answer = await ask(method, path, sent, caller);
    if (answer.ok) return answer;
    const refused = failure(answer.status, await answer.text(), answer.headers.get("retry-after"));
    if (answer.status !== 401 || sent.as !== undefined || !caller) throw refused;
    loseSession(caller.token);
    if (!(await sessionRestored(sent.signal))) throw refused;
  }
}

async function ask(method: Method, path: string, sent: Sent<unknown>, caller: Session | null): Promise<Response> {
  const headers: Record<string, string> = { ...authorization(caller), ...sent.headers };
  let body: BodyInit | undefined = sent.form;
  if (sent.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(sent.body);
  }
  try {
    const signal = sent.signal ?? null;
    return await fetch(urlOf(path, sent), { method: method.toUpperCase(), headers, body: body ?? null, signal });
  } catch (error) {
    if (sent.signal?.aborted) throw error;
    throw unreachable();
  }
}

export function unreachable(): ApiError {
  return new ApiError(0, 0, "unreachable", "The server does not answer. Check that it is running and that you are online.");
}

/** The whole envelope. */
export async function send<M extends Method, P extends Route<M>>(
  method: M,
  path: P,
  sent: Sent<BodyOf<P, M>> = {},
): Promise<Envelope> {
  return (await (await request(method, path, sent)).json()) as Envelope;
}

export function failure(status: number, text: string, retryAfter: string | null = null): ApiError {
  let first: NonNullable<Envelope["errors"]>[number] | undefined;
  try {
    first = (JSON.parse(text) as Envelope).errors?.[0];
  } catch {
    first = undefined;
  }
  const detail = first?.detail || sentence(first?.message) || `The server answered with status ${status}.`;
  const later = retryAfter && !/try again in/i.test(detail) ? ` Try again in ${retryAfter} s.` : "";
  const seconds = retryAfter && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  return new ApiError(status, first?.code ?? 0, first?.message ?? "", detail + later, first?.fields, seconds);
}

export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sentence(token: string | undefined): string {
  if (!token) return "";
  const words = token.replaceAll("_", " ");
  return `${words[0]?.toUpperCase() ?? ""}${words.slice(1)}.`;
}
