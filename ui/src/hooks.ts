// Loading, polling, and what is kept in this browser.
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { type Lost, lostSession, onSession, session } from "./session";

export interface Loaded<T> {
  data: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => Promise<void>;
  set: (data: T) => void;
}

/** Loads at once and when ``deps`` change; with ``every`` (milliseconds) again and again while the page is seen. */
export function useLoad<T>(load: () => Promise<T>, deps: readonly unknown[], every = 0): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown; loading: boolean }>({ loading: true });
  const turn = useRef(0);
  const loading = useRef(load);
  loading.current = load;

  const reload = useCallback(async () => {
    const mine = ++turn.current;
    try {
      const data = await loading.current();
      if (mine === turn.current) setState({ data, loading: false });
    } catch (error) {
      if (mine === turn.current) setState((before) => ({ ...before, error, loading: false }));
    }
  }, []);

  // biome-ignore lint: the caller names what the load depends on
  useEffect(() => {
    setState((before) => ({ ...before, error: undefined, loading: true }));
    void reload();
    return () => {
      turn.current++;
    };
  }, deps);

  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => !document.hidden && !lostSession() && void reload(), every);
    return () => clearInterval(timer);
  }, [every, reload]);

  const set = useCallback((data: T) => {
    turn.current++;
    setState({ data, loading: false });
  }, []);
  return { data: state.data, error: state.error, loading: state.loading, reload, set };
}

export function useSession() {
  return useSyncExternalStore(onSession, session);
}

export function useLost(): Lost | null {
  return useSyncExternalStore(onSession, lostSession);
}

/** A value that follows after it has been quiet for a while. */
export function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

/** For a list that scrolls sideways: what is chosen in it comes into sight. */
export function useChosenInSight(chosen: string) {
  const list = useRef<HTMLElement>(null);
  // biome-ignore lint: when another is chosen
  useEffect(() => {
    const found = list.current?.querySelector<HTMLElement>("[aria-current=page]");
    if (list.current && found) list.current.scrollLeft = found.offsetLeft - (list.current.clientWidth - found.offsetWidth) / 2;
  }, [chosen]);
  return list;
}

const WIDE = typeof matchMedia === "function" ? matchMedia("(min-width: 64rem)") : null;

/** Whether there is room for two columns. */
export function useWide(): boolean {
  return useSyncExternalStore(
    (changed) => {
      WIDE?.addEventListener("change", changed);
      return () => WIDE?.removeEventListener("change", changed);
    },
    () => WIDE?.matches ?? true,
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Secondlook` : "Secondlook";
  }, [title]);
}
