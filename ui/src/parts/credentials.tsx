// Credentials of buckets: entered, tested, replaced. A secret goes to the server once and never comes back.
import { Banner } from "@cloudflare/kumo/components/banner";
import { Button } from "@cloudflare/kumo/components/button";
import { PlugsConnectedIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { replaceServiceToken, type SourceTestBody, testSource } from "../api/admin";
import { createServiceToken } from "../api/calls";
import { told } from "../api/client";
import type { ServiceToken, Settings, SourceTest } from "../api/types";
import { DialogForm } from "./dialog-form";
import { TextField } from "./fields";
import { say } from "./states";

/** The token that every account has; it holds no credentials. */
export const BUILT_IN_TOKEN = "00000000-0000-0000-0000-000000000000";

export function CredentialsDialog({ before, draft, onSaved, onClose }: {
  before?: ServiceToken;
  /** The source that they are for; without one they cannot be tested. */
  draft?: Settings;
  onSaved: (token: ServiceToken) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(before?.name ?? draft?.source ?? "");
  const [key, setKey] = useState(before?.cf_api_id ?? "");
  const [secret, setSecret] = useState("");
  const keys = { access_key: key.trim(), secret_key: secret.trim() };
  async function save(): Promise<void> {
    const body = { name: name.trim(), cf_api_id: keys.access_key, cf_api_key: keys.secret_key };
    const saved = before ? await replaceServiceToken(before.id, body) : await createServiceToken(body);
    say(`Saved the credentials ${saved.name}`);
    onSaved(saved);
  }
  return (
    <DialogForm
      title={before ? `Replace the credentials “${before.name}”` : "Add bucket credentials"}
      about="The server keeps the secret in a file that only its own user can read. It is never shown again."
      action="Save"
      run={save}
      onClose={onClose}
    >
      <TextField label="Name" name="name" value={name} onChange={setName} help="Shown in lists." required autoFocus />
      <TextField label="Access key ID" name="cf_api_id" value={key} onChange={setKey} autoComplete="off" required help="For R2: the ID of an API token, or the access key ID." />
      <TextField label="Secret access key" name="cf_api_key" type="password" value={secret} onChange={setSecret} autoComplete="new-password" required />
      {draft?.source && <ConnectionTest body={sourceBody(draft, keys)} disabled={!keys.access_key || !keys.secret_key} />}
    </DialogForm>
  );
}

/** What is tested: the source of the draft, with its token or with credentials that are not saved yet. */
export function sourceBody(draft: Settings, keys?: { access_key: string; secret_key: string }): SourceTestBody {
  return {
    type: draft.type as SourceTestBody["type"],
    source: draft.source?.trim() ?? "",
    source_params: draft.source_params as Record<string, unknown> | null,
    ...(keys ? { credentials: keys } : draft.token_id && { token_id: draft.token_id }),
  };
}

export function ConnectionTest({ body, disabled = false }: { body: SourceTestBody; disabled?: boolean }) {
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<{ of: string; test: SourceTest }>();
  const asked = JSON.stringify(body);
  const shown = found?.of === asked ? found.test : undefined;
  async function test(): Promise<void> {
    setBusy(true);
    setFound(undefined);
    try {
      setFound({ of: asked, test: await testSource(body) });
    } catch (error) {
      setFound({ of: asked, test: { reachable: false, field: null, message: told(error), keys: [] } });
    } finally {
      setBusy(false);
    }
  }
  return (
    <div className="flex flex-col items-start gap-3">
      <Button icon={<PlugsConnectedIcon />} loading={busy} disabled={busy || disabled || !body.source} onClick={test}>
        Test connection
      </Button>
      <div role="status" className="w-full">
        {busy && <span className="text-[13px] text-kumo-subtle">Connecting; this takes up to 20 seconds.</span>}
        {shown?.reachable && <Banner variant="default" title="Connected" description={shown.keys.length ? `The first keys are ${shown.keys.join(", ")}.` : "The bucket is empty, or no key has the prefix."} />}
        {shown && !shown.reachable && <Banner variant="error" title={TITLES[shown.field ?? ""] ?? "Could not connect"} description={shown.message} />}
      </div>
    </div>
  );
}

const TITLES: Record<string, string> = { token_id: "These credentials do not work", source: "Could not read the source" };
