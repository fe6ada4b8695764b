// A sync as it goes on, over as many connections as it takes.
import { useEffect, useState } from "react";
import { jobEvents, type Place } from "./calls";
import { ApiError, type Envelope, failure } from "./client";
import { readEvents } from "./stream";
import type { Job, JobLine } from "./types";

const SOON = 1000;
const LATE = 15000;
/** Statuses of the 400s that pass by themselves. */
const PASSING = [408, 429];
/** Milliseconds in which what comes is shown at once: a long log comes all at once. */
const TOGETHER = 100;

export interface Followed {
  job: Job | undefined;
  lines: JobLine[];
  /** Items of the instance by status. */
  items: Record<string, number>;
  error: unknown;
  /** Whether the connection broke, and is tried again. */
  broken: boolean;
}

const NOTHING: Followed = { job: undefined, lines: [], items: {}, error: undefined, broken: false };

/** What is known of the job; `ended` is called when it ends while it is followed; another `attempt` begins anew. */
export function useJob(place: Place, id: string, ended: () => void, attempt = 0): Followed {
  const [state, setState] = useState(NOTHING);
  // biome-ignore lint: a job is followed once
  useEffect(() => {
    const controller = new AbortController();
    const lines: JobLine[] = [];
    let seen = NOTHING;
    let ran = false;
    let heard = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (change: Partial<Followed>) => {
      seen = { ...seen, ...change };
      timer ??= setTimeout(() => {
        timer = undefined;
        setState({ ...seen, lines: [...lines] });
      }, TOGETHER);
    };

    async function listen(): Promise<boolean> {
      const after = lines.at(-1)?.id ?? 0;
      for await (const event of readEvents(await jobEvents(place, id, after, controller.signal))) {
        const data = JSON.parse(event.data);
        heard++;
        if (event.kind === "log") {
          lines.push(data as JobLine);
          show({ broken: false });
        } else if (event.kind === "job") {
          ran ||= !data.job.ended_at;
          show({ job: data.job as Job, items: data.items, broken: false });
        } else if (event.kind === "error") throw failure(404, JSON.stringify(data as Envelope));
        else if (event.kind === "end") {
          show({ job: data as Job, broken: false });
          if (ran) ended();
          return true;
        }
      }
      return false;
    }

    async function keepOn(): Promise<void> {
      let wait = SOON;
      while (!controller.signal.aborted) {
        const before = heard;
        try {
          if (await listen()) return;
        } catch (error) {
          if (controller.signal.aborted) return;
          if (error instanceof ApiError && error.status >= 400 && error.status < 500 && !PASSING.includes(error.status)) return show({ error });
        }
        show({ broken: true });
        wait = heard > before ? SOON : Math.min(LATE, 2 * wait);
        await new Promise((go) => setTimeout(go, wait));
      }
    }

    setState(NOTHING);
    void keepOn();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [place.namespace, place.name, id, attempt]);
  return state;
}
