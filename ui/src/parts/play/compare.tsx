// Two columns, retrieved and reranked, with a line from where each chunk stood to where it stands now.
import { ArrowDownIcon, ArrowUpIcon } from "@phosphor-icons/react";
import { useState } from "react";
import type { Chunk } from "../../api/types";
import { score } from "../../words";
import type { Drop, Ranked } from "./plan";
import { cut } from "./text";

const ROW = 58;
const GAP = 6;
const STEP = ROW + GAP;
const FIRST = 12;
const WORDS: Record<Drop, string> = { "": "", threshold: "below the match threshold", relevance: "below the reranking threshold", limit: "beyond max results" };

interface Props {
  ranked: Ranked[];
  reranked: boolean;
  open: (chunk: Chunk) => void;
}

export function Compare({ ranked, reranked, open }: Props) {
  const [all, setAll] = useState(false);
  const [over, setOver] = useState("");
  const before = [...ranked].sort((one, other) => rankBefore(one.chunk) - rankBefore(other.chunk));
  const kept = ranked.filter((one) => !one.drop).length;
  const shown = all ? ranked.length : Math.min(ranked.length, Math.max(FIRST, kept));
  const left = before.slice(0, shown);
  const right = [...ranked.filter((one) => !one.drop), ...ranked.filter((one) => one.drop)].slice(0, shown);
  const height = shown * STEP;
  const more = ranked.length > shown && (
    <button type="button" className="mt-3 cursor-pointer text-kumo-link underline" onClick={() => setAll(true)}>
      Show all {ranked.length} candidates
    </button>
  );

  if (!reranked)
    return (
      <div>
        <Title>Retrieved</Title>
        <ol>
          {right.map((one) => (
            <Row key={one.chunk.id} ranked={one} rank={one.rank} value={one.chunk.score} open={open} />
          ))}
        </ol>
        {more}
      </div>
    );
  return (
    <div>
      <div className="grid grid-cols-1 md:grid-cols-[minmax(0,1fr)_4rem_minmax(0,1fr)]">
        <div className="hidden min-w-0 md:block">
          <Title>Retrieved</Title>
          <ol aria-label="Retrieval order">
            {left.map((one, at) => (
              <Row key={one.chunk.id} ranked={one} rank={at + 1} value={one.chunk.scoring_details?.retrieval_score} open={open} over={over} setOver={setOver} />
            ))}
          </ol>
        </div>
        <svg className="mt-8 hidden w-full md:block" viewBox={`0 0 72 ${height}`} preserveAspectRatio="none" style={{ height }} aria-hidden data-lines={left.length}>
          {left.map((one, at) => {
            const to = right.findIndex((other) => other.chunk.id === one.chunk.id);
            if (to < 0) return null;
            const [from, until] = [at * STEP + ROW / 2, to * STEP + ROW / 2];
            const color = one.drop ? "var(--color-kumo-line)" : to < at ? "var(--up)" : to > at ? "var(--down)" : "var(--text-color-kumo-subtle)";
            const lit = over === one.chunk.id;
            return <path key={one.chunk.id} d={`M0 ${from}C36 ${from} 36 ${until} 72 ${until}`} fill="none" style={{ stroke: color, strokeWidth: lit ? 3.5 : 1.8, opacity: over && !lit ? 0.2 : one.drop ? 0.7 : 0.9 }} vectorEffect="non-scaling-stroke" />;
          })}
        </svg>
        <div className="min-w-0">
          <Title>Reranked</Title>
          <ol aria-label="Reranked order">
            {right.map((one) => (
              <Row key={one.chunk.id} ranked={one} rank={one.rank} value={one.chunk.scoring_details?.reranking_score} moved={before.indexOf(one) + 1} open={open} over={over} setOver={setOver} />
            ))}
          </ol>
        </div>
      </div>
      {more}
    </div>
  );
}

function rankBefore(chunk: Chunk): number {
  return chunk.scoring_details?.retrieval_rank ?? Number.MAX_SAFE_INTEGER;
}

function Title({ children }: { children: string }) {
  return <h3 className="mb-2 h-6 text-[13px] font-semibold tracking-wide text-kumo-subtle uppercase">{children}</h3>;
}

function Row({ ranked, rank, value, moved, open, over, setOver }: {
  ranked: Ranked;
  rank: number;
  value: number | undefined;
  moved?: number;
  open: (chunk: Chunk) => void;
  over?: string;
  setOver?: (id: string) => void;
}) {
  const { chunk, drop } = ranked;
  const gone = drop !== "";
  const title = chunk.explain?.sentence?.text ?? firstWords(chunk.text ?? "");
  return (
    <li style={{ height: ROW, marginBottom: GAP }} onMouseEnter={() => setOver?.(chunk.id)} onMouseLeave={() => setOver?.("")}>
      <button
        type="button"
        onClick={() => open(chunk)}
        onFocus={() => setOver?.(chunk.id)}
        data-dropped={drop || undefined}
        className={`flex h-full w-full cursor-pointer items-center gap-3 rounded-lg border px-3 text-left hover:bg-kumo-tint ${over === chunk.id ? "border-[var(--accent)]" : "border-kumo-hairline"} ${gone ? "border-dashed bg-transparent" : "bg-kumo-base"}`}
      >
        <span className={`w-6 flex-none text-center text-[15px] font-semibold tabular-nums ${gone ? "text-kumo-subtle" : ""}`}>{rank || "–"}</span>
        <span className="min-w-0 flex-1">
          <span className={`block truncate text-[13px] font-medium ${gone ? "text-kumo-subtle line-through" : ""}`}>{chunk.item.key}</span>
          <span className="block truncate text-xs text-kumo-subtle">{gone && moved !== undefined ? WORDS[drop] : title}</span>
        </span>
        <span className="flex flex-none flex-col items-end">
          <span className="mono text-[13px] tabular-nums">{score(value)}</span>
          {moved !== undefined && !gone && <Moved from={moved} to={rank} />}
        </span>
      </button>
    </li>
  );
}

export function Moved({ from, to }: { from: number; to: number }) {
  if (!Number.isFinite(from) || from === to) return <span className="text-xs text-kumo-subtle">stays</span>;
  const up = from > to;
  return (
    <span className="flex items-center gap-0.5 text-xs font-medium tabular-nums" style={{ color: up ? "var(--up)" : "var(--down)" }}>
      {up ? <ArrowUpIcon weight="bold" aria-hidden /> : <ArrowDownIcon weight="bold" aria-hidden />}
      <span className="sr-only">{up ? "up by" : "down by"}</span>
      {Math.abs(from - to)}
    </span>
  );
}

function firstWords(text: string): string {
  return cut(text.replace(/^#+\s*/, "").replace(/\*\*|^\| | \|$/g, "").replace(/\s+/g, " ").trim(), 120);
}
