// Panels, facts in them, and headings of pages.
import type { ReactNode } from "react";

export function Card({ title, about, action, children, className = "", id }: {
  title?: ReactNode;
  about?: ReactNode;
  action?: ReactNode;
  children?: ReactNode;
  className?: string;
  id?: string;
}) {
  return (
    <section id={id} aria-label={typeof title === "string" ? title : undefined} className={`min-w-0 rounded-xl border border-kumo-hairline bg-kumo-base shadow-xs ${className}`}>
      {title && (
        <header className="flex flex-wrap items-start justify-between gap-3 border-b border-kumo-hairline px-5 py-3.5">
          <div>
            <h2 className="text-[15px] font-semibold">{title}</h2>
            {about && <p className="mt-0.5 text-[13px] text-kumo-subtle">{about}</p>}
          </div>
          {action}
        </header>
      )}
      <div className="px-5 py-4">{children}</div>
    </section>
  );
}

export function Heading({ title, about, action, above }: { title: ReactNode; about?: ReactNode; action?: ReactNode; above?: ReactNode }) {
  return (
    <div className="mb-6 flex flex-wrap items-end justify-between gap-4">
      <div className="min-w-0">
        {above}
        <h1 className="truncate text-2xl font-semibold tracking-tight">{title}</h1>
        {about && <p className="mt-1 text-kumo-subtle">{about}</p>}
      </div>
      {action && <div className="flex flex-wrap items-center gap-2">{action}</div>}
    </div>
  );
}

export function Facts({ rows }: { rows: [ReactNode, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-6 gap-y-2.5">
      {rows.map(([name, value], at) => (
        <div key={at} className="contents">
          <dt className="text-kumo-subtle">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Figure({ label, value, about, tone = "" }: { label: string; value: ReactNode; about?: ReactNode; tone?: string }) {
  return (
    <div className="rounded-xl border border-kumo-hairline bg-kumo-base px-4 py-3 shadow-xs">
      <div className="text-[13px] text-kumo-subtle">{label}</div>
      <div className={`mt-0.5 text-2xl font-semibold tabular-nums tracking-tight ${tone}`}>{value}</div>
      {about && <div className="text-xs text-kumo-subtle">{about}</div>}
    </div>
  );
}
