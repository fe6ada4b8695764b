// Ten thousand items in one list: only the rows that are seen are there, and only their pages are fetched.
import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { ArrowsClockwiseIcon, DownloadSimpleIcon, FileTextIcon, ListBulletsIcon, MagnifyingGlassIcon, RowsIcon, TrashIcon, UploadSimpleIcon } from "@phosphor-icons/react";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { deleteItem, downloadItem, listItems, syncItem } from "../../api/calls";
import type { Item, ItemStatus } from "../../api/types";
import { useSettled } from "../../hooks";
import { ItemBadge } from "../../parts/badges";
import { Confirm } from "../../parts/confirm";
import { Choice } from "../../parts/fields";
import { ChunksPanel, LogsPanel } from "../../parts/item-panels";
import { complain, Failed, Nothing, say, Waiting } from "../../parts/states";
import { DropZone, UploadList, useUploads } from "../../parts/uploads";
import { ago, bytes, count, plural } from "../../words";
import { useHere } from "../../parts/here";

const PER_PAGE = 50;
const ROW = 52;
const SPARE = 8;
const REST = 40;
const STATUSES: ItemStatus[] = ["completed", "running", "queued", "error", "skipped", "outdated"];

export default function Items() {
  const { place, stats, reloadStats, instance } = useHere();
  const [typed, setTyped] = useState("");
  const search = useSettled(typed, 250);
  const [status, setStatus] = useState<ItemStatus | "">(() => (new URLSearchParams(location.search).get("status") as ItemStatus | null) ?? "");
  const [sort, setSort] = useState<"status" | "modified_at">("modified_at");
  const [adding, setAdding] = useState(false);
  const rows = useItems(search, status, sort);
  const refresh = rows.refresh;
  const uploads = useUploads(place, useCallback(() => { void reloadStats(); refresh(); }, [reloadStats, refresh]));
  const [shown, setShown] = useState<{ item: Item; what: "logs" | "chunks" | "delete" } | null>(null);
  const total = stats ? stats.completed + stats.running + stats.queued + stats.error + stats.skipped + stats.outdated : undefined;

  const moved = JSON.stringify([stats?.completed, stats?.running, stats?.queued, stats?.error, stats?.outdated]);
  // biome-ignore lint: what is seen is fetched again when the counts move
  useEffect(refresh, [moved]);

  async function sync(item: Item): Promise<void> {
    try {
      await syncItem(place, item.id);
      say(`${item.key} is indexed again`);
      refresh();
      await reloadStats();
    } catch (error) {
      complain(error);
    }
  }
  async function download(item: Item): Promise<void> {
    try {
      const url = URL.createObjectURL(await downloadItem(place, item.id));
      const link = Object.assign(document.createElement("a"), { href: url, download: item.key.split("/").pop() ?? item.key });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      complain(error);
    }
  }

  const nothing = total === 0 && !search && !status;
  return (
    <div>
      <h1 className="sr-only">Items of {instance.id}</h1>
      <div className="mb-3 flex flex-wrap items-end gap-3">
        <div className="relative w-full sm:w-72">
          <MagnifyingGlassIcon className="pointer-events-none absolute top-1/2 left-3 z-10 -translate-y-1/2 text-kumo-subtle" aria-hidden />
          <Input aria-label="Search items by key" placeholder="Search by key" value={typed} onChange={(event) => setTyped(event.target.value)} className="w-full pl-9" />
        </div>
        <div className="w-36">
          <Choice label="Status" value={status || "all"} onChange={(next) => setStatus(next === "all" ? "" : next)} options={[{ value: "all", label: "All" }, ...STATUSES.map((value) => ({ value, label: `${value}${stats ? ` (${count(stats[value])})` : ""}` }))]} />
        </div>
        <div className="w-40">
          <Choice label="Order" value={sort} onChange={setSort} options={[{ value: "modified_at", label: "Newest first" }, { value: "status", label: "By status" }]} />
        </div>
        <Button className="ml-auto" variant="primary" icon={<UploadSimpleIcon />} aria-expanded={adding} onClick={() => setAdding(!adding)}>
          Upload
        </Button>
      </div>
      {(adding || nothing || uploads.rows.length > 0) && (
        <div className="mb-4">
          <DropZone onFiles={uploads.add} compact={!nothing} />
          <UploadList uploads={uploads} />
        </div>
      )}
      <p className="mb-2 text-[13px] text-kumo-subtle" role="status">
        {rows.total === undefined ? "…" : plural(rows.total, "item")}
        {stats && stats.queued + stats.running > 0 ? `, ${count(stats.queued + stats.running)} being indexed` : ""}
      </p>
      {rows.error ? (
        <Failed error={rows.error} retry={refresh} title="The items could not be listed" />
      ) : rows.total === undefined ? (
        <Waiting />
      ) : rows.total === 0 ? (
        <Nothing icon={<FileTextIcon size={36} />} title={search || status ? "No item is like that" : "No items yet"}>
          {search || status ? "Change what you search for, or the status." : "Drop files above, or send them to the API."}
        </Nothing>
      ) : (
        <Rows rows={rows} sync={sync} download={download} show={setShown} />
      )}
      {shown?.what === "logs" && <LogsPanel place={place} item={shown.item} onClose={() => setShown(null)} />}
      {shown?.what === "chunks" && <ChunksPanel place={place} item={shown.item} onClose={() => setShown(null)} />}
      {shown?.what === "delete" && (
        <Confirm
          open
          onClose={() => setShown(null)}
          title={`Delete ${shown.item.key}?`}
          action="Delete"
          run={async () => {
            await deleteItem(place, shown.item.id);
            say(`${shown.item.key} is deleted`);
            refresh();
            await reloadStats();
          }}
        >
          It is gone from the next search, with its file and its chunks.
        </Confirm>
      )}
    </div>
  );
}

