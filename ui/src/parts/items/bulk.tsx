// What can be done with many items at once.
import { Button } from "@cloudflare/kumo/components/button";
import { ArrowsClockwiseIcon, TrashIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { bulkItems } from "../../api/admin";
import { listItems, type Place } from "../../api/calls";
import { count, plural } from "../../words";
import { Confirm } from "../confirm";
import { complain, say, warn } from "../states";
import { PER_PAGE } from "./use-items";

const AT_ONCE = { delete: 100, sync: 25 };

interface Props {
  place: Place;
  chosen: ReadonlySet<string>;
  setChosen: (ids: ReadonlySet<string>) => void;
  /** How many items match the filter, and the filter. */
  total: number;
  filter: { search: string; status: string };
  external: boolean;
  done: () => void;
}

export function BulkBar({ place, chosen, setChosen, total, filter, external, done }: Props) {
  const [busy, setBusy] = useState("");
  const [asking, setAsking] = useState(false);

  async function all(): Promise<void> {
    setBusy("Selecting …");
    try {
      setChosen(new Set(await idsOf(place, filter)));
    } catch (error) {
      complain(error);
    } finally {
      setBusy("");
    }
  }
  async function run(action: "delete" | "sync"): Promise<void> {
    const ids = [...chosen];
    const word = action === "delete" ? "Deleting" : "Queuing";
    let failed: string[] = [];
    try {
      for (let at = 0; at < ids.length; at += AT_ONCE[action]) {
        setBusy(`${word} ${count(at)} of ${count(ids.length)} …`);
        const result = await bulkItems(place, action, ids.slice(at, at + AT_ONCE[action]));
        failed = [...failed, ...result.failed.map((one) => one.message)];
      }
      const good = ids.length - failed.length;
      if (good) say(action === "delete" ? `Deleted ${plural(good, "item")}` : `${plural(good, "item")} will be indexed again`);
      if (failed[0]) warn(`${plural(failed.length, "item")} failed`, failed[0]);
      setChosen(new Set());
    } finally {
      setBusy("");
      done();
    }
  }

  return (
    <div className="mb-2 flex min-h-11 flex-wrap items-center gap-2 rounded-lg bg-kumo-recessed px-3 py-1.5" role="group" aria-label="Selected items">
      <span role="status" className="mr-1">
        {busy || `${plural(chosen.size, "item")} selected`}
      </span>
      {!busy && chosen.size < total && (
        <button type="button" className="min-h-8 cursor-pointer text-kumo-link underline" onClick={all}>
          Select all {count(total)}
        </button>
      )}
      <button type="button" className="min-h-8 cursor-pointer text-kumo-link underline" disabled={!!busy} onClick={() => setChosen(new Set())}>
        Clear
      </button>
      <span className="ml-auto flex gap-2">
        <Button size="sm" icon={<ArrowsClockwiseIcon />} disabled={!!busy} onClick={() => void run("sync").catch(complain)}>
          Re-index
        </Button>
        <Button size="sm" aria-haspopup="dialog" icon={<TrashIcon />} disabled={!!busy} onClick={() => setAsking(true)}>
          Delete
        </Button>
      </span>
      <Confirm open={asking} onClose={() => setAsking(false)} title={`Delete ${plural(chosen.size, "item")}?`} action="Delete" run={() => run("delete")}>
        Their files and chunks are removed, and searches no longer find them. {external && "The next sync adds those again that are still in the source."}
      </Confirm>
    </div>
  );
}

/** The ids of every item that matches. */
async function idsOf(place: Place, filter: Props["filter"]): Promise<string[]> {
  const ids: string[] = [];
  for (let page = 1; ; page++) {
    const found = await listItems(place, { page, per_page: PER_PAGE, sort_by: "modified_at", ...filter });
    ids.push(...found.rows.map((one) => one.id));
    if (found.rows.length < PER_PAGE) return ids;
  }
}
