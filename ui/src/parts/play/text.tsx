// The text of a chunk, with the sentence that carried its score marked.
import type { Chunk } from "../../api/types";

export function Marked({ chunk, around }: { chunk: Chunk; around?: number }) {
  const text = chunk.text ?? "";
  const place = find(text, chunk.explain?.sentence?.text ?? "");
  if (!place) return <>{around ? cut(text, 2 * around) : text}</>;
  const [from, to] = place;
  const before = text.slice(0, from);
  const after = text.slice(to);
  return (
    <>
      {around ? tail(before, around) : before}
      <mark>{text.slice(from, to)}</mark>
      {around ? cut(after, around) : after}
    </>
  );
}

/** Where the sentence stands in the text, whatever white space lies between its words. */
function find(text: string, sentence: string): [number, number] | null {
  const words = sentence.trim().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  const found = new RegExp(words.map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+")).exec(text);
  return found ? [found.index, found.index + found[0].length] : null;
}

const WORDS = new Intl.Segmenter(undefined, { granularity: "word" });
/** Letters of a word that a cut looks back for. */
const LONGEST_WORD = 64;

/** The beginning of a text, up to the end of a word. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const from = Math.max(0, most - LONGEST_WORD);
  let end = from;
  for (const one of WORDS.segment(text.slice(from, most + LONGEST_WORD))) if (from + one.index + one.segment.length <= most) end = from + one.index + one.segment.length;
  return `${text.slice(0, end > from ? end : most).trimEnd()} …`;
}

/** The end of a text, from the beginning of a word on. */
export function tail(text: string, most: number): string {
  if (text.length <= most) return text;
  const from = Math.max(0, text.length - most - LONGEST_WORD);
  const wanted = text.length - most - from;
  for (const one of WORDS.segment(text.slice(from))) if (one.index >= wanted && one.isWordLike) return `… ${text.slice(from + one.index)}`;
  return `… ${text.slice(-most)}`;
}
