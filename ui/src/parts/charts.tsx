// Charts in SVG and plain boxes, each with its figures as text.
import { count, percent } from "../words";

interface Bar {
  label: string;
  value: number;
  shown: string;
  about?: string;
  color?: string;
}

export function Bars({ rows, label }: { rows: Bar[]; label: string }) {
  const most = Math.max(...rows.map((one) => one.value), 1e-9);
  if (!rows.length) return <p className="py-6 text-center text-kumo-subtle">Nothing yet.</p>;
  return (
    <ul aria-label={label} className="flex flex-col gap-3">
      {rows.map((row) => (
        <li key={row.label}>
          <div className="flex justify-between gap-3 text-[13px]">
            <span>{row.label}</span>
            <span className="tabular-nums">{row.shown}</span>
          </div>
          <svg viewBox="0 0 100 3" preserveAspectRatio="none" className="mt-1 h-2 w-full rounded-full bg-kumo-recessed" aria-hidden>
            <rect width={Math.max(0.6, (100 * row.value) / most)} height="3" style={{ fill: row.color ?? "var(--accent)" }} />
          </svg>
          {row.about && <div className="mt-0.5 text-xs text-kumo-subtle">{row.about}</div>}
        </li>
      ))}
    </ul>
  );
}

interface Part {
  label: string;
  value: number;
  color: string;
}

export function Split({ parts, label }: { parts: Part[]; label: string }) {
  const total = parts.reduce((all, one) => all + one.value, 0);
  let from = 0;
  return (
    <div>
      <div className="flex justify-between text-[13px]">
        <span className="font-medium">{label}</span>
        <span className="tabular-nums">{count(total)}</span>
      </div>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" className="mt-1.5 h-3 w-full rounded-full bg-kumo-recessed" aria-hidden>
        {parts.map((one) => {
          const width = total ? (100 * one.value) / total : 0;
          const x = from;
          from += width;
          return <rect key={one.label} x={x} width={width} height="4" style={{ fill: one.color }} />;
        })}
      </svg>
      <ul className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1 text-xs">
        {parts
          .filter((one) => one.value > 0)
          .map((one) => (
            <li key={one.label} className="flex items-center gap-1.5">
              <span aria-hidden className="size-2 rounded-full" style={{ background: one.color }} />
              {one.label} <span className="tabular-nums">{count(one.value)}</span> ({percent(one.value / total)})
            </li>
          ))}
      </ul>
    </div>
  );
}

export function Lines({ points, label }: { points: { at: number; value: number }[]; label: string }) {
  const [width, height] = [480, 130];
  const most = Math.max(...points.map((one) => one.value), 1);
  const begin = points[0]?.at ?? 0;
  const end = points.at(-1)?.at ?? 1;
  const x = (at: number) => ((at - begin) / Math.max(1, end - begin)) * width;
  const y = (value: number) => height - 4 - (value / most) * (height - 12);
  const path = points.map((one, at) => `${at ? "L" : "M"}${x(one.at).toFixed(1)} ${y(one.value).toFixed(1)}`).join("");
  const last = points.at(-1)?.value ?? 0;
  return (
    <figure>
      <svg viewBox={`0 0 ${width} ${height}`} className="w-full" role="img" aria-label={`${label}: now ${Math.round(last)}, at most ${Math.round(most)}`}>
        {[0, 0.5, 1].map((share) => (
          <line key={share} x1="0" x2={width} y1={y(share * most)} y2={y(share * most)} style={{ stroke: "var(--color-kumo-line)" }} strokeDasharray="3 4" />
        ))}
        <path d={`${path}L${width} ${height}L0 ${height}Z`} style={{ fill: "var(--accent)", opacity: 0.12 }} />
        <path d={path} fill="none" style={{ stroke: "var(--accent)" }} strokeWidth="2" vectorEffect="non-scaling-stroke" />
      </svg>
      <figcaption className="flex justify-between text-xs text-kumo-subtle tabular-nums">
        <span>{new Date(begin).toLocaleTimeString("en", { hour12: false })}</span>
        <span>at most {Math.round(most)}</span>
        <span>{new Date(end).toLocaleTimeString("en", { hour12: false })}</span>
      </figcaption>
    </figure>
  );
}
