// The tabs of one instance, and what all of them read.
import { lazy, Suspense, useMemo } from "react";
import { readInstance, readStats } from "../../api/calls";
import { ApiError } from "../../api/client";
import { useChosenInSight, useLoad, useTitle } from "../../hooks";
import { StatusBadge } from "../../parts/badges";
import { type Here, Surroundings } from "../../parts/here";
import { Failed, Nothing, Waiting } from "../../parts/states";
import { Link } from "../../router";

const TABS = {
  overview: ["Overview", lazy(() => import("./overview"))],
  items: ["Items", lazy(() => import("./items"))],
  jobs: ["Jobs", lazy(() => import("./jobs"))],
  playground: ["Playground", lazy(() => import("./playground"))],
  metrics: ["Metrics", lazy(() => import("./metrics"))],
  lab: ["Lab", lazy(() => import("./lab"))],
  settings: ["Settings", lazy(() => import("./settings"))],
} as const;

const SLOW = 10_000;
const QUICK = 1500;

export default function Layout({ namespace, name, tab, section }: { namespace: string; name: string; tab: string; section: string }) {
  const place = useMemo(() => ({ namespace, name }), [namespace, name]);
  const instance = useLoad(() => readInstance(place), [place], SLOW);
  const working = useLoad(() => readStats(place), [place], SLOW);
  const busy = !!working.data && working.data.queued + working.data.running + working.data.outdated > 0;
  const stats = useLoad(() => readStats(place), [place, busy], busy ? QUICK : 0);
  const known = tab in TABS ? (tab as keyof typeof TABS) : null;
  const tabs = useChosenInSight(`${tab} ${instance.data !== undefined}`);
  useTitle(known ? `${TABS[known][0]} of ${name}` : name);

  if (instance.error instanceof ApiError && instance.error.status === 404)
    return (
      <Nothing title={`There is no instance ${name}`} action={<Link to="/" className="text-kumo-link underline">All instances</Link>}>
        The namespace {namespace} of this account has no instance of that name. It may have been deleted.
      </Nothing>
    );
  if (instance.error) return <Failed error={instance.error} retry={instance.reload} />;
  if (!instance.data) return <Waiting />;
  const home = `/instances/${namespace}/${name}`;
  const here: Here = {
    place,
    home,
    instance: instance.data,
    stats: busy ? (stats.data ?? working.data) : working.data,
    reload: instance.reload,
    reloadStats: working.reload,
    setInstance: instance.set,
    section,
  };
  const Page = known ? TABS[known][1] : null;
  return (
    <Surroundings.Provider value={here}>
      <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-1">
        <Link to={namespace === "default" ? "/" : `/namespaces/${namespace}`} className="inline-flex min-h-8 items-center text-kumo-subtle hover:underline">
          {namespace === "default" ? "Instances" : namespace}
        </Link>
        <span aria-hidden className="text-kumo-subtle">
          /
        </span>
        <span className="min-w-0 truncate text-lg font-semibold">{name}</span>
        <StatusBadge status={instance.data.status} paused={instance.data.paused} failed={instance.data.sync_error !== null} />
      </div>
      <nav ref={tabs} aria-label="Parts of the instance" className="relative mb-6 flex gap-1 overflow-x-auto border-b border-kumo-line">
        {Object.entries(TABS).map(([key, [label]]) => (
          <Link
            key={key}
            to={key === "overview" ? home : `${home}/${key}`}
            aria-current={key === tab ? "page" : undefined}
            className={`-mb-px whitespace-nowrap border-b-2 px-3 py-2 ${key === tab ? "border-[var(--accent)] font-medium" : "border-transparent text-kumo-subtle hover:text-kumo-default"}`}
          >
            {label}
          </Link>
        ))}
      </nav>
      <Suspense fallback={<Waiting />}>{Page ? <Page /> : <Nothing title="Page not found" />}</Suspense>
    </Surroundings.Provider>
  );
}
