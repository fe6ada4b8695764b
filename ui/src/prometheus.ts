// The text format of Prometheus, read into samples.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export function parseMetrics(text: string): Sample[] {
  const found: Sample[] = [];
  for (const line of text.split("\n")) {
    if (!line || line.startsWith("#")) continue;
    const parts = LINE.exec(line);
    if (!parts) continue;
    const labels = Object.fromEntries([...(parts[2] ?? "").matchAll(LABEL)].map((one) => [one[1] ?? "", (one[2] ?? "").replace(/\\(.)/g, "$1")]));
    found.push({ name: parts[1] ?? "", labels, value: parts[3] === "+Inf" ? Number.POSITIVE_INFINITY : Number(parts[3]) });
  }
  return found;
}

export function sum(samples: Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples.filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value)).reduce((total, one) => total + one.value, 0);
}

/** The seconds below which that share of a histogram lies, between bounds of its buckets; null when it is empty. */
export function quantile(samples: Sample[], name: string, share: number, labels: Record<string, string>): number | null {
  const buckets = samples
    .filter((one) => one.name === `${name}_bucket` && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .map((one) => ({ below: one.labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(one.labels.le), count: one.value }))
    .sort((one, other) => one.below - other.below);
  const all = buckets.at(-1)?.count ?? 0;
  if (!all) return null;
  const wanted = share * all;
  let low = 0;
  let before = 0;
  for (const { below, count } of buckets) {
    if (count >= wanted) return below === Number.POSITIVE_INFINITY ? low : low + ((below - low) * (wanted - before)) / (count - before || 1);
    low = below;
    before = count;
  }
  return low;
}
