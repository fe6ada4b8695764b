// What to do where a search cannot find anything yet.
import { LinkButton } from "@cloudflare/kumo/components/button";
import { UploadSimpleIcon } from "@phosphor-icons/react";
import type { MouseEvent } from "react";
import type { Stats } from "../api/types";
import { BASE, go, Link } from "../router";
import { plural } from "../words";
import { useHere } from "./here";
import { Nothing } from "./states";

/** Whether no item can be found yet; unknown until the counts have arrived. */
export function isEmpty(stats: Stats | undefined): boolean {
  return !!stats && stats.completed === 0 && stats.outdated === 0;
}

export function AddFirst() {
  const { home, stats, instance } = useHere();
  const waiting = stats ? stats.queued + stats.running : 0;
  if (waiting)
    return <Nothing title={`${plural(waiting, "item")} being indexed`}>Searches find each item as soon as it is indexed, usually within seconds.</Nothing>;
  if (stats?.error)
    return (
      <Nothing title="No items could be indexed">
        {plural(stats.error, "item")} failed.{" "}
        <Link to={`${home}/items?status=error`} className="text-kumo-link underline">
          See why
        </Link>
      </Nothing>
    );
  const target = `${home}/${instance.source ? "jobs" : "items"}`;
  function open(event: MouseEvent): void {
    event.preventDefault();
    go(target);
  }
  return (
    <Nothing
      icon={<UploadSimpleIcon size={36} />}
      title="Add content first"
      action={
        <LinkButton href={`${BASE}${target}`} onClick={open} variant="primary">
          {instance.source ? "Sync the source" : "Add files"}
        </LinkButton>
      }
    >
      This instance has no content yet, so no query can find anything.
    </Nothing>
  );
}
