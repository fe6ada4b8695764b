// What was done to an item, and what it was split into.
import { Button } from "@cloudflare/kumo/components/button";
import { useEffect, useRef, useState } from "react";
import { itemChunks, itemLogs, type Place } from "../api/calls";
import type { ItemChunk } from "../api/types";
import { useLoad } from "../hooks";
import { clock, ms, plural } from "../words";
import { Panel } from "./confirm";
import { complain, Failed, Nothing, Waiting } from "./states";

interface Props {
  place: Place;
  item: { id: string; key: string };
  onClose: () => void;
}

export function LogsPanel({ place, item, onClose }: Props) {
  const lines = useLoad(() => itemLogs(place, item.id), [item.id], 1500);
  return (
    <Panel open onClose={onClose} title={item.key} about="Log, newest first">
      {lines.error ? (
        <Failed error={lines.error} retry={lines.reload} />
      ) : !lines.data ? (
        <Waiting />
      ) : !lines.data.length ? (
        <Nothing title="No log entries yet" />
      ) : (
        <table className="w-full text-[13px]">
          <thead className="text-left text-kumo-subtle">
            <tr>
              <th className="py-1 pr-4 font-medium">Time</th>
              <th className="py-1 pr-4 font-medium">Step</th>
              <th className="py-1 pr-4 font-medium">Message</th>
              <th className="py-1 text-right font-medium">Duration</th>
            </tr>
          </thead>
          <tbody>
            {lines.data.map((line, at) => (
              <tr key={at} className="border-t border-kumo-hairline align-top">
                <td className="py-1.5 pr-4 whitespace-nowrap tabular-nums">{clock(line.timestamp)}</td>
                <td className="py-1.5 pr-4">{line.action}</td>
                <td className={`py-1.5 pr-4 ${line.errorType ? "text-kumo-danger" : ""}`}>{line.message}</td>
                <td className="py-1.5 text-right whitespace-nowrap tabular-nums">{line.processingTimeMs === null ? "" : ms(line.processingTimeMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

/** The chunks in their order; with ``at``, the one of that id is marked and scrolled to. */
export function ChunksPanel({ place, item, onClose, at }: Props & { at?: string }) {
  const [rows, setRows] = useState<ItemChunk[]>([]);
  const [total, setTotal] = useState<number>();
  const here = useRef<HTMLLIElement>(null);
  const wanted = useRef(false);

  async function more(offset: number): Promise<ItemChunk[]> {
    const found = await itemChunks(place, item.id, offset);
    setRows((before) => [...before.slice(0, offset), ...found.rows]);
    setTotal(found.total);
    return found.rows;
  }
  // biome-ignore lint: once for each item
  useEffect(() => {
    let gone = false;
    (async () => {
      for (let offset = 0; !gone; offset += 100) {
        const found = await more(offset);
        if (!at || found.length < 100 || found.some((one) => one.id === at)) break;
      }
    })().catch(complain);
    return () => {
      gone = true;
    };
  }, [item.id]);
  useEffect(() => {
    if (here.current && !wanted.current) {
      wanted.current = true;
      here.current.scrollIntoView({ block: "center" });
    }
  });

  return (
    <Panel open onClose={onClose} title={item.key} about={total === undefined ? " " : plural(total, "chunk")}>
      {total === undefined && <Waiting />}
      {total === 0 && <Nothing title="No chunks yet">They appear once the item is indexed.</Nothing>}
      <ol className="flex flex-col gap-3">
        {rows.map((chunk, index) => (
          <li key={chunk.id} ref={chunk.id === at ? here : undefined} className={`rounded-lg border p-3 ${chunk.id === at ? "border-[var(--accent)] bg-kumo-tint" : "border-kumo-hairline"}`}>
            <div className="mb-1 flex justify-between text-xs text-kumo-subtle">
              <span>
                {index + 1}
                {chunk.id === at ? " · this result" : ""}
              </span>
              <span>{chunk.start_byte !== undefined ? `bytes ${chunk.start_byte} to ${chunk.end_byte}` : ""}</span>
            </div>
            <p className="text-[13px] break-words whitespace-pre-wrap">{chunk.text}</p>
          </li>
        ))}
      </ol>
      {total !== undefined && rows.length < total && (
        <Button className="mt-3" onClick={() => more(rows.length).catch(complain)}>
          Show more
        </Button>
      )}
    </Panel>
  );
}
