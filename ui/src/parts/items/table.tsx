// The table of items; only the rows in view exist.
import { Button } from "@cloudflare/kumo/components/button";
import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { ArrowsClockwiseIcon, DownloadSimpleIcon, ListBulletsIcon, RowsIcon, TrashIcon } from "@phosphor-icons/react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Item } from "../../api/types";
import { ago, bytes } from "../../words";
import { ItemBadge } from "../badges";
import { type Found, PER_PAGE } from "./use-items";

const ROW = 52;
const SPARE = 8;
const REST = 40;

export function Rows({ rows, chosen, choose, sync, download, show }: {
  rows: Found;
  chosen: ReadonlySet<string>;
  choose: (ids: string[], on: boolean) => void;
  sync: (item: Item) => void;
  download: (item: Item) => void;
  show: (shown: { item: Item; what: "logs" | "chunks" | "delete" }) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [[top, height], setView] = useState<[number, number]>([0, 600]);
  const total = rows.total ?? 0;
  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  const last = Math.min(total - 1, Math.ceil((top + height) / ROW) + SPARE);
  const need = rows.need;
  const [from, to] = total <= PER_PAGE ? [0, total] : [Math.ceil(top / ROW), Math.min(total, Math.floor((top + height) / ROW))];
  const seen = Array.from({ length: Math.max(0, to - from) }, (_, at) => rows.at(from + at)?.id).filter((id) => id !== undefined);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => setView([element.scrollTop, element.clientHeight]);
    look();
    const watching = new ResizeObserver(look);
    watching.observe(element);
    return () => watching.disconnect();
  }, []);
  useEffect(() => {
    const timer = setTimeout(() => need(first, Math.max(first, last)), REST);
    return () => clearTimeout(timer);
  }, [need, first, last]);

  return (
    <div className="layers overflow-hidden rounded-xl border border-kumo-hairline bg-kumo-base shadow-xs">
      <div ref={box} className="max-h-[62vh] min-h-40 overflow-auto" tabIndex={0} role="region" aria-label="Items" onScroll={(event) => setView([event.currentTarget.scrollTop, event.currentTarget.clientHeight])}>
        <div role="table" aria-label="Items" aria-rowcount={total + 1}>
          <div role="row" aria-rowindex={1} className="sticky top-0 z-10 flex items-center gap-2 border-b border-kumo-hairline bg-kumo-base sm:gap-3 px-3 py-1 text-[13px] font-medium text-kumo-subtle">
            <span role="columnheader" className="flex size-8 flex-none items-center justify-center">
              <Checkbox aria-label="Select the visible rows" checked={seen.length > 0 && seen.every((id) => chosen.has(id))} onCheckedChange={(on) => choose(seen, on)} />
            </span>
            <span role="columnheader" className="min-w-0 flex-1">Key</span>
            <span role="columnheader" className="hidden w-24 sm:block">Status</span>
            <span role="columnheader" className="hidden w-16 text-right md:block">Chunks</span>
            <span role="columnheader" className="hidden w-20 text-right md:block">Size</span>
            <span role="columnheader" className="hidden w-32 lg:block">Changed</span>
            <span role="columnheader" className="w-32 text-right sm:w-40">Actions</span>
          </div>
          <div role="rowgroup" style={{ height: total * ROW, position: "relative" }}>
            {Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => (
              <Row key={first + at} index={first + at} item={rows.at(first + at)} chosen={chosen} choose={choose} sync={sync} download={download} show={show} />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

function Row({ index, item, chosen, choose, sync, download, show }: { index: number; item: Item | undefined } & Pick<Parameters<typeof Rows>[0], "sync" | "download" | "show" | "chosen" | "choose">) {
  const builtIn = item?.source_id === "builtin" || item?.source_id === null;
  return (
    <div role="row" aria-rowindex={index + 2} className="absolute inset-x-0 flex items-center gap-2 border-b border-kumo-hairline px-3 hover:bg-kumo-tint sm:gap-3" style={{ top: index * ROW, height: ROW }}>
      <span role="cell" className="flex size-8 flex-none items-center justify-center">
        {item && <Checkbox aria-label={`Select ${item.key}`} checked={chosen.has(item.id)} onCheckedChange={(on) => choose([item.id], on)} />}
      </span>
      <span role="cell" className="min-w-0 flex-1">
        <span className="block truncate" title={item?.key}>{item?.key ?? "…"}</span>
        {item && <span className="block sm:hidden"><ItemBadge status={item.status} /></span>}
        {item?.error && <span className="hidden truncate text-xs text-kumo-danger sm:block" title={item.error}>{item.error}</span>}
      </span>
      <span role="cell" className="hidden w-24 sm:block">{item && <ItemBadge status={item.status} />}</span>
      <span role="cell" className="hidden w-16 text-right tabular-nums md:block">{item?.chunks_count ?? "–"}</span>
      <span role="cell" className="hidden w-20 text-right tabular-nums md:block">{bytes(item?.file_size)}</span>
      <span role="cell" className="hidden w-32 text-kumo-subtle lg:block">{item && ago(item.last_seen_at)}</span>
      <span role="cell" className="flex w-32 justify-end sm:w-40">
        {item && (
          <>
            <Action label={`Re-index ${item.key}`} icon={<ArrowsClockwiseIcon />} run={() => sync(item)} />
            <Action opens label={`Log of ${item.key}`} icon={<ListBulletsIcon />} run={() => show({ item, what: "logs" })} />
            <Action opens label={`Chunks of ${item.key}`} icon={<RowsIcon />} run={() => show({ item, what: "chunks" })} />
            {builtIn && <Action label={`Download ${item.key}`} icon={<DownloadSimpleIcon />} run={() => download(item)} wide />}
            <Action opens label={`Delete ${item.key}`} icon={<TrashIcon />} run={() => show({ item, what: "delete" })} />
          </>
        )}
      </span>
    </div>
  );
}

function Action({ label, icon, run, wide = false, opens = false }: { label: string; icon: React.ReactNode; run: () => void; wide?: boolean; opens?: boolean }) {
  return <Button size="sm" shape="square" variant="ghost" aria-label={label} aria-haspopup={opens ? "dialog" : undefined} title={label.split(" ")[0]} icon={icon} onClick={run} className={wide ? "hidden sm:inline-flex" : ""} />;
}
