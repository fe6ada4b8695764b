// Results judged into a named query set of the instance, which the Lab can measure on.
import { Button } from "@cloudflare/kumo/components/button";
import { ThumbsDownIcon, ThumbsUpIcon } from "@phosphor-icons/react";
import { useEffect, useState } from "react";
import { createSet, judge, listSets, type Place, readSet, unjudge } from "../../api/calls";
import type { QuerySet } from "../../api/types";
import { useLoad } from "../../hooks";
import { Link } from "../../router";
import { plural } from "../../words";
import { Choice, TextField } from "../fields";
import { complain, say } from "../states";

export const FIRST_SET = "my-queries";
const NEW = "\u0000new";

export interface Judging {
  place: Place;
  sets: QuerySet[];
  chosen: string;
  choose: (name: string) => void;
  create: (name: string) => Promise<void>;
  /** The name of the set to judge into, made if there is none yet. */
  ensure: () => Promise<string>;
  reload: () => Promise<void>;
}

/** The sets of the instance and the one that is judged into, remembered in this browser. */
export function useJudging(place: Place): Judging {
  const key = `secondlook.set.${place.namespace}/${place.name}`;
  const [wanted, setWanted] = useState(() => localStorage.getItem(key) ?? "");
  const found = useLoad(() => listSets(place), [place]);
  const sets = found.data ?? [];
  const chosen = sets.some((one) => one.name === wanted) ? wanted : (sets[0]?.name ?? "");
  function choose(name: string): void {
    localStorage.setItem(key, name);
    setWanted(name);
  }
  async function create(name: string): Promise<void> {
    const made = await createSet(place, name);
    choose(made.name);
    await found.reload();
  }
  async function ensure(): Promise<string> {
    if (chosen) return chosen;
    await create(FIRST_SET);
    return FIRST_SET;
  }
  return { place, sets, chosen, choose, create, ensure, reload: found.reload };
}

export function SetChooser({ judging, home }: { judging: Judging; home: string }) {
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const now = judging.sets.find((one) => one.name === judging.chosen);
  async function create(): Promise<void> {
    try {
      await judging.create(name.trim());
      setNaming(false);
      setName("");
    } catch (error) {
      complain(error);
    }
  }
  if (naming)
    return (
      <div className="flex items-end gap-2" onKeyDown={(event) => event.key === "Enter" && (event.preventDefault(), void create())}>
        <TextField label="Name of the query set" value={name} onChange={setName} autoFocus />
        <Button variant="primary" disabled={!name.trim()} onClick={create}>
          Create
        </Button>
        <Button onClick={() => setNaming(false)}>Cancel</Button>
      </div>
    );
  return (
    <div className="flex flex-wrap items-end gap-x-3 gap-y-1">
      <div className="w-56">
        <Choice
          label="Judge into query set"
          value={judging.chosen || FIRST_SET}
          onChange={(value) => (value === NEW ? setNaming(true) : judging.choose(value))}
          options={[...(judging.sets.length ? judging.sets : [{ name: FIRST_SET }]).map((one) => ({ value: one.name, label: one.name })), { value: NEW, label: "New query set …" }]}
        />
      </div>
      {now && (
        <Link className="pb-1.5 text-[13px] text-kumo-link underline" to={`${home}/lab/sets`}>
          {plural(now.queries, "query", "queries")}, {plural(now.judgments, "judgment")}
        </Link>
      )}
    </div>
  );
}

type Grades = Record<string, number | null>;

/** The grades that the chosen set has for a query, by chunk, and a way to set one.
 *
 * What is given here stays over what the server answers, which may be from before it: the first grade also makes the
 * set, whose grades are then read while this one is still being stored.
 */
export function useGrades(judging: Judging, query: string) {
  const { place, chosen } = judging;
  const about = [place.namespace, place.name, chosen || FIRST_SET, query].join("\n");
  const [stored, setStored] = useState<Grades>({});
  const [given, setGiven] = useState<{ about: string; grades: Grades }>({ about, grades: {} });
  const merged: Grades = { ...stored, ...(given.about === about ? given.grades : {}) };
  useEffect(() => {
    let gone = false;
    setStored({});
    if (chosen && query)
      readSet(place, chosen, { query, page: 1 })
        .then(({ rows }) => !gone && setStored(Object.fromEntries((rows[0]?.judgments ?? []).map((one) => [one.chunk_id ?? one.item_key, one.grade]))))
        .catch(complain);
    return () => {
      gone = true;
    };
  }, [place, chosen, query]);
  async function give(chunk: string, grade: number | null): Promise<void> {
    const before = merged[chunk] ?? null;
    const set = (value: number | null) => setGiven((now) => ({ about, grades: { ...(now.about === about ? now.grades : {}), [chunk]: value } }));
    set(grade);
    try {
      const name = await judging.ensure();
      await (grade === null ? unjudge(place, name, { query, chunk_id: chunk }) : judge(place, name, { query, chunk_id: chunk, grade }));
      if (!chosen) say(`Created the query set ${name}`);
      await judging.reload();
    } catch (error) {
      set(before);
      complain(error);
    }
  }
  return { grades: merged, give };
}

const THUMBS = [
  [1, "Relevant", ThumbsUpIcon],
  [0, "Not relevant", ThumbsDownIcon],
] as const;

/** Two thumbs; the one that is given takes its judgment back. */
export function Thumbs({ grade, give, about }: { grade: number | null | undefined; give: (grade: number | null) => void; about: string }) {
  return THUMBS.map(([value, label, Icon]) => {
    const given = grade != null && grade > 0 === value > 0;
    return <Button key={value} size="sm" shape="square" variant="ghost" aria-label={`${label}: ${about}`} title={label} aria-pressed={given} icon={<Icon weight={given ? "fill" : "regular"} />} onClick={() => give(given ? null : value)} />;
  });
}
