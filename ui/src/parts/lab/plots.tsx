// The plots of a report: quality against time, differences with their intervals, and what a score is worth.
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import type { Calibration, LabArm } from "../../api/types";
import { ms } from "../../words";
import { scale } from "../timechart";

const INK = "var(--text-color-kumo-subtle)";
const LINE = "var(--color-kumo-line)";

function Sized({ height, label, draw }: { height: number; label: string; draw: (width: number) => ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(560);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const watching = new ResizeObserver(() => setWidth(Math.max(240, element.clientWidth)));
    watching.observe(element);
    return () => watching.disconnect();
  }, []);
  return (
    <div ref={box}>
      <svg width={width} height={height} role="img" aria-label={label} className="block" fontSize="11">
        {draw(width)}
      </svg>
    </div>
  );
}

/** Quality against time; a line joins the arms that none beats in both. The table holds the same figures. */
export function Front({ arms, chosen, choose }: { arms: LabArm[]; chosen: string; choose: (name: string) => void }) {
  const height = 260;
  const [left, right, top, bottom] = [46, 16, 12, 40];
  const times = scale(Math.max(...arms.map((one) => one.p95_ms)) * 1.05);
  const quality = arms.map((one) => one["ndcg@10"]);
  const room = Math.max(0.02, (Math.max(...quality) - Math.min(...quality)) * 0.2);
  const [low, high] = [Math.max(0, Math.min(...quality) - room), Math.min(1, Math.max(...quality) + room)];
  const front = arms.filter((one) => one.on_front).sort((one, other) => one.p95_ms - other.p95_ms);
  return (
    <Sized
      height={height}
      label="nDCG@10 of each configuration over the 95th percentile of its search time"
      draw={(width) => {
        const x = (value: number) => left + (value / (times.at(-1) ?? 1)) * (width - left - right);
        const y = (value: number) => top + (1 - (value - low) / Math.max(1e-9, high - low)) * (height - top - bottom);
        return (
          <>
            {[0, 0.25, 0.5, 0.75, 1].map((share) => {
              const value = low + share * (high - low);
              return (
                <g key={share}>
                  <line x1={left} x2={width - right} y1={y(value)} y2={y(value)} style={{ stroke: LINE }} strokeDasharray="3 4" />
                  <text x={left - 6} y={y(value) + 4} textAnchor="end" style={{ fill: INK }}>
                    {value.toFixed(high - low < 0.04 ? 3 : 2)}
                  </text>
                </g>
              );
            })}
            {times.map((value) => (
              <text key={value} x={x(value)} y={height - bottom + 16} textAnchor="middle" style={{ fill: INK }}>
                {ms(value).replace(/\.0+(?= )/, "")}
              </text>
            ))}
            <text x={(left + width - right) / 2} y={height - 4} textAnchor="middle" style={{ fill: INK }}>
              95th percentile of search time
            </text>
            <polyline points={front.map((one) => `${x(one.p95_ms)},${y(one["ndcg@10"])}`).join(" ")} fill="none" style={{ stroke: "var(--accent)" }} strokeWidth="2" />
            {arms.map((one) => (
              <g key={one.name} className="cursor-pointer" onClick={() => choose(one.name)}>
                <title>{`${one.name}: nDCG@10 ${one["ndcg@10"].toFixed(3)}, ${ms(one.p95_ms)}`}</title>
                <circle cx={x(one.p95_ms)} cy={y(one["ndcg@10"])} r={one.name === chosen ? 8 : 5.5} style={{ fill: one.on_front ? "var(--accent)" : "var(--quiet)", stroke: one.name === chosen ? "var(--text-color-kumo-default)" : "none" }} strokeWidth="2" />
              </g>
            ))}
          </>
        );
      }}
    />
  );
}

/** A difference with its interval, on the scale of all of them. */
export function Interval({ low, high, at, most }: { low: number; high: number; at: number; most: number }) {
  const x = (value: number) => 50 + (50 * value) / Math.max(most, 1e-9);
  const color = low > 0 ? "var(--up)" : high < 0 ? "var(--down)" : "var(--quiet)";
  return (
    <svg viewBox="0 0 100 12" className="h-3 w-28" aria-hidden preserveAspectRatio="none">
      <line x1="50" x2="50" y1="0" y2="12" style={{ stroke: LINE }} vectorEffect="non-scaling-stroke" />
      <line x1={x(low)} x2={x(high)} y1="6" y2="6" style={{ stroke: color }} strokeWidth="2" vectorEffect="non-scaling-stroke" />
      <rect x={x(at) - 1.2} width="2.4" y="2.5" height="7" style={{ fill: color }} />
    </svg>
  );
}

/** What was said against what was true; the diagonal is the truth. */
export function Reliability({ told }: { told: Calibration }) {
  const height = 240;
  const [left, right, top, bottom] = [44, 16, 12, 40];
  const most = Math.max(1, ...told.bins.map((one) => one.pairs));
  return (
    <Sized
      height={height}
      label={`Reliability diagram over ${told.pairs} pairs`}
      draw={(width) => {
        const x = (value: number) => left + value * (width - left - right);
        const y = (value: number) => top + (1 - value) * (height - top - bottom);
        return (
          <>
            {[0, 0.25, 0.5, 0.75, 1].map((value) => (
              <g key={value}>
                <line x1={left} x2={width - right} y1={y(value)} y2={y(value)} style={{ stroke: LINE }} strokeDasharray="3 4" />
                <text x={left - 6} y={y(value) + 4} textAnchor="end" style={{ fill: INK }}>
                  {value}
                </text>
                <text x={x(value)} y={height - bottom + 16} textAnchor="middle" style={{ fill: INK }}>
                  {value}
                </text>
              </g>
            ))}
            <text x={(left + width - right) / 2} y={height - 4} textAnchor="middle" style={{ fill: INK }}>
              predicted probability
            </text>
            <line x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} style={{ stroke: "var(--quiet)" }} strokeDasharray="4 4" />
            {told.bins.map((one) => (
              <circle key={one.low} cx={x(one.told)} cy={y(one.true)} r={4 + 8 * Math.sqrt(one.pairs / most)} style={{ fill: "var(--accent)", opacity: 0.75 }}>
                <title>{`${one.pairs} pairs: ${one.told.toFixed(3)} told, ${one.true.toFixed(3)} relevant`}</title>
              </circle>
            ))}
          </>
        );
      }}
    />
  );
}
