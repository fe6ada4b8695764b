// Figures over time, drawn at the size of their place, with what lies under the pointer told; the same as a table for screen readers.
import { type PointerEvent, useLayoutEffect, useRef, useState } from "react";

export interface Series {
  label: string;
  color: string;
  /** One for each moment; null where there is nothing to tell. */
  values: (number | null)[];
  dashed?: boolean;
}

interface Props {
  label: string;
  at: string[];
  series: Series[];
  shown: (value: number) => string;
  when: (at: string) => string;
  kind?: "lines" | "bars";
  /** The top of the scale; the largest value unless given. */
  most?: number;
}

const HEIGHT = 190;
const TOP = 10;
const BOTTOM = 24;
const LEFT = 52;
const RIGHT = 10;

export function TimeChart({ label, at, series, shown, when, kind = "lines", most }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(560);
  const [over, setOver] = useState<number | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const watching = new ResizeObserver(() => setWidth(Math.max(240, element.clientWidth)));
    watching.observe(element);
    return () => watching.disconnect();
  }, []);

  const number = at.length;
  const sums = at.map((_, place) => series.reduce((all, one) => all + (one.values[place] ?? 0), 0));
  const largest = kind === "bars" ? Math.max(...sums, 0) : Math.max(...series.flatMap((one) => one.values.map((value) => value ?? 0)), 0);
  const ticks = scale(most ?? largest);
  const ceiling = ticks.at(-1) ?? 1;
  const inner = width - LEFT - RIGHT;
  const x = (place: number) => LEFT + ((place + 0.5) / number) * inner;
  const y = (value: number) => TOP + (1 - value / ceiling) * (HEIGHT - TOP - BOTTOM);

  function look(event: PointerEvent<SVGSVGElement>): void {
    const left = event.currentTarget.getBoundingClientRect().left;
    const place = Math.floor(((event.clientX - left - LEFT) / inner) * number);
    setOver(place >= 0 && place < number ? place : null);
  }
  const marks = labels(number, inner);

  return (
    <figure className="m-0">
      <ul className="mb-1 flex flex-wrap gap-x-4 gap-y-1 text-xs" aria-hidden>
        {series.map((one) => (
          <li key={one.label} className="flex items-center gap-1.5">
            <span className="h-0.5 w-4 rounded-full" style={kind === "bars" ? { background: one.color, height: 8, width: 8 } : { background: one.color }} />
            {one.label}
          </li>
        ))}
      </ul>
      <div ref={box} className="relative">
        <svg width={width} height={HEIGHT} className="block touch-pan-y" aria-hidden onPointerMove={look} onPointerLeave={() => setOver(null)}>
          {ticks.map((value) => (
            <g key={value}>
              <line x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} style={{ stroke: "var(--color-kumo-line)" }} strokeDasharray={value ? "3 4" : undefined} />
              <text x={LEFT - 8} y={y(value) + 4} textAnchor="end" fontSize="11" style={{ fill: "var(--text-color-kumo-subtle)" }}>
                {shown(value).replace(/\.0+(?= )/, "")}
              </text>
            </g>
          ))}
          {marks.map((place) => (
            <text key={place} x={x(place)} y={HEIGHT - 6} textAnchor={place === 0 ? "start" : place === number - 1 ? "end" : "middle"} fontSize="11" style={{ fill: "var(--text-color-kumo-subtle)" }}>
              {when(at[place] ?? "")}
            </text>
          ))}
          {over !== null && <line x1={x(over)} x2={x(over)} y1={TOP} y2={HEIGHT - BOTTOM} style={{ stroke: "var(--quiet)" }} />}
          {kind === "bars" ? <Stacks series={series} number={number} x={x} y={y} width={inner / number} /> : series.map((one) => <Curve key={one.label} series={one} x={x} y={y} />)}
          {over !== null && kind === "lines" && series.map((one) => one.values[over] !== null && one.values[over] !== undefined && <circle key={one.label} cx={x(over)} cy={y(one.values[over])} r="3.5" style={{ fill: one.color }} />)}
        </svg>
        {over !== null && (
          <div aria-hidden className="pointer-events-none absolute top-1 z-10 rounded-lg border border-kumo-line bg-kumo-base px-2.5 py-1.5 text-xs shadow-md" style={x(over) > width / 2 ? { right: width - x(over) + 10 } : { left: x(over) + 10 }}>
            <div className="mb-0.5 whitespace-nowrap text-kumo-subtle">{when(at[over] ?? "")}</div>
            {series.map((one) => (
              <div key={one.label} className="flex items-center gap-1.5 whitespace-nowrap tabular-nums">
                <span className="size-2 rounded-full" style={{ background: one.color }} />
                {one.label} <strong className="ml-auto pl-2 font-semibold">{told(one.values[over], shown)}</strong>
              </div>
            ))}
          </div>
        )}
      </div>
      <div className="sr-only">
        <table>
        <caption>{label}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map((one) => (
              <th key={one.label} scope="col">
                {one.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {at.map((moment, place) =>
            series.some((one) => one.values[place]) ? (
              <tr key={moment}>
                <th scope="row">{when(moment)}</th>
                {series.map((one) => (
                  <td key={one.label}>{told(one.values[place], shown)}</td>
                ))}
              </tr>
            ) : null,
          )}
        </tbody>
        </table>
      </div>
    </figure>
  );
}

function told(value: number | null | undefined, shown: (value: number) => string): string {
  return value === null || value === undefined ? "–" : shown(value);
}

/** A line that breaks off where there is nothing to tell; a moment alone is a dot. */
function Curve({ series, x, y }: { series: Series; x: (place: number) => number; y: (value: number) => number }) {
  const { values, color } = series;
  let path = "";
  const alone: number[] = [];
  for (const [place, value] of values.entries()) {
    if (value === null) continue;
    const begins = (values[place - 1] ?? null) === null;
    path += `${begins ? "M" : "L"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    if (begins && (values[place + 1] ?? null) === null) alone.push(place);
  }
  return (
    <>
      <path d={path} fill="none" style={{ stroke: color }} strokeWidth="2" strokeLinejoin="round" strokeDasharray={series.dashed ? "5 4" : undefined} />
      {alone.map((place) => (
        <circle key={place} cx={x(place)} cy={y(values[place] ?? 0)} r="2.5" style={{ fill: color }} />
      ))}
    </>
  );
}

function Stacks({ series, number, x, y, width }: { series: Series[]; number: number; x: (place: number) => number; y: (value: number) => number; width: number }) {
  const thick = Math.max(1, width - Math.min(3, width * 0.25));
  return Array.from({ length: number }, (_, place) => {
    let below = 0;
    return series.map((one) => {
      const value = one.values[place] ?? 0;
      const from = below;
      below += value;
      return value ? <rect key={`${one.label}${place}`} x={x(place) - thick / 2} width={thick} y={y(below)} height={Math.max(1, y(from) - y(below))} style={{ fill: one.color }} /> : null;
    });
  });
}

/** At most five round values from 0 to what holds the largest. */
export function scale(most: number): number[] {
  if (most <= 0) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}

/** Which moments have room for a label. */
function labels(number: number, inner: number): number[] {
  if (number < 2) return number ? [0] : [];
  const many = Math.max(2, Math.min(number, Math.floor(inner / 110)));
  return [...new Set(Array.from({ length: many }, (_, at) => Math.round((at * (number - 1)) / (many - 1))))];
}
