// Who is logged in: the token and the account, shared by the tabs of a browser session, kept in each tab's own storage.
import { hasUnsaved } from "./router";
import { type Stored, withoutSecrets, withStored } from "./secrets";

export interface Session {
  token: string;
  account: string;
}

/** Why requests are refused until somebody logs in again. */
export type Lost = "refused" | "elsewhere";

/** What tabs tell each other. A session that is handed over is stored in the tab that asked, and nowhere else. */
type Message = { kind: "ask" } | { kind: "session"; session: Session } | { kind: "out" };

const KEY = "secondlook.session";
const ACCOUNT = "secondlook.account";
const DRAFTS = "secondlook.draft.";
const SIGN_IN = "#sign-in=";
export const FIRST_ACCOUNT = "default";
/** Milliseconds in which another tab may answer; a tab that is asleep does not. */
const PATIENCE = 400;

let current: Session | null = read(sessionStorage) ?? read(localStorage);
let lost: Lost | null = null;
let problem = "";
const listeners = new Set<() => void>();
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("secondlook.session") : null;
channel?.addEventListener("message", (event: MessageEvent<Message>) => hear(event.data));

export function session(): Session | null {
  return current;
}

/** Why the session does not work any more; null while it does. */
export function lostSession(): Lost | null {
  return lost;
}

/** Why a sign-in link did not work. */
export function signInProblem(): string {
  return problem;
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Takes the code out of the address, else asks the other tabs: before anything is shown. */
export async function beginSession(exchange: (code: string) => Promise<Session>): Promise<void> {
  addEventListener("hashchange", () => void signIn(exchange));
  await signIn(exchange);
  if (!current && !problem) await askOtherTabs();
}

async function signIn(exchange: (code: string) => Promise<Session>): Promise<void> {
  if (!location.hash.startsWith(SIGN_IN)) return;
  const code = location.hash.slice(SIGN_IN.length);
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    logIn(await exchange(code), false);
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
    if (current && !lost) problem = ""; // a link of yesterday, in a browser that is logged in
    change();
  }
}

export function logIn(next: Session, remember: boolean): void {
  (remember ? localStorage : sessionStorage).setItem(KEY, JSON.stringify(next));
  localStorage.setItem(ACCOUNT, next.account);
  if (current && current.account !== next.account) forgetDrafts();
  adopt(next);
  post({ kind: "session", session: next });
}

/** Logs in again in the same way as before. */
export function logInAgain(token: string): void {
  if (current) logIn({ token, account: current.account }, read(localStorage) !== null);
}

export function logOut(): void {
  post({ kind: "out" });
  end();
}

/** The server refused this token: the page stays, and nothing is sent until another tab or a person has a new one. */
export function loseSession(token: string): void {
  if (!current || current.token !== token || lost) return;
  lost = "refused";
  void askOtherTabs().then(change);
}

/** Whether the session works again: at once if it does, else when somebody has logged in, or out (false). */
export function sessionRestored(signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const stop = onSession(check);
    signal?.addEventListener("abort", () => {
      stop();
      reject(signal.reason);
    });
    function check(): void {
      if (lost) return;
      stop();
      resolve(current !== null);
    }
    check();
  });
}

export function lastAccount(): string {
  return localStorage.getItem(ACCOUNT) ?? FIRST_ACCOUNT;
}

/** What was typed and is not saved, for as long as the tab is open and this account is logged in; without secrets. */
export function readDraft<T>(name: string, stored?: Stored): T | null {
  try {
    return withStored<T | null>(sessionStorage.getItem(draftKey(name)) ?? "null", stored);
  } catch {
    return null;
  }
}

export function keepDraft(name: string, value: unknown, stored?: Stored): void {
  try {
    sessionStorage.setItem(draftKey(name), withoutSecrets(value, stored));
  } catch {
    // the storage is full or switched off: what is typed stays on the page
  }
}

export function forgetDraft(name: string): void {
  sessionStorage.removeItem(draftKey(name));
}

function draftKey(name: string): string {
  return `${DRAFTS}${current?.account ?? ""}.${name}`;
}

function forgetDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFTS)) sessionStorage.removeItem(key);
}

function adopt(next: Session): void {
  current = next;
  lost = null;
  problem = "";
  change();
}

function end(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
  forgetDrafts();
  current = null;
  lost = null;
  change();
}

function change(): void {
  for (const listener of [...listeners]) listener();
}

function post(message: Message): void {
  channel?.postMessage(message);
}

function askOtherTabs(): Promise<void> {
  if (!channel) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = onSession(done);
    const timer = setTimeout(done, PATIENCE);
    function done(): void {
      clearTimeout(timer);
      stop();
      resolve();
    }
    post({ kind: "ask" });
  });
}

function hear(message: Message): void {
  if (message.kind === "ask") {
    if (current && !lost) post({ kind: "session", session: current });
  } else if (message.kind === "session") {
    const next = sound(message.session);
    if (!next || (current && (!lost || current.account !== next.account || current.token === next.token))) return;
    sessionStorage.setItem(KEY, JSON.stringify(next));
    adopt(next);
  } else if (message.kind === "out" && current) {
    sessionStorage.removeItem(KEY);
    if (!hasUnsaved()) return end();
    lost = "elsewhere";
    change();
  }
}

function sound(found: Partial<Session> | null | undefined): Session | null {
  return typeof found?.token === "string" && found.token && typeof found.account === "string" && found.account
    ? { token: found.token, account: found.account }
    : null;
}

function read(storage: Storage): Session | null {
  try {
    return sound(JSON.parse(storage.getItem(KEY) ?? "null") as Partial<Session> | null);
  } catch {
    return null;
  }
}
