// Namespaces: groups of instances with names of their own.
import { Button } from "@cloudflare/kumo/components/button";
import { PlusIcon, TrashIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { createNamespace, deleteNamespace } from "../api/admin";
import { listInstances, listNamespaces } from "../api/calls";
import { useLoad, useTitle } from "../hooks";
import { Heading } from "../parts/card";
import { Confirm } from "../parts/confirm";
import { DialogForm } from "../parts/dialog-form";
import { TextField } from "../parts/fields";
import { Failed, say, Waiting } from "../parts/states";
import { Link } from "../router";
import { plural } from "../words";

interface Space {
  name: string;
  description: string | null;
  instances: number;
}

async function load(): Promise<Space[]> {
  const found = [{ name: "default", description: "Always exists" }, ...(await listNamespaces())];
  const counts = await Promise.all(found.map((one) => listInstances(one.name, "", 1)));
  return found.map((one, at) => ({ name: one.name, description: one.description, instances: counts[at]?.total ?? 0 }));
}

export default function Namespaces() {
  useTitle("Namespaces");
  const spaces = useLoad(load, []);
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<string>();
  return (
    <>
      <Heading
        title="Namespaces"
        about="A namespace groups instances. Names of instances are unique within it, and one search can cover several of them."
        action={<Button aria-haspopup="dialog" variant="primary" icon={<PlusIcon />} onClick={() => setCreating(true)}>Create namespace</Button>}
      />
      {spaces.error ? (
        <Failed error={spaces.error} retry={spaces.reload} title="Could not list the namespaces" />
      ) : !spaces.data ? (
        <Waiting />
      ) : (
        <ul className="overflow-hidden rounded-xl border border-kumo-hairline bg-kumo-base shadow-xs">
          {spaces.data.map((one) => (
            <li key={one.name} className="flex items-center gap-3 border-b border-kumo-hairline pr-4 last:border-0">
              <Link to={one.name === "default" ? "/" : `/namespaces/${one.name}`} className="min-w-0 flex-1 px-5 py-3 hover:bg-kumo-tint">
                <span className="block font-medium break-all">{one.name}</span>
                <span className="block text-[13px] break-words text-kumo-subtle">{[plural(one.instances, "instance"), one.description].filter(Boolean).join(" · ")}</span>
              </Link>
              {one.name !== "default" && (
                <Button
                  aria-haspopup="dialog"
                  variant="ghost"
                  shape="square"
                  icon={<TrashIcon />}
                  aria-label={`Delete ${one.name}`}
                  title={one.instances ? "Delete its instances first" : "Delete"}
                  disabled={one.instances > 0}
                  onClick={() => setDeleting(one.name)}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {creating && <Create onClose={() => setCreating(false)} onMade={() => void spaces.reload()} />}
      {deleting && (
        <Confirm
          open
          onClose={() => setDeleting(undefined)}
          title={`Delete the namespace “${deleting}”?`}
          action="Delete"
          run={async () => {
            await deleteNamespace(deleting);
            say(`Deleted ${deleting}`);
            await spaces.reload();
          }}
        >
          It contains no instances. Its public endpoint, if any, stops working.
        </Confirm>
      )}
    </>
  );
}

function Create({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  return (
    <DialogForm
      title="Create a namespace"
      action="Create"
      ready={name !== ""}
      onClose={onClose}
      run={async () => {
        await createNamespace(name, description.trim());
        say(`Created ${name}`);
        onMade();
      }}
    >
      <TextField label="Name" name="name" value={name} onChange={(text) => setName(text.toLowerCase().replace(/\s+/g, "-"))} placeholder="support" required autoFocus help="1 to 28 letters, digits and inner hyphens. Used in API URLs; can't be changed later." />
      <TextField label="Description (optional)" name="description" value={description} onChange={setDescription} placeholder="What support searches" />
    </DialogForm>
  );
}
