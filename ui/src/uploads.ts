// Files on their way, above all pages: one queue an instance, three files at a time, retried while that may help.
import { useSyncExternalStore } from "react";
import { type Place, uploadItem } from "./api/calls";
import { ApiError, told } from "./api/client";
import type { Metadata } from "./parts/metadata-form";
import { askBeforeUnload } from "./router";
import { loseSession, lostSession, onSession, session } from "./session";

export interface Picked {
  key: string;
  file: File;
  metadata?: Metadata;
}

export interface Upload {
  key: string;
  size: number;
  /** Null after a reload: a page cannot keep files. */
  file: File | null;
  metadata?: Metadata;
  state: "waiting" | "sending" | "stored" | "refused" | "failed";
  share: number;
  error?: string;
  attempts: number;
  /** Not sent before this time, in milliseconds since 1970. */
  due: number;
}

export interface Counts {
  total: number;
  waiting: number;
  stored: number;
  refused: number;
  failed: number;
  /** Failed ones that can be sent again: their files are still here. */
  retryable: number;
}

interface Queue {
  account: string;
  place: Place;
  rows: Map<string, Upload>;
}

const AT_ONCE = 3;
const ATTEMPTS = 8;
const SOON = 1000;
const LATE = 30_000;
/** What a server may ask to wait at most, in milliseconds. */
const LONGEST = 300_000;
/** Milliseconds between two drawings of what goes on. */
const DRAWN = 100;
const STORED = "secondlook.uploads";
const REMEMBERED = 500;
const RELOADED = "Not sent: the page was reloaded. Choose the file again.";
const CUT_OFF = "The page was reloaded during the upload. Choose the file again if it is not among the items.";

const queues = new Map<string, Queue>();
const listeners = new Set<() => void>();
let chosen = new Map<string, Picked>();
let sending = 0;
let resumes = 0;
let version = 0;
let drawing: ReturnType<typeof setTimeout> | undefined;
let waking: ReturnType<typeof setTimeout> | undefined;

recall();
askBeforeUnload(() => anyBusy());
onSession(() => {
  if (session()) return pump();
  queues.clear();
  chosen.clear();
  remember();
  draw();
});
addEventListener("online", () => {
  resumes = 0;
  for (const { rows } of queues.values()) for (const row of rows.values()) row.due = 0;
  pump();
});
addEventListener("pagehide", remember);

function nameOf(account: string, { namespace, name }: Place): string {
  return [account, namespace, name].map(encodeURIComponent).join("/");
}

function queueOf(place: Place): Queue | undefined {
  return queues.get(nameOf(session()?.account ?? "", place));
}

/** Sends files to the instance, however many pages are visited meanwhile. */
export function addUploads(place: Place, files: Iterable<Picked>): void {
  const account = session()?.account ?? "";
  const name = nameOf(account, place);
  const queue = queues.get(name) ?? { account, place, rows: new Map<string, Upload>() };
  queues.set(name, queue);
  for (const { key, file, metadata } of files) {
    if (queue.rows.get(key)?.state === "sending") continue;
    queue.rows.delete(key); // a file that is chosen again goes to the end
    queue.rows.set(key, { key, file, ...(metadata && { metadata }), size: file.size, state: "waiting", share: 0, attempts: 0, due: 0 });
  }
  pump();
  draw();
}

/** Sends again what failed. */
export function retryUploads(place: Place, key?: string): void {
  for (const row of queueOf(place)?.rows.values() ?? [])
    if (row.state === "failed" && row.file && (key === undefined || row.key === key)) {
      delete row.error;
      Object.assign(row, { state: "waiting", attempts: 0, due: 0, share: 0 });
    }
  pump();
  draw();
}

/** Forgets what has an end; what is on its way goes on. */
export function dismissUploads(place: Place): void {
  const queue = queueOf(place);
  if (!queue) return;
  for (const [key, row] of queue.rows) if (row.state !== "waiting" && row.state !== "sending") queue.rows.delete(key);
  if (!queue.rows.size) queues.delete(nameOf(queue.account, place));
  draw();
}

export function countUploads(rows: Iterable<Upload>): Counts {
  const counts = { total: 0, waiting: 0, stored: 0, refused: 0, failed: 0, retryable: 0 };
  for (const row of rows) {
    counts.total++;
    if (row.state === "waiting" || row.state === "sending") counts.waiting++;
    else counts[row.state]++;
    if (row.state === "failed" && row.file) counts.retryable++;
  }
  return counts;
}

/** The files of one instance, in the order in which they were chosen. */
export function useUploads(place: Place): { rows: Upload[]; counts: Counts } {
  useSyncExternalStore(subscribe, () => version);
  const rows = [...(queueOf(place)?.rows.values() ?? [])];
  return { rows, counts: countUploads(rows) };
}

/** Every instance of this account to which files are sent, or were and nobody has dismissed it. */
export function useAllUploads(): { place: Place; counts: Counts }[] {
  useSyncExternalStore(subscribe, () => version);
  const account = session()?.account;
  return [...queues.values()].filter((one) => one.account === account).map(({ place, rows }) => ({ place, counts: countUploads(rows.values()) }));
}

