// What is typed and must not stay in the browser: values of headers, keys, passwords, logins in addresses.
import type { SourceParams } from "./api/types";

type Headers = Record<string, string | null>;
/** What secrets are compared with: settings as the server has them. */
export interface Stored {
  source_params: SourceParams | null;
}

const HEADERS = "include_headers";
const SECRET = /(^|_)(password|passphrase|secret|secret_key|access_key|api_key|cf_api_key|token|authorization)$/i;
const LOGIN = /([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/gi;

/** As JSON without secrets. A header keeps its name: null says that its value is the stored one, "" that it is missing. */
export function withoutSecrets(value: unknown, stored?: Stored): string {
  const known = headersOf(stored?.source_params ?? null);
  return JSON.stringify(value, (key, one: unknown) => {
    if (key === HEADERS && isRecord(one)) return Object.fromEntries(Object.entries(one).map(([name, text]) => [name, text === known[name] ? null : ""]));
    if (typeof one !== "string") return one;
    return SECRET.test(key) ? "" : one.replace(LOGIN, "$1");
  });
}

/** What ``withoutSecrets`` wrote, with the values of headers that are stored. */
export function withStored<T>(json: string, stored?: Stored): T {
  const known = headersOf(stored?.source_params ?? null);
  return JSON.parse(json, (key, one: unknown) =>
    key === HEADERS && isRecord(one) ? Object.fromEntries(Object.entries(one as Headers).map(([name, text]) => [name, text ?? known[name] ?? ""])) : one,
  ) as T;
}

/** The names of headers without a value. */
export function headersLacking(params: SourceParams | null): string[] {
  return Object.entries(headersOf(params)).flatMap(([name, text]) => (text ? [] : [name]));
}

/** What to do about them, as a sentence; empty when nothing is missing. */
export function lackingWords(params: SourceParams | null): string {
  const names = headersLacking(params);
  return names.length ? `Enter the value of the ${names.length === 1 ? "header" : "headers"} ${names.join(", ")}, or remove the line.` : "";
}

function headersOf(params: SourceParams | null): Record<string, string> {
  return params?.web_crawler?.parse_options?.include_headers ?? {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