interface Found {
  total: number | undefined;
  at: (index: number) => Item | undefined;
  need: (first: number, last: number) => void;
  refresh: () => void;
  error: unknown;
}

/** The items by their place in the list; pages are fetched when somebody looks at them. */
function useItems(search: string, status: string, sort: string): Found {
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
  /** What is on its way and was scrolled past is not waited for. */
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
  /** What was fetched before stays in sight until the new is there. */
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

function Rows({ rows, sync, download, show }: {
  rows: Found;
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
          <div role="row" aria-rowindex={1} className="sticky top-0 z-10 flex items-center gap-3 border-b border-kumo-hairline bg-kumo-base px-4 py-2 text-[13px] font-medium text-kumo-subtle">
            <span role="columnheader" className="min-w-0 flex-1">Key</span>
            <span role="columnheader" className="hidden w-20 sm:block">Status</span>
            <span role="columnheader" className="hidden w-16 text-right md:block">Chunks</span>
            <span role="columnheader" className="hidden w-20 text-right md:block">Size</span>
            <span role="columnheader" className="hidden w-32 lg:block">Changed</span>
            <span role="columnheader" className="w-28 text-right sm:w-40">Actions</span>
          </div>
          <div role="rowgroup" style={{ height: total * ROW, position: "relative" }}>
            {Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => (
              <Row key={first + at} index={first + at} item={rows.at(first + at)} sync={sync} download={download} show={show} />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

function Row({ index, item, sync, download, show }: { index: number; item: Item | undefined } & Pick<Parameters<typeof Rows>[0], "sync" | "download" | "show">) {
  const builtIn = item?.source_id === "builtin" || item?.source_id === null;
  return (
    <div role="row" aria-rowindex={index + 2} className="absolute inset-x-0 flex items-center gap-3 border-b border-kumo-hairline px-4 hover:bg-kumo-tint" style={{ top: index * ROW, height: ROW }}>
      <span role="cell" className="min-w-0 flex-1">
        <span className="block truncate" title={item?.key}>{item?.key ?? "…"}</span>
        {item && <span className="block sm:hidden"><ItemBadge status={item.status} /></span>}
        {item?.error && <span className="hidden truncate text-xs text-kumo-danger sm:block" title={item.error}>{item.error}</span>}
      </span>
      <span role="cell" className="hidden w-20 sm:block">{item && <ItemBadge status={item.status} />}</span>
      <span role="cell" className="hidden w-16 text-right tabular-nums md:block">{item?.chunks_count ?? "–"}</span>
      <span role="cell" className="hidden w-20 text-right tabular-nums md:block">{bytes(item?.file_size)}</span>
      <span role="cell" className="hidden w-32 text-kumo-subtle lg:block">{item && ago(item.last_seen_at)}</span>
      <span role="cell" className="flex w-28 justify-end sm:w-40">
        {item && (
          <>
            <Action label={`Sync ${item.key}`} icon={<ArrowsClockwiseIcon />} run={() => sync(item)} />
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
