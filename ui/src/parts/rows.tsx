// A list of things in a card: name, facts, and what can be done with each.
import type { ReactNode } from "react";

export function Rows({ children }: { children: ReactNode }) {
  return <ul className="-mx-5 -my-4 divide-y divide-kumo-hairline">{children}</ul>;
}

export function Line({ title, facts, badge, children }: { title: string; facts: string[]; badge?: ReactNode; children?: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-5 py-3">
      <div className="min-w-0 flex-1 basis-56">
        <div className="flex flex-wrap items-center gap-2">
          <span className="font-medium break-all">{title}</span> {badge}
        </div>
        <div className="text-[13px] break-words text-kumo-subtle">{facts.join(" · ")}</div>
      </div>
      <div className="flex items-center gap-1">{children}</div>
    </li>
  );
}
