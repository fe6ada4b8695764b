// The items of an instance: found, added, deleted and indexed again, one by one or many at once.
import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { FileTextIcon, MagnifyingGlassIcon, UploadSimpleIcon } from "@phosphor-icons/react";
import { useEffect, useState } from "react";
import { deleteItem, downloadItem, syncItem } from "../../api/calls";
import type { Item, ItemStatus } from "../../api/types";
import { useSettled } from "../../hooks";
import { ITEM_WORDS } from "../../parts/badges";
import { Confirm } from "../../parts/confirm";
import { Choice } from "../../parts/fields";
import { useHere } from "../../parts/here";
import { ChunksPanel, LogsPanel } from "../../parts/item-panels";
import { BulkBar } from "../../parts/items/bulk";
import { Rows } from "../../parts/items/table";
import { useItems } from "../../parts/items/use-items";
import { MetadataInputs, useMetadata } from "../../parts/metadata-form";
import { complain, Failed, Nothing, say, Waiting } from "../../parts/states";
import { DropZone, UploadSummary } from "../../parts/uploads";
import { addUploads, useUploads } from "../../uploads";
import { count, plural } from "../../words";

const STATUSES: ItemStatus[] = ["completed", "running", "queued", "error", "skipped", "outdated"];

export default function Items() {
  const { place, stats, reloadStats, instance, home } = useHere();
  const [typed, setTyped] = useState("");
  const search = useSettled(typed, 250);
  const [status, setStatus] = useState<ItemStatus | "">(() => (new URLSearchParams(location.search).get("status") as ItemStatus | null) ?? "");
  const [sort, setSort] = useState<"status" | "modified_at">("modified_at");
  const [adding, setAdding] = useState(false);
  const rows = useItems(search, status, sort);
  const refresh = rows.refresh;
  const uploads = useUploads(place);
  const stored = uploads.counts.stored;
  const [shown, setShown] = useState<{ item: Item; what: "logs" | "chunks" | "delete" } | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const metadata = useMetadata(instance.custom_metadata);
  const total = stats ? stats.completed + stats.running + stats.queued + stats.error + stats.skipped + stats.outdated : undefined;

  const moved = JSON.stringify([stats?.completed, stats?.running, stats?.queued, stats?.error, stats?.outdated]);
  // biome-ignore lint: rows in view are fetched again when the counts change
  useEffect(refresh, [moved]);
  // biome-ignore lint: and when files are stored
  useEffect(() => {
    if (!stored) return;
    void reloadStats();
    refresh();
  }, [stored]);
  // biome-ignore lint: a selection belongs to the filter that it was made under
  useEffect(() => setChosen(new Set()), [search, status]);

  function choose(ids: string[], on: boolean): void {
    setChosen((before) => {
      const next = new Set(before);
      for (const id of ids) on ? next.add(id) : next.delete(id);
      return next;
    });
  }

  async function sync(item: Item): Promise<void> {
    try {
      await syncItem(place, item.id);
      say(`${item.key} will be indexed again`);
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
          <Choice label="Status" value={status || "all"} onChange={(next) => setStatus(next === "all" ? "" : next)} options={[{ value: "all", label: "All" }, ...STATUSES.map((value) => ({ value, label: `${ITEM_WORDS[value]}${stats ? ` (${count(stats[value])})` : ""}` }))]} />
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
          <MetadataInputs fields={instance.custom_metadata} form={metadata} home={home} />
          <DropZone onFiles={(files) => addUploads(place, files.map((one) => ({ ...one, metadata: metadata.metadata })))} compact={!nothing} />
          <UploadSummary place={place} />
        </div>
      )}
      <p className="mb-2 text-[13px] text-kumo-subtle" role="status">
        {rows.total === undefined ? "…" : plural(rows.total, "item")}
        {stats && stats.queued + stats.running > 0 ? `, ${count(stats.queued + stats.running)} being indexed` : ""}
      </p>
      {chosen.size > 0 && (
        <BulkBar
          place={place}
          chosen={chosen}
          setChosen={setChosen}
          total={rows.total ?? 0}
          filter={{ search, status }}
          external={instance.source !== null}
          done={() => {
            refresh();
            void reloadStats();
          }}
        />
      )}
      {rows.error ? (
        <Failed error={rows.error} retry={refresh} title="Could not list the items" />
      ) : rows.total === undefined ? (
        <Waiting />
      ) : rows.total === 0 ? (
        <Nothing icon={<FileTextIcon size={36} />} title={search || status ? "No items match" : "No items yet"}>
          {search || status ? "Change the search or the status filter." : instance.source ? "The next sync adds what is in the source. You can also drop files above." : "Drop files above to add them. Searches find them a few seconds later."}
        </Nothing>
      ) : (
        <Rows rows={rows} chosen={chosen} choose={choose} sync={sync} download={download} show={setShown} />
      )}
      {shown?.what === "logs" && <LogsPanel place={place} item={shown.item} onClose={() => setShown(null)} />}
      {shown?.what === "chunks" && <ChunksPanel place={place} item={shown.item} onClose={() => setShown(null)} />}
      {shown?.what === "delete" && (
        <Confirm
          open
          onClose={() => setShown(null)}
          title={`Delete “${shown.item.key}”?`}
          action="Delete"
          run={async () => {
            await deleteItem(place, shown.item.id);
            say(`Deleted ${shown.item.key}`);
            setChosen((before) => new Set([...before].filter((id) => id !== shown.item.id)));
            refresh();
            await reloadStats();
          }}
        >
          Its file and chunks are removed, and searches no longer find it. {instance.source !== null && "If it is still in the source, the next sync adds it again."}
        </Confirm>
      )}
    </div>
  );
}
