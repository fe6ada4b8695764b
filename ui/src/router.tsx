// Routes by the History API: the path below /dashboard, its parts, links that keep the page, and questions before a loss.
import { type AnchorHTMLAttributes, type MouseEvent, useEffect, useRef, useSyncExternalStore } from "react";

export const BASE = "/dashboard";

/** Why a page does not want to be left, and what becomes of what was typed. */
export interface Guard {
  title: string;
  text: string;
  /** Whether leaving keeps what was typed, so that "Leave" is offered beside "Discard". */
  keeps: boolean;
  discard: () => void;
  /** Paths that belong to the same page: going there needs no question. */
  inside?: (path: string) => boolean;
}

/** A navigation that waits for an answer. */
export interface Leaving {
  guard: Guard;
  proceed: () => void;
}

const listeners = new Set<() => void>();
const guards = new Set<Guard>();
const unloading = new Set<() => boolean>();

let shown = pathOf(location);
/** The number of the present entry of the history; popstate tells by it how far the browser went. */
let at = numberOf(history.state) ?? 0;
let leaving: Leaving | null = null;
let returning = false;
let passing = false;

history.replaceState({ ...history.state, at }, "");
addEventListener("popstate", (event) => arrive(event.state));
addEventListener("beforeunload", (event) => {
  if (hasUnsaved()) event.preventDefault();
});

function pathOf({ pathname }: { pathname: string }): string {
  return pathname.slice(BASE.length) || "/";
}

function numberOf(state: unknown): number | undefined {
  const found = (state as { at?: unknown } | null)?.at;
  return typeof found === "number" ? found : undefined;
}

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The browser moved by itself: unless a guard objects, follow it; else go back to where it was and ask. */
function arrive(state: unknown): void {
  if (returning) {
    returning = false;
    return;
  }
  const path = pathOf(location);
  const next = numberOf(state);
  const guard = passing ? null : guardAgainst(path);
  passing = false;
  const distance = (next ?? at - 1) - at;
  if (guard && distance) {
    returning = true;
    history.go(-distance);
    ask(guard, () => {
      passing = true;
      history.go(distance);
    });
    return;
  }
  at = next ?? at;
  shown = path;
  tell();
}

function guardAgainst(path: string): Guard | null {
  if (path === shown) return null;
  return [...guards].find((guard) => !guard.inside?.(path)) ?? null;
}

function ask(guard: Guard, proceed: () => void): void {
  leaving = { guard, proceed };
  tell();
}

/** Something typed or on its way would be lost if the page went. */
export function hasUnsaved(): boolean {
  return guards.size > 0 || [...unloading].some((busy) => busy());
}

/** Asks before the browser leaves or reloads while that is so. */
export function askBeforeUnload(busy: () => boolean): () => void {
  unloading.add(busy);
  return () => unloading.delete(busy);
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => shown);
}

/** The question that waits for an answer. */
export function useLeaving(): [Leaving | null, (answer: "stay" | "discard" | "leave") => void] {
  const found = useSyncExternalStore(subscribe, () => leaving);
  return [
    found,
    (answer) => {
      leaving = null;
      tell();
      if (!found || answer === "stay") return;
      if (answer === "discard") found.guard.discard();
      guards.delete(found.guard);
      found.proceed();
    },
  ];
}

/** Asks before this page is left, by links, Back, Forward or reload, while it is dirty. */
export function useGuard(dirty: boolean, guard: Guard): void {
  const latest = useRef(guard);
  latest.current = guard;
  useEffect(() => {
    if (!dirty) return;
    const mine: Guard = {
      get title() { return latest.current.title; },
      get text() { return latest.current.text; },
      get keeps() { return latest.current.keeps; },
      discard: () => latest.current.discard(),
      inside: (path) => latest.current.inside?.(path) ?? false,
    };
    guards.add(mine);
    return () => {
      guards.delete(mine);
    };
  }, [dirty]);
}

export function go(path: string, replace = false): void {
  const guard = guardAgainst(path.split("?")[0] ?? path);
  if (guard) ask(guard, () => move(path, replace));
  else move(path, replace);
}

/** Does something that ends the page, once its guards agree; at once if there are none. */
export function unlessUnsaved(proceed: () => void): void {
  const [guard] = guards;
  if (guard) ask(guard, proceed);
  else proceed();
}

function move(path: string, replace: boolean): void {
  if (!replace) at++;
  history[replace ? "replaceState" : "pushState"]({ at }, "", BASE + path);
  shown = pathOf(location);
  scrollTo(0, 0);
  tell();
}

/** The address without a reload and without a new entry of the history. */
export function setHash(hash: string): void {
  history.replaceState(history.state, "", location.pathname + location.search + hash);
}

/** The parts of a path that fits the pattern, such as "/instances/:namespace/:name"; null if it does not. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  if (wanted.length !== given.length) return null;
  const parts: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const here = given[at] ?? "";
    if (part.startsWith(":")) parts[part.slice(1)] = decodeURIComponent(here);
    else if (part !== here) return null;
  }
  return parts;
}

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
}

export function Link({ to, onClick, ...rest }: Props) {
  function follow(event: MouseEvent<HTMLAnchorElement>): void {
    onClick?.(event);
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(to);
  }
  return <a href={BASE + to} onClick={follow} {...rest} />;
}
