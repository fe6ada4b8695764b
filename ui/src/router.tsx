// Routes by the History API: the path below /dashboard, its parts, and links that keep the page.
import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from "react";

export const BASE = "/dashboard";

const listeners = new Set<() => void>();
let guard: (() => boolean) | null = null;

addEventListener("popstate", tell);

function tell(): void {
  for (const listener of listeners) listener();
}

export function usePath(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => location.pathname.slice(BASE.length) || "/",
  );
}

/** Asks before the page is left while something is not saved. */
export function guardLeaving(ask: (() => boolean) | null): void {
  guard = ask;
}

export function go(path: string, replace = false): void {
  if (guard && !guard()) return;
  guard = null;
  history[replace ? "replaceState" : "pushState"](null, "", BASE + path);
  scrollTo(0, 0);
  tell();
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
