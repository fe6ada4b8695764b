// Whether a result is a good one for the query: kept beside the query log, where the Lab learns from it.
import { Button } from "@cloudflare/kumo/components/button";
import { ThumbsDownIcon, ThumbsUpIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { giveFeedback, type Place } from "../../api/calls";
import type { FeedbackKind } from "../../api/types";
import { complain } from "../states";

const THUMBS = [
  ["thumbs_up", "A good result", ThumbsUpIcon],
  ["thumbs_down", "A bad result", ThumbsDownIcon],
] as const;

export function Thumbs({ place, query, chunk, position }: { place: Place; query: string; chunk: string; position: number }) {
  const [given, setGiven] = useState<FeedbackKind | null>(null);
  async function give(kind: FeedbackKind): Promise<void> {
    const before = given;
    setGiven(kind);
    try {
      await giveFeedback(place, { kind, query, chunk_id: chunk, position });
    } catch (error) {
      setGiven(before);
      complain(error);
    }
  }
  return THUMBS.map(([kind, label, Icon]) => (
    <Button key={kind} size="sm" shape="square" variant="ghost" aria-label={label} title={label} aria-pressed={given === kind} disabled={given === kind} icon={<Icon weight={given === kind ? "fill" : "regular"} />} onClick={() => give(kind)} />
  ));
}
