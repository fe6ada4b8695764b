// Files on their way: dropped or picked, three at a time, each with what became of it.
import { Button } from "@cloudflare/kumo/components/button";
import { CloudArrowUpIcon, FilesIcon, FolderOpenIcon } from "@phosphor-icons/react";
import { type DragEvent, useCallback, useEffect, useRef, useState } from "react";
import { type Place, uploadItem } from "../api/calls";
import { told } from "../api/client";
import { bytes, plural } from "../words";
import type { Metadata } from "./metadata-form";

export interface Upload {
  key: string;
  file: File;
  metadata?: Metadata;
  state: "waiting" | "sending" | "sent" | "failed";
  share: number;
  error?: string;
}

const AT_ONCE = 3;
const SHOWN = 200;

export interface Uploads {
  rows: Upload[];
  add: (files: Picked[]) => void;
  again: (key: string) => void;
  clear: () => void;
  busy: boolean;
}

export interface Picked {
  key: string;
  file: File;
  metadata?: Metadata;
}

/** Sends what is added; without a place it waits until there is one. */
export function useUploads(place: Place | null, onSent?: () => void): Uploads {
  const [rows, setRows] = useState<Upload[]>([]);
  const running = useRef(new Set<string>());
  const heard = useRef(onSent);
  heard.current = onSent;

  const change = useCallback((key: string, next: Partial<Upload>) => {
    setRows((before) => before.map((one) => (one.key === key ? { ...one, ...next } : one)));
  }, []);

  useEffect(() => {
    if (!place) return;
    for (const row of rows) {
      if (running.current.size >= AT_ONCE) break;
      if (row.state !== "waiting" || running.current.has(row.key)) continue;
      running.current.add(row.key);
      change(row.key, { state: "sending", share: 0 });
      uploadItem(place, row.file, row.key, row.metadata, (share) => change(row.key, { share }))
        .then(() => change(row.key, { state: "sent", share: 1 }))
        .catch((error: unknown) => change(row.key, { state: "failed", error: told(error) }))
        .finally(() => {
          running.current.delete(row.key);
          setRows((before) => [...before]);
          heard.current?.();
        });
    }
  }, [place, rows, change]);

  const add = useCallback((files: Picked[]) => {
    setRows((before) => {
      const fresh = new Map(files.map((one) => [one.key, { ...one, state: "waiting" as const, share: 0 }]));
      return [...before.filter((one) => !fresh.has(one.key) || running.current.has(one.key)), ...fresh.values()];
    });
  }, []);
  const again = useCallback((key: string) => change(key, { state: "waiting" }), [change]);
  const clear = useCallback(() => setRows((before) => before.filter((one) => one.state === "sending")), []);
  return { rows, add, again, clear, busy: rows.some((one) => one.state === "waiting" || one.state === "sending") };
}

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
        <span className="block text-[13px] text-kumo-subtle">Text, Markdown, PDF, office documents, HTML, tables, pictures or code; 10 MiB each at most</span>
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

export function UploadList({ uploads }: { uploads: Uploads }) {
  const { rows } = uploads;
  if (!rows.length) return null;
  const sent = rows.filter((one) => one.state === "sent").length;
  const failed = rows.filter((one) => one.state === "failed");
  const shown = [...failed, ...rows.filter((one) => one.state !== "failed")].slice(0, SHOWN);
  return (
    <div className="mt-3">
      <div className="mb-1 flex items-center justify-between text-[13px]">
        <span aria-live="polite">
          {sent} of {plural(rows.length, "file")} sent{failed.length ? `, ${failed.length} failed` : ""}
        </span>
        {!uploads.busy && (
          <Button size="xs" variant="ghost" onClick={uploads.clear}>
            Clear the list
          </Button>
        )}
      </div>
      <ul className="max-h-56 divide-y divide-kumo-hairline overflow-auto rounded-lg border border-kumo-hairline" tabIndex={0} aria-label="Files being uploaded">
        {shown.map((one) => (
          <li key={one.key} className="flex items-center gap-3 px-3 py-1.5 text-[13px]">
            <span className="min-w-0 flex-1 truncate" title={one.key}>
              {one.key}
            </span>
            {one.error && one.state === "failed" ? (
              <>
                <span className="max-w-[50%] text-kumo-danger">{one.error}</span>
                <Button size="xs" onClick={() => uploads.again(one.key)}>
                  Again
                </Button>
              </>
            ) : (
              <span className="whitespace-nowrap text-kumo-subtle tabular-nums">
                {bytes(one.file.size)} · {one.state === "sending" ? `${Math.round(100 * one.share)} %` : one.state}
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
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
