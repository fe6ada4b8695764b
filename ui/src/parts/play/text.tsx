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

const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most).trimEnd()} …` : text);
const tail = (text: string, most: number) => (text.length > most ? `… ${text.slice(-most).trimStart()}` : text);
