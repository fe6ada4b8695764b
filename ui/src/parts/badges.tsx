// Short words with a colour; the colour never stands alone.
import { Badge } from "@cloudflare/kumo/components/badge";
import type { ItemStatus, Model } from "../api/types";

const ITEM: Record<ItemStatus, ["success" | "info" | "error" | "warning" | "secondary", string]> = {
  completed: ["success", "indexed"],
  running: ["info", "indexing"],
  queued: ["info", "queued"],
  error: ["error", "error"],
  skipped: ["secondary", "skipped"],
  outdated: ["warning", "outdated"],
};

/** The status as the badges show it; filters use the same words. */
export const ITEM_WORDS = Object.fromEntries(Object.entries(ITEM).map(([status, [, word]]) => [status, word])) as Record<ItemStatus, string>;

export function ItemBadge({ status }: { status: ItemStatus }) {
  const [variant, word] = ITEM[status] ?? ["secondary", status];
  return <Badge variant={variant}>{word}</Badge>;
}

export function StatusBadge({ status, paused, failed = false }: { status: string; paused: boolean; failed?: boolean }) {
  if (failed) return <Badge variant="error">{paused ? "source failed, paused" : "source failed"}</Badge>;
  if (paused) return <Badge variant="warning">paused</Badge>;
  const variant = status === "active" ? "success" : status === "error" ? "error" : "info";
  return <Badge variant={variant}>{status}</Badge>;
}

const MODEL: Record<Model["status"], ["success" | "info" | "warning", string]> = {
  built_in: ["success", "built in"],
  cached: ["success", "cached"],
  remote: ["info", "remote"],
  absent: ["warning", "not downloaded"],
  unavailable: ["warning", "unavailable"],
};

export function ModelBadge({ status }: { status: Model["status"] }) {
  const [variant, word] = MODEL[status];
  return <Badge variant={variant}>{word}</Badge>;
}
