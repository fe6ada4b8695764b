// Who is logged in: the token and the account, for this tab, or for this browser if asked to remember.

export interface Session {
  token: string;
  account: string;
}

const KEY = "secondlook.session";
const ACCOUNT = "secondlook.account";
export const FIRST_ACCOUNT = "default";

let current: Session | null = read(sessionStorage) ?? read(localStorage);
const listeners = new Set<() => void>();

export function session(): Session | null {
  return current;
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function logIn(next: Session, remember: boolean): void {
  (remember ? localStorage : sessionStorage).setItem(KEY, JSON.stringify(next));
  localStorage.setItem(ACCOUNT, next.account);
  change(next);
}

/** Does something as if logged in so, and leaves everything as it was: a wrong token logs nobody out. */
export async function tryOn<T>(next: Session, work: () => Promise<T>): Promise<T> {
  current = next;
  const running = work();
  current = null;
  return await running;
}

export function logOut(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
  change(null);
}

export function lastAccount(): string {
  return localStorage.getItem(ACCOUNT) ?? FIRST_ACCOUNT;
}

function change(next: Session | null): void {
  current = next;
  for (const listener of listeners) listener();
}

function read(storage: Storage): Session | null {
  try {
    const found = JSON.parse(storage.getItem(KEY) ?? "null") as Partial<Session> | null;
    return found?.token && found.account ? { token: found.token, account: found.account } : null;
  } catch {
    return null;
  }
}
