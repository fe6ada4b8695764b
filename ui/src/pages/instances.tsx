import { Badge } from "@cloudflare/kumo/components/badge";
import { LinkButton } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { MagnifyingGlassIcon, PlusIcon, StackIcon } from "@phosphor-icons/react";
import { type MouseEvent, useState } from "react";
import { listInstances, listNamespaces } from "../api/calls";
import type { Instance } from "../api/types";
import { useLoad, useSettled, useTitle } from "../hooks";
import { StatusBadge } from "../parts/badges";
import { Heading } from "../parts/card";
import { Choice } from "../parts/fields";
import { Failed, Nothing, Waiting } from "../parts/states";
import { BASE, go, Link } from "../router";
import { ago, count, plural, sentence } from "../words";

export default function Instances({ namespace }: { namespace: string }) {
  useTitle("Instances");
  const [typed, setTyped] = useState("");
  const search = useSettled(typed, 200);
  const [pages, setPages] = useState(1);
  const spaces = useLoad(listNamespaces, []);
  const found = useLoad(() => firstPages(namespace, search, pages), [namespace, search, pages], 5000);
  const names = ["default", ...(spaces.data ?? []).map((one) => one.name)];

  return (
    <>
      <Heading
        title="Instances"
        about={found.data ? plural(found.data.total, "instance") : " "}
        action={<NewButton />}
      />
      <div className="mb-4 flex flex-wrap items-end gap-3">
        <div className="relative w-full sm:w-80">
          <MagnifyingGlassIcon className="pointer-events-none absolute top-1/2 left-3 z-10 -translate-y-1/2 text-kumo-subtle" aria-hidden />
          <Input aria-label="Search instances by name" placeholder="Search by name" value={typed} onChange={(event) => setTyped(event.target.value)} className="w-full pl-9" />
        </div>
        {names.length > 1 && (
          <div className="w-48">
            <Choice label="Namespace" value={namespace} onChange={(next) => go(next === "default" ? "/" : `/namespaces/${next}`)} options={names.map((value) => ({ value, label: value }))} />
          </div>
        )}
      </div>
      {found.error ? (
        <Failed error={found.error} retry={found.reload} title="Could not list the instances" />
      ) : !found.data ? (
        <Waiting />
      ) : !found.data.rows.length ? (
        <None search={search} clear={() => setTyped("")} />
      ) : (
        <>
          <ul className="overflow-hidden rounded-xl border border-kumo-hairline bg-kumo-base shadow-xs">
            {found.data.rows.map((one) => (
              <Row key={one.id} instance={one} />
            ))}
          </ul>
          {found.data.rows.length < found.data.total && (
            <button type="button" className="mt-3 cursor-pointer text-kumo-link underline" onClick={() => setPages(pages + 1)}>
              Show more
            </button>
          )}
        </>
      )}
    </>
  );
}

async function firstPages(namespace: string, search: string, pages: number) {
  const found = await Promise.all(Array.from({ length: pages }, (_, at) => listInstances(namespace, search, at + 1)));
  return { rows: found.flatMap((one) => one.rows), total: found[0]?.total ?? 0 };
}

function NewButton() {
  function open(event: MouseEvent): void {
    event.preventDefault();
    go("/create");
  }
  return (
    <LinkButton href={`${BASE}/create`} onClick={open} variant="primary" icon={<PlusIcon />}>
      Create instance
    </LinkButton>
  );
}

function None({ search, clear }: { search: string; clear: () => void }) {
  if (search)
    return (
      <Nothing title={`No instance name contains “${search}”`} action={<button type="button" className="cursor-pointer text-kumo-link underline" onClick={clear}>Show all</button>}>
        The search covers the instances of this namespace and account.
      </Nothing>
    );
  return (
    <Nothing icon={<StackIcon size={40} />} title="No instances yet" action={<NewButton />}>
      An instance is a collection of documents that you search together. Create one, add a few files, and search it.
    </Nothing>
  );
}

function Row({ instance }: { instance: Instance }) {
  const source = instance.source ?? "uploads";
  const counts = instance.item_counts;
  const total = Object.values(counts).reduce((sum, one) => sum + one, 0);
  const waiting = counts.queued + counts.running + counts.outdated;
  return (
    <li className="border-b border-kumo-hairline last:border-0">
      <Link to={`/instances/${instance.namespace}/${instance.id}`} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-5 py-3.5 hover:bg-kumo-tint">
        <span className="min-w-0 flex-1 basis-48">
          <span className="block truncate font-medium">{instance.id}</span>
          {instance.sync_error && <span className="block truncate text-[13px] text-kumo-danger" title={instance.sync_error.message}>{sentence(instance.sync_error.message)}</span>}
          <span className="block truncate text-[13px] text-kumo-subtle">
            {source} · last active {ago(instance.last_activity ?? instance.modified_at)}
          </span>
        </span>
        <span className="text-[13px] text-kumo-subtle tabular-nums">
          {plural(total, "item")}
          {waiting > 0 && `, ${count(waiting)} waiting`}
        </span>
        {counts.error > 0 && <Badge variant="error">{plural(counts.error, "error")}</Badge>}
        {instance.reranking && <Badge variant="teal-subtle">reranking</Badge>}
        <StatusBadge status={instance.status} paused={instance.paused} failed={instance.sync_error !== null} />
      </Link>
    </li>
  );
}
