// "Why not …?": what became of an item in this very search.
import { Button } from "@cloudflare/kumo/components/button";
import { QuestionIcon } from "@phosphor-icons/react";
import { type FormEvent, useId, useState } from "react";
import { listItems, type Place, why } from "../../api/calls";
import type { Why as Told } from "../../api/types";
import { useLoad, useSettled } from "../../hooks";
import { Card } from "../card";
import { TextField } from "../fields";
import { Failed } from "../states";
import { Scores } from "./chunk";
import { type Plan, searchBody } from "./plan";
import { Marked } from "./text";

const VERDICTS: Record<string, string> = {
  not_indexed: "Not indexed",
  filtered_out: "Excluded by a filter",
  not_retrieved: "Not retrieved",
  below_threshold: "Below the match threshold",
  outside_window: "Not read by the reranker",
  below_reranking_threshold: "Below the reranking threshold",
  outranked: "Ranked below the results shown",
  returned: "Among the results",
};

export function Why({ place, plan }: { place: Place; plan: Plan }) {
  const id = useId();
  const [key, setKey] = useState("");
  const [told, setTold] = useState<Told>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const settled = useSettled(key, 200);
  const keys = useLoad(() => listItems(place, { page: 1, per_page: 20, search: settled }), [place, settled]);

  async function ask(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      setTold(await why(place, { ...searchBody(plan), item_key: key.trim() } as Parameters<typeof why>[1]));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Card title="Why not …?" about="Enter an item you expected to see, or one you did not.">
      <form onSubmit={ask} className="flex items-end gap-2">
        <div className="min-w-0 flex-1">
          <TextField label="Key of the item" value={key} onChange={setKey} placeholder="winter/oil.md" {...{ list: id }} />
          <datalist id={id}>
            {(keys.data?.rows ?? []).map((one) => (
              <option key={one.id} value={one.key} />
            ))}
          </datalist>
        </div>
        <Button type="submit" icon={<QuestionIcon />} loading={busy} disabled={busy || !key.trim() || !plan.query.trim()}>
          Ask
        </Button>
      </form>
      <div aria-live="polite">
        {error !== undefined && (
          <div className="mt-3">
            <Failed error={error} title="Could not check this item" />
          </div>
        )}
        {told && !error && (
          <div className="mt-4">
            <p className="font-semibold">{VERDICTS[told.verdict] ?? told.verdict}</p>
            <p className="text-[13px]">{told.item.key}: {told.reason}.</p>
            {told.ranks && <p className="mt-1 text-[13px] text-kumo-subtle">{Object.entries(told.ranks).map(([method, rank]) => `${method}: ${rank === null ? "not found" : `rank ${rank}`}`).join(", ")} over the whole index</p>}
            {told.chunk && (
              <div className="mt-3 rounded-lg bg-kumo-recessed p-3">
                <p className="mb-2 text-[13px] break-words whitespace-pre-wrap">
                  <Marked chunk={told.chunk} around={140} />
                </p>
                <Scores chunk={told.chunk} />
              </div>
            )}
          </div>
        )}
      </div>
    </Card>
  );
}
