// Ten thousand items in one list: only the pages that are seen are fetched.
import { useCallback, useEffect, useRef, useState } from "react";
import { listItems } from "../../api/calls";
import type { Item } from "../../api/types";
import { useHere } from "../here";

export const PER_PAGE = 50;

export interface Found {
  total: number | undefined;
  at: (index: number) => Item | undefined;
  need: (first: number, last: number) => void;
  refresh: () => void;
  error: unknown;
}

/** The items by their position in the list; a page is fetched when its rows come into view. */
export function useItems(search: string, status: string, sort: string): Found {
  const { place } = useHere();
  const pages = useRef(new Map<number, Item[]>());
  const asked = useRef(new Map<number, AbortController>());
  const seen = useRef<[number, number]>([0, PER_PAGE - 1]);
  const era = useRef(0);
  const [state, setState] = useState<{ total?: number; error?: unknown; turn: number }>({ turn: 0 });

  const fetchPage = useCallback(
    async (page: number) => {
      const mine = era.current;
      const asking = new AbortController();
      asked.current.set(page, asking);
      try {
        const found = await listItems(place, { page, per_page: PER_PAGE, search, status, sort_by: sort }, asking.signal);
        if (mine !== era.current) return;
        pages.current.set(page, found.rows);
        setState((before) => ({ total: found.total, turn: before.turn + 1 }));
      } catch (error) {
        if (mine === era.current && !asking.signal.aborted) setState((before) => ({ ...before, error, turn: before.turn + 1 }));
      }
    },
    [place, search, status, sort],
  );
  /** Requests for rows that were scrolled past are cancelled. */
  const need = useCallback(
    (first: number, last: number) => {
      seen.current = [first, last];
      const [from, to] = [Math.floor(first / PER_PAGE) + 1, Math.floor(last / PER_PAGE) + 1];
      for (const [page, asking] of asked.current)
        if ((page < from || page > to) && !pages.current.has(page)) {
          asking.abort();
          asked.current.delete(page);
        }
      for (let page = from; page <= to; page++) if (!asked.current.has(page)) void fetchPage(page);
    },
    [fetchPage],
  );
  /** Rows stay in view until their new version has arrived. */
  const refresh = useCallback(() => {
    era.current++;
    asked.current.clear();
    need(...seen.current);
  }, [need]);
  useEffect(() => {
    era.current++;
    pages.current.clear();
    asked.current.clear();
    seen.current = [0, PER_PAGE - 1];
    setState({ turn: 0 });
    void fetchPage(1);
  }, [fetchPage]);

  const at = useCallback((index: number) => pages.current.get(Math.floor(index / PER_PAGE) + 1)?.[index % PER_PAGE], []);
  return { total: state.total, at, need, refresh, error: state.error };
}