/** Files that are chosen for an instance that does not exist yet. */
export function useChosen(): Picked[] {
  useSyncExternalStore(subscribe, () => version);
  return [...chosen.values()];
}

export function choose(files: Iterable<Picked>): void {
  for (const one of files) chosen.set(one.key, one);
  draw();
}

export function takeChosen(): Picked[] {
  const found = [...chosen.values()];
  chosen = new Map();
  draw();
  return found;
}

function anyBusy(): boolean {
  return [...queues.values()].some(({ rows }) => countUploads(rows.values()).waiting > 0);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function draw(): void {
  drawing ??= setTimeout(() => {
    drawing = undefined;
    version++;
    remember();
    for (const listener of listeners) listener();
  }, DRAWN);
}

/** Sends what is due, the oldest first, and comes back when the next one is. */
function pump(): void {
  clearTimeout(waking);
  const account = session()?.account;
  if (!account || lostSession()) return;
  const now = Date.now();
  let next = Infinity;
  for (const queue of queues.values()) {
    if (queue.account !== account) continue;
    for (const row of queue.rows.values()) {
      if (row.state !== "waiting" || !row.file) continue;
      const due = Math.max(row.due, resumes);
      if (due > now) next = Math.min(next, due);
      else if (sending < AT_ONCE) void send(queue.place, row, row.file);
      else return;
    }
  }
  if (next < Infinity) waking = setTimeout(pump, Math.max(0, next - now));
}

async function send(place: Place, row: Upload, file: File): Promise<void> {
  sending++;
  Object.assign(row, { state: "sending", share: 0, attempts: row.attempts + 1 });
  const token = session()?.token ?? "";
  draw();
  try {
    await uploadItem(place, file, row.key, row.metadata, (share) => {
      row.share = share;
      draw();
    });
    delete row.error;
    Object.assign(row, { state: "stored", share: 1, file: null }); // the file need not be kept in memory
  } catch (error) {
    await settle(row, file, error, token);
  } finally {
    sending--;
    draw();
    pump();
  }
}

/** What becomes of a file that was not taken: sent again later, failed, or refused for good. */
async function settle(row: Upload, file: File, error: unknown, token: string): Promise<void> {
  const status = error instanceof ApiError ? error.status : -1;
  row.error = told(error);
  if (status === 401) {
    Object.assign(row, { state: "waiting", attempts: row.attempts - 1 });
    return loseSession(token);
  }
  if (status === 0 && !(await isReadable(file))) {
    row.error = "The file was changed, moved or deleted after you chose it. Choose it again.";
    Object.assign(row, { state: "failed", file: null });
    return;
  }
  if (!mayPass(status)) {
    row.state = "refused";
    return;
  }
  if (row.attempts >= ATTEMPTS) {
    row.state = "failed";
    return;
  }
  const asked = error instanceof ApiError ? error.retryAfter : null;
  const wait = asked === null ? Math.min(LATE, SOON * 2 ** (row.attempts - 1)) * (0.75 + Math.random() / 2) : Math.min(LONGEST, 1000 * asked);
  Object.assign(row, { state: "waiting", due: Date.now() + wait });
  if (status === 0 || status === 429 || status === 503) resumes = Math.max(resumes, row.due); // true of every file
}

function mayPass(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

type Kept = { account: string; place: Place; stored: number; rows: Pick<Upload, "key" | "size" | "state" | "error">[] };

/** The summaries outlive a reload; files do not. */
function remember(): void {
  const kept: Kept[] = [...queues.values()].map(({ account, place, rows }) => ({
    account,
    place,
    stored: countUploads(rows.values()).stored,
    rows: [...rows.values()].filter((row) => row.state !== "stored").slice(0, REMEMBERED).map(({ key, size, state, error }) => ({ key, size, state, ...(error && { error }) })),
  }));
  try {
    if (kept.length) sessionStorage.setItem(STORED, JSON.stringify(kept));
    else sessionStorage.removeItem(STORED);
  } catch {
    // the storage is full or switched off: the page shows it as long as it is open
  }
}

function recall(): void {
  try {
    for (const { account, place, stored, rows } of JSON.parse(sessionStorage.getItem(STORED) ?? "[]") as Kept[]) {
      const found = new Map<string, Upload>();
      const past = { file: null, share: 0, attempts: 0, due: 0 };
      for (let at = 0; at < stored; at++) found.set(`\u0000${at}`, { ...past, key: "", size: 0, state: "stored" });
      for (const row of rows) {
        const sent = row.state === "waiting" || row.state === "sending";
        found.set(row.key, { ...past, ...row, ...(sent && { state: "failed", error: row.state === "sending" ? CUT_OFF : RELOADED }) });
      }
      queues.set(nameOf(account, place), { account, place, rows: found });
    }
  } catch {
    sessionStorage.removeItem(STORED);
  }
}
