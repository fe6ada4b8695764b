// The query sets of an instance: what was judged, a way to remove it, and files for use elsewhere.
import { Button } from "@cloudflare/kumo/components/button";
import { DownloadSimpleIcon, ThumbsDownIcon, ThumbsUpIcon, TrashIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { deleteSet, dropQuery, exportSet, type Place, readSet, unjudge } from "../../api/calls";
import type { SetQuery } from "../../api/types";
import { useLoad } from "../../hooks";
import { Link } from "../../router";
import { plural } from "../../words";
import { Card } from "../card";
import { Confirm } from "../confirm";
import { SetChooser, useJudging } from "../play/judge";
import { complain, Failed, Nothing, Waiting } from "../states";

const PAGE = 20;

export function Sets({ place, home }: { place: Place; home: string }) {
  const judging = useJudging(place);
  const [page, setPage] = useState(1);
  const [asking, setAsking] = useState(false);
  const { chosen } = judging;
  const found = useLoad(async () => (chosen ? await readSet(place, chosen, { page }) : { rows: [], total: 0 }), [place, chosen, page]);
  const both = async () => {
    await Promise.all([found.reload(), judging.reload()]);
  };
  async function save(format: "jsonl" | "csv"): Promise<void> {
    try {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await exportSet(place, chosen, format));
      link.download = `${chosen}.${format}`;
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (error) {
      complain(error);
    }
  }
  const pages = Math.max(1, Math.ceil((found.data?.total ?? 0) / PAGE));
  return (
    <Card title="Query sets" about="Queries with judged results. Judge results with the thumbs in the playground or the query log.">
      <div className="mb-4 flex flex-wrap items-end justify-between gap-3">
        <SetChooser judging={judging} home={home} />
        {chosen && (
          <div className="flex flex-wrap gap-2">
            <Button size="sm" icon={<DownloadSimpleIcon />} onClick={() => save("csv")}>
              CSV
            </Button>
            <Button size="sm" icon={<DownloadSimpleIcon />} onClick={() => save("jsonl")}>
              JSON lines
            </Button>
            <Button size="sm" icon={<TrashIcon />} aria-haspopup="dialog" onClick={() => setAsking(true)}>
Delete set
            </Button>
          </div>
        )}
      </div>
      {found.error && !found.data ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Waiting />
      ) : !found.data.rows.length ? (
        <Nothing title={chosen ? "No queries in this set yet" : "No query sets yet"} action={<Link className="text-kumo-link underline" to={`${home}/playground`}>Open the playground</Link>}>
          Search in the playground and mark each result as relevant or not relevant.
        </Nothing>
      ) : (
        <ol className="flex flex-col divide-y divide-kumo-hairline" aria-label={`Queries of ${chosen}`}>
          {found.data.rows.map((one) => (
            <Query key={one.query} place={place} set={chosen} one={one} reload={both} />
          ))}
        </ol>
      )}
      {pages > 1 && (
        <nav aria-label="Pages of the query set" className="mt-4 flex items-center justify-end gap-3 text-[13px]">
          <Button size="sm" disabled={page <= 1} onClick={() => setPage(page - 1)}>
            Previous
          </Button>
          <span>
            Page {page} of {pages}
          </span>
          <Button size="sm" disabled={page >= pages} onClick={() => setPage(page + 1)}>
            Next
          </Button>
        </nav>
      )}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={`Delete the query set “${chosen}”?`}
        action="Delete"
        run={async () => {
          await deleteSet(place, chosen);
          setPage(1);
          await both();
        }}
      >
        Its queries and judgments are removed for good. Export the set first if you want to keep a copy. Lab runs that used it stay.
      </Confirm>
    </Card>
  );
}

function Query({ place, set, one, reload }: { place: Place; set: string; one: SetQuery; reload: () => Promise<void> }) {
  const act = (work: () => Promise<unknown>) => work().then(reload).catch(complain);
  return (
    <li className="py-3">
      <div className="flex items-center gap-3">
        <span className="min-w-0 flex-1 font-medium break-words">{one.query}</span>
        <span className="flex-none text-[13px] text-kumo-subtle">{plural(one.judgments.length, "judgment")}</span>
        <Button size="sm" shape="square" variant="ghost" aria-label={`Remove the query ${one.query}`} icon={<TrashIcon />} onClick={() => act(() => dropQuery(place, set, one.query))} />
      </div>
      <ul className="mt-1 flex flex-col gap-1 text-[13px]">
        {one.judgments.map((each) => (
          <li key={`${each.item_key} ${each.start_byte}`} className="flex items-center gap-2">
            {each.grade ? <ThumbsUpIcon aria-label="Relevant" weight="fill" /> : <ThumbsDownIcon aria-label="Not relevant" />}
            <span className="min-w-0 flex-1 truncate">
              {each.item_key}
              {each.start_byte !== null && <span className="text-kumo-subtle">{` · bytes ${each.start_byte} to ${each.end_byte}`}</span>}
            </span>
            <Button size="sm" variant="ghost" aria-label={`Remove the judgment of ${each.item_key}`} onClick={() => act(() => unjudge(place, set, { query: one.query, ...(each.chunk_id ? { chunk_id: each.chunk_id } : { item_key: each.item_key }) }))}>
              Remove
            </Button>
          </li>
        ))}
      </ul>
    </li>
  );
}
