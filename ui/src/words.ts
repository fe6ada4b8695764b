// Numbers, times and sizes as people read them.

const COUNT = new Intl.NumberFormat("en");
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** What the server says, as a sentence for people: a capital letter first, and no name for programs before it. */
export function sentence(text: string): string {
  const words = text.replace(/^[a-z]+(_[a-z]+)+: /, "");
  return `${words[0]?.toUpperCase() ?? ""}${words.slice(1)}`;
}

export const count = (value: number): string => COUNT.format(value);

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let left = value;
  while (left >= 1000 && at < units.length - 1) {
    left /= 1000;
    at++;
  }
  return `${at && left < 10 ? left.toFixed(1) : Math.round(left)} ${units[at]}`;
}

export function ago(iso: string | null | undefined): string {
  if (!iso) return "never";
  const seconds = (new Date(iso).getTime() - Date.now()) / 1000;
  for (const [unit, size] of STEPS)
    if (Math.abs(seconds) >= size || unit === "second") return RELATIVE.format(Math.round(seconds / size), unit);
  return "now";
}

export function moment(value: string | number): string {
  return new Date(value).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" });
}

export function clock(value: string | number): string {
  return new Date(value).toLocaleTimeString("en", { hour12: false });
}

export function span(seconds: number): string {
  for (const [unit, size] of STEPS)
    if (seconds >= size && seconds % size === 0) return plural(seconds / size, unit as string);
  return plural(seconds, "second");
}

export function ms(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
  if (value >= 100) return `${Math.round(value)} ms`;
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}

/** Never above the score, so that whoever takes it for a threshold keeps the result. */
export const score = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : (Math.floor(value * 1000 + 1e-6) / 1000).toFixed(3);

export const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;

export function millions(parameters: number | null): string {
  if (!parameters) return "";
  return `${Math.round(parameters / 1e6)} M parameters`;
}

/** The ways to merge the lists of a hybrid search, as the settings offer them. */
export const FUSIONS = [
  { value: "convex" as const, label: "By score (convex)", about: "a weighted sum of cosine similarity and BM25" },
  { value: "rrf" as const, label: "By rank (RRF)", about: "reciprocal rank fusion: only ranks count" },
  { value: "max" as const, label: "By the higher score (max)", about: "the higher of the two normalised scores" },
];

/** How the lists of a hybrid search are merged, in a few words. */
export function fusionOf({ fusion_method = "convex", fusion_weight }: { fusion_method?: string | undefined; fusion_weight: number }): string {
  const label = FUSIONS.find((one) => one.value === fusion_method)?.label ?? fusion_method;
  const words = label.replace("By", "by");
  return fusion_method === "convex" ? `${words}, cosine weight ${fusion_weight.toFixed(2)}` : words;
}
