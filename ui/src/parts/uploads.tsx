// Files on their way: where they are dropped or picked, what became of each, and a word in the frame of every page.
import { Button } from "@cloudflare/kumo/components/button";
import { Meter } from "@cloudflare/kumo/components/meter";
import { CheckCircleIcon, CloudArrowUpIcon, FilesIcon, FolderOpenIcon, WarningCircleIcon } from "@phosphor-icons/react";
import { type DragEvent, useRef, useState } from "react";
import type { Place } from "../api/calls";
import { Link } from "../router";
import { type Counts, dismissUploads, type Picked, retryUploads, type Upload, useAllUploads, useUploads } from "../uploads";
import { bytes, count, plural } from "../words";

const SHOWN = 200;

export function DropZone({ onFiles, compact = false }: { onFiles: (files: Picked[]) => void; compact?: boolean }) {
  const [over, setOver] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);

  async function drop(event: DragEvent): Promise<void> {
    event.preventDefault();
    setOver(false);
    const entries = [...event.dataTransfer.items].map((one) => one.webkitGetAsEntry()).filter((one) => one !== null);
    onFiles(entries.length ? (await Promise.all(entries.map(readEntry))).flat() : [...event.dataTransfer.files].map(picked));
  }
  function pick(input: HTMLInputElement): void {
    onFiles([...(input.files ?? [])].map(picked));
    input.value = "";
  }

  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={`flex flex-col items-center justify-center gap-3 rounded-xl border-2 border-dashed px-4 text-center transition-colors ${compact ? "py-5" : "py-10"} ${over ? "border-[var(--accent)] bg-[var(--accent-soft)]" : "border-kumo-line"}`}
    >
      <CloudArrowUpIcon size={compact ? 24 : 36} aria-hidden className="text-kumo-subtle" />
      <p>
        <span className="font-medium">Drop files or folders here</span>
        <span className="block text-[13px] text-kumo-subtle">Text, Markdown, PDF, office documents, HTML, tables, pictures or code; up to 10 MiB each</span>
      </p>
      <div className="flex gap-2">
        <Button size="sm" icon={<FilesIcon />} onClick={() => files.current?.click()}>
          Choose files
        </Button>
        <Button size="sm" icon={<FolderOpenIcon />} onClick={() => folder.current?.click()}>
          Choose a folder
        </Button>
      </div>
      <input ref={files} type="file" multiple hidden aria-label="Files to upload" onChange={(event) => pick(event.target)} />
      <input ref={(input) => { folder.current = input; input?.setAttribute("webkitdirectory", ""); }} type="file" hidden aria-label="Folder to upload" onChange={(event) => pick(event.target)} />
    </div>
  );
}

/** What becomes of the files sent to one instance; it stays until it is dismissed. */
export function UploadSummary({ place }: { place: Place }) {
  const { rows, counts } = useUploads(place);
  if (!rows.length) return null;
  const busy = counts.waiting > 0;
  const done = counts.total - counts.waiting;
  const rank = { failed: 0, refused: 1, sending: 2, waiting: 3, stored: 4 };
  const shown = rows.filter((one) => one.key).sort((one, other) => rank[one.state] - rank[other.state]).slice(0, SHOWN);
  return (
    <section aria-label="Uploads" className="mt-3 rounded-xl border border-kumo-line bg-kumo-base p-4">
      <div className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-2">
        <p role="status" className="mr-auto font-medium">
          {busy ? `Uploading ${count(done)} of ${plural(counts.total, "file")}` : "Upload finished"}
          <span className="font-normal text-kumo-subtle">{`: ${sumUp(counts)}`}</span>
        </p>
        {counts.retryable > 0 && (
          <Button size="sm" onClick={() => retryUploads(place)}>
            Retry failed
          </Button>
        )}
        {!busy && (
          <Button size="sm" variant="ghost" onClick={() => dismissUploads(place)}>
            Dismiss
          </Button>
        )}
      </div>
      {busy && <Meter label="Uploaded" value={done} max={counts.total} customValue={`${count(done)} / ${count(counts.total)}`} />}
      {busy && <p className="mt-2 text-[13px] text-kumo-subtle">You can open other pages of the dashboard meanwhile. Keep this tab open.</p>}
      {shown.length > 0 && (
        <ul className="mt-3 max-h-56 divide-y divide-kumo-hairline overflow-auto rounded-lg border border-kumo-hairline" tabIndex={0} aria-label="Uploaded files">
          {shown.map((one) => (
            <UploadRow key={one.key} upload={one} retry={() => retryUploads(place, one.key)} />
          ))}
        </ul>
      )}
    </section>
  );
}

function sumUp(counts: Counts): string {
  const said = [`${count(counts.stored)} stored`];
  if (counts.refused) said.push(`${count(counts.refused)} refused`);
  if (counts.failed) said.push(`${count(counts.failed)} failed`);
  return said.join(", ");
}

function UploadRow({ upload, retry }: { upload: Upload; retry: () => void }) {
  const ended = upload.state === "refused" || upload.state === "failed";
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-1.5 text-[13px]">
      <span className="min-w-0 flex-1 basis-40 truncate" title={upload.key}>
        {upload.key}
      </span>
      {ended ? (
        <>
          <span className="min-w-0 basis-full text-kumo-danger sm:basis-auto sm:max-w-[60%]">
            {upload.state === "refused" ? "Refused" : "Failed"}: {reasonOf(upload)}
          </span>
          {upload.state === "failed" && upload.file && (
            <Button size="xs" onClick={retry}>
              Retry
            </Button>
          )}
        </>
      ) : (
        <span className="whitespace-nowrap text-kumo-subtle tabular-nums">
          {bytes(upload.size)} · {upload.state === "sending" ? `${Math.round(100 * upload.share)} %` : upload.state === "waiting" && upload.attempts ? "retrying" : upload.state}
        </span>
      )}
    </li>
  );
}

/** Why it was not stored; the row names the file already. */
function reasonOf({ key, error = "" }: Upload): string {
  const words = error.replace(/^[a-z]+(_[a-z]+)+: /, "");
  return words.startsWith(`${key}: `) ? words.slice(key.length + 2) : words;
}

/** In the frame of every page: that files are on their way, or were not stored. */
export function UploadIndicator() {
  const all = useAllUploads();
  const busy = all.find((one) => one.counts.waiting > 0);
  const bad = all.find((one) => one.counts.failed + one.counts.refused > 0);
  const found = busy ?? bad;
  if (!found) return null;
  const { place, counts } = found;
  const lost = counts.failed + counts.refused;
  return (
    <Link to={`/instances/${place.namespace}/${place.name}/items`} title={`Uploads to ${place.name}`} className="flex items-center gap-1.5 whitespace-nowrap rounded-full bg-kumo-recessed px-3 py-1 text-[13px] tabular-nums hover:underline">
      {busy ? <CloudArrowUpIcon aria-hidden /> : lost ? <WarningCircleIcon aria-hidden className="text-kumo-danger" /> : <CheckCircleIcon aria-hidden />}
      {busy ? <><span className="sr-only sm:not-sr-only">Uploading</span> {count(counts.total - counts.waiting)} / {count(counts.total)}</> : <>{count(lost)} <span className="sr-only sm:not-sr-only">{lost === 1 ? "file" : "files"}</span> not stored</>}
    </Link>
  );
}

function picked(file: File): Picked {
  return { key: file.webkitRelativePath || file.name, file };
}

async function readEntry(entry: FileSystemEntry): Promise<Picked[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ key: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Picked[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    found.push(...(await Promise.all(some.map(readEntry))).flat());
  }
}
