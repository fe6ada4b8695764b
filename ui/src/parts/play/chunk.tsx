// One chunk in full: its text, the sentence that counted, every score, and its place in the document.
import { Button } from "@cloudflare/kumo/components/button";
import { ArticleIcon } from "@phosphor-icons/react";
import { type ReactNode, useEffect, useState } from "react";
import { listItems, type Place } from "../../api/calls";
import type { Chunk } from "../../api/types";
import { score } from "../../words";
import { Facts } from "../card";
import { Panel } from "../confirm";
import { ChunksPanel } from "../item-panels";
import { complain } from "../states";
import { Moved } from "./compare";
import { Marked } from "./text";

export function Scores({ chunk }: { chunk: Chunk }) {
  const told = chunk.scoring_details ?? {};
  const rows: [string, number | undefined, number | undefined][] = [
    ["vector", told.vector_score, told.vector_rank],
    ["keyword", told.keyword_score, told.keyword_rank],
    ["retrieval", told.retrieval_score, told.retrieval_rank],
    ["reranking", told.reranking_score, undefined],
    ["sentence", chunk.explain?.sentence?.score, undefined],
  ];
  return (
    <ul className="flex flex-wrap gap-1.5 text-xs">
      {rows
        .filter(([, value]) => value !== undefined)
        .map(([name, value, rank]) => (
          <li key={name} className={`rounded-full px-2 py-0.5 tabular-nums ${name === "reranking" ? "bg-[var(--accent-soft)]" : "bg-kumo-recessed"}`}>
            {name} <strong className="font-semibold">{score(value)}</strong>
            {rank !== undefined && ` · rank ${rank}`}
          </li>
        ))}
      {told.echo_discount !== undefined && (
        <li className="rounded-full bg-kumo-recessed px-2 py-0.5 tabular-nums">
          repeats the query <strong className="font-semibold">−{Math.round(100 * told.echo_discount)} %</strong>
        </li>
      )}
    </ul>
  );
}

export function ResultCard({ chunk, rank, place, thumbs }: { chunk: Chunk; rank: number; place: Place; thumbs?: ReactNode }) {
  const [whole, setWhole] = useState(false);
  const before = chunk.scoring_details?.retrieval_rank;
  return (
    <li className="rounded-xl border border-kumo-hairline bg-kumo-base px-4 py-3 shadow-xs">
      <div className="flex items-baseline gap-2.5">
        <span className="text-[15px] font-semibold tabular-nums">{rank}</span>
        <span className="min-w-0 flex-1 truncate font-medium">{chunk.item.key}</span>
        {before !== undefined && chunk.scoring_details?.reranking_score !== undefined && <Moved from={before} to={rank} />}
        <span className="mono text-[13px] tabular-nums">{score(chunk.score)}</span>
      </div>
      <p className="mt-1.5 text-[13px] leading-relaxed break-words whitespace-pre-wrap">{whole ? <Marked chunk={chunk} /> : <Marked chunk={chunk} around={150} />}</p>
      <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-2">
        <Scores chunk={chunk} />
        <span className="ml-auto flex gap-1">
          {thumbs}
          <Button size="sm" variant="ghost" aria-expanded={whole} onClick={() => setWhole(!whole)}>
            {whole ? "Less" : "Whole chunk"}
          </Button>
          <InDocument chunk={chunk} place={place} />
        </span>
      </div>
    </li>
  );
}

function InDocument({ chunk, place }: { chunk: Chunk; place: Place }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="sm" variant="ghost" aria-haspopup="dialog" icon={<ArticleIcon />} onClick={() => setOpen(true)}>
        In the document
      </Button>
      {open && <InDocumentPanel chunk={chunk} place={place} onClose={() => setOpen(false)} />}
    </>
  );
}

/** The whole document, scrolled to the chunk. */
export function InDocumentPanel({ chunk, place, onClose }: { chunk: Chunk; place: Place; onClose: () => void }) {
  const [item, setItem] = useState<{ id: string; key: string } | null>(null);
  // biome-ignore lint: once for each chunk
  useEffect(() => {
    let gone = false;
    listItems(place, { page: 1, per_page: 1, key: chunk.item.key })
      .then(({ rows }) => {
        if (gone) return;
        if (!rows[0]) throw new Error(`${chunk.item.key} no longer exists.`);
        setItem(rows[0]);
      })
      .catch((error) => {
        complain(error);
        onClose();
      });
    return () => {
      gone = true;
    };
  }, [chunk.id]);
  return item && <ChunksPanel place={place} item={item} at={chunk.id} onClose={onClose} />;
}

export function ChunkPanel({ chunk, place, onClose }: { chunk: Chunk; place: Place; onClose: () => void }) {
  const stages = chunk.explain?.stages ?? [];
  const metadata = Object.entries(chunk.item.metadata ?? {});
  return (
    <Panel open onClose={onClose} title={chunk.item.key} about={`Score ${score(chunk.score)}`}>
      <Scores chunk={chunk} />
      <p className="mt-4 leading-relaxed break-words whitespace-pre-wrap">
        <Marked chunk={chunk} />
      </p>
      {stages.length > 0 && (
        <table className="mt-5 w-full max-w-md text-[13px]">
          <caption className="pb-1 text-left font-semibold">Through the stages</caption>
          <thead className="text-left text-kumo-subtle">
            <tr>
              <th className="font-medium">Stage</th>
              <th className="text-right font-medium">Rank</th>
              <th className="text-right font-medium">Score</th>
            </tr>
          </thead>
          <tbody>
            {stages.map((one, at) => (
              <tr key={at} className="border-t border-kumo-hairline tabular-nums">
                <td className="py-1">{one.stage}</td>
                <td className="py-1 text-right">{one.rank}</td>
                <td className="py-1 text-right">{score(one.score)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {metadata.length > 0 && (
        <div className="mt-5 text-[13px]">
          <h3 className="mb-1 font-semibold">Metadata</h3>
          <Facts rows={metadata.map(([name, value]) => [name, String(value)])} />
        </div>
      )}
      <div className="mt-4">
        <InDocument chunk={chunk} place={place} />
      </div>
    </Panel>
  );
}
