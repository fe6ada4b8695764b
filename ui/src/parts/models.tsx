// The choice of a reranker, with what a choice needs: size, languages, licence, and whether it is here.
import { createContext, type ReactNode, useContext } from "react";
import { listModels } from "../api/calls";
import type { Model } from "../api/types";
import { type Loaded, useLoad, useSession } from "../hooks";
import { Link } from "../router";
import { millions } from "../words";
import { ModelBadge } from "./badges";
import { Choice } from "./fields";

const Models = createContext<Loaded<Model[]> | null>(null);

export function ModelsProvider({ children }: { children: ReactNode }) {
  const session = useSession();
  const loaded = useLoad(() => listModels("reranking"), [session]);
  return <Models.Provider value={loaded}>{children}</Models.Provider>;
}

export function useRerankers(): Model[] {
  return useContext(Models)?.data ?? [];
}

export function languagesOf(model: Model): string {
  if (model.multilingual) return "many languages";
  if (!model.languages.length) return "languages unknown";
  const names = new Intl.DisplayNames("en", { type: "language" });
  return model.languages.map((one) => names.of(one)).join(", ");
}

/** The model of that name or alias; what follows a ? tells a variant of it. */
export function findModel(models: Model[], named: string | null): Model | undefined {
  const name = named?.split("?")[0];
  return name ? models.find((one) => one.name === name || one.aliases.includes(name)) : models.find((one) => one.status === "built_in");
}

const WORDS = { built_in: "built in", cached: "cached", remote: "remote", absent: "not downloaded", unavailable: "unavailable" };

export function ModelChoice({ value, onChange, label = "Model", disabled = false, help, name }: {
  value: string | null;
  onChange: (value: string | null) => void;
  label?: string;
  disabled?: boolean;
  help?: ReactNode;
  name?: string;
}) {
  const models = useRerankers();
  const chosen = findModel(models, value);
  const options = models.map((one) => ({
    value: one.name,
    label: one.name,
    about: [millions(one.parameters), languagesOf(one), one.licence, WORDS[one.status]].filter(Boolean).join(" · "),
  }));
  const variant = chosen && value?.includes("?") ? value : null;
  if (value && (!chosen || variant)) options.push({ value, label: value, about: variant ? `a variant of ${chosen?.name}` : "not in the list of this server" });
  return (
    <div className="flex flex-col gap-2">
      <Choice
        label={label}
        name={name}
        help={help}
        disabled={disabled}
        value={variant ?? chosen?.name ?? value ?? ""}
        options={options}
        onChange={(name) => onChange(models.find((one) => one.name === name)?.status === "built_in" ? null : name)}
      />
      {chosen && <ModelFacts model={chosen} />}
    </div>
  );
}

/** Begins with a capital, as a sentence does. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function ModelFacts({ model }: { model: Model }) {
  const facts = [millions(model.parameters), languagesOf(model), model.licence, model.max_tokens && `reads ${model.max_tokens} tokens`];
  return (
    <div className="flex flex-col gap-1 rounded-lg bg-kumo-recessed px-3 py-2 text-[13px]">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <ModelBadge status={model.status} />
        <span>{facts.filter(Boolean).join(" · ")}</span>
      </div>
      {model.status === "absent" && (
        <p className="break-words">
          {model.obstacle ? (
            <>This server cannot run this model: {model.obstacle.replaceAll("`", "")}</>
          ) : (
            <>
              Its weights are not on this server.{" "}
              <Link to="/models" className="text-kumo-link underline">
                Download it
              </Link>
              . Until then the built-in model reranks, and the receipt says so.
            </>
          )}
        </p>
      )}
      {model.status === "unavailable" && (
        <p className="break-words">{sentence(model.note)}. Until this is fixed, searches keep the order of retrieval.</p>
      )}
    </div>
  );
}
