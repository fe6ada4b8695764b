// The instance that a page is about.
import { createContext, useContext } from "react";
import type { Place } from "../api/calls";
import type { Instance, Stats } from "../api/types";

export interface Here {
  place: Place;
  home: string;
  instance: Instance;
  stats: Stats | undefined;
  reload: () => Promise<void>;
  reloadStats: () => Promise<void>;
  setInstance: (instance: Instance) => void;
  section: string;
}

export const Surroundings = createContext<Here | null>(null);

export function useHere(): Here {
  const found = useContext(Surroundings);
  if (!found) throw new Error("This component is used outside an instance.");
  return found;
}
