// Who may use the API, and the credentials with which the server reads buckets.
import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { KeyIcon, PencilSimpleIcon, PlusIcon, ProhibitIcon, TrashIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { createAccessToken, deleteServiceToken, listAccessTokens, revokeAccessToken } from "../api/admin";
import { listTokens } from "../api/calls";
import type { AccessToken, ServiceToken } from "../api/types";
import { useLoad, useTitle } from "../hooks";
import { Card, Heading } from "../parts/card";
import { Confirm, Panel } from "../parts/confirm";
import { CopyButton } from "../parts/copy";
import { BUILT_IN_TOKEN, CredentialsDialog } from "../parts/credentials";
import { DialogForm } from "../parts/dialog-form";
import { Choice, TextField } from "../parts/fields";
import { Line, Rows } from "../parts/rows";
import { Failed, Nothing, say, Waiting } from "../parts/states";
import { ago } from "../words";

export default function Tokens() {
  useTitle("Tokens");
  return (
    <>
      <Heading title="Tokens" about="Tokens let programs and people use this server. Bucket credentials let this server read your buckets." />
      <div className="flex flex-col gap-6">
        <AccessTokens />
        <BucketCredentials />
      </div>
    </>
  );
}

function AccessTokens() {
  const tokens = useLoad(listAccessTokens, []);
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<AccessToken & { value: string }>();
  const [revoking, setRevoking] = useState<AccessToken>();
  return (
    <Card
      title="API tokens"
      about="Sent as Authorization: Bearer. The server stores only a hash, so it cannot show a token again."
      action={<Button aria-haspopup="dialog" variant="primary" icon={<PlusIcon />} onClick={() => setCreating(true)}>Create token</Button>}
    >
      {tokens.error ? (
        <Failed error={tokens.error} retry={tokens.reload} title="Could not list the tokens" />
      ) : !tokens.data ? (
        <Waiting />
      ) : (
        <Rows>
          {tokens.data.map((one) => (
            <Line
              key={one.id}
              title={one.name}
              facts={[PERMISSIONS[one.permission], one.account ? `account ${one.account}` : "all accounts", `created ${ago(one.created_at)}`, ...(one.expires_at ? [`${isOver(one) ? "expired" : "expires"} ${ago(one.expires_at)}`] : [])]}
              badge={one.revoked ? <Badge variant="secondary">revoked</Badge> : isOver(one) ? <Badge variant="secondary">expired</Badge> : one.current ? <Badge variant="success">this session</Badge> : null}
            >
              {!one.revoked && !isOver(one) && <Button aria-haspopup="dialog" variant="ghost" icon={<ProhibitIcon />} aria-label={`Revoke ${one.name}`} onClick={() => setRevoking(one)}>Revoke</Button>}
            </Line>
          ))}
        </Rows>
      )}
      {creating && (
        <CreateToken
          onMade={(token) => {
            setMade(token);
            void tokens.reload();
          }}
          onClose={() => setCreating(false)}
        />
      )}
      {made && <Secret token={made} onClose={() => setMade(undefined)} />}
      {revoking && (
        <Confirm
          open
          onClose={() => setRevoking(undefined)}
          title={`Revoke the token “${revoking.name}”?`}
          action="Revoke"
          run={async () => {
            await revokeAccessToken(revoking.id);
            say(`Revoked ${revoking.name}`);
            await tokens.reload();
          }}
        >
          {revoking.current ? "You are logged in with this token. Revoking it logs you out." : "Programs that use it lose access immediately."} This cannot be undone.
        </Confirm>
      )}
    </Card>
  );
}

const isOver = (token: AccessToken): boolean => token.expires_at !== null && new Date(token.expires_at).getTime() <= Date.now();

const PERMISSIONS = { edit: "full access", run: "search, chat and rerank" };

function CreateToken({ onMade, onClose }: { onMade: (token: AccessToken & { value: string }) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [permission, setPermission] = useState<"edit" | "run">("run");
  const [scope, setScope] = useState<"own" | "any">("own");
  return (
    <DialogForm
      title="Create a token"
      action="Create"
      ready={name.trim() !== ""}
      onClose={onClose}
      run={async () => onMade(await createAccessToken({ name: name.trim(), permission, any_account: scope === "any" }))}
    >
      <TextField label="Name" name="name" value={name} onChange={setName} placeholder="search box of the website" help="What the token is for." required autoFocus />
      <Choice
        label="Permission"
        name="permission"
        value={permission}
        onChange={setPermission}
        options={[
          { value: "run", label: "Search, chat and rerank", about: "reads results, changes nothing" },
          { value: "edit", label: "Full access", about: "also creates, changes and deletes" },
        ]}
      />
      <Choice
        label="Accounts"
        name="any_account"
        value={scope}
        onChange={setScope}
        options={[
          { value: "own", label: "This account" },
          { value: "any", label: "All accounts", about: "needed to download models" },
        ]}
      />
    </DialogForm>
  );
}

function Secret({ token, onClose }: { token: { name: string; value: string }; onClose: () => void }) {
  return (
    <Panel open onClose={onClose} title={`Token “${token.name}”`} about="Copy it now. It is not shown again." size="lg">
      <div className="flex flex-wrap items-center gap-3 rounded-lg bg-kumo-recessed px-3 py-2">
        <code tabIndex={0} aria-label="The token" className="min-w-0 flex-1 break-all text-[13px]">{token.value}</code>
        <CopyButton text={token.value} label="Copy token" />
      </div>
      <div className="mt-6 flex justify-end">
        <Button variant="primary" onClick={onClose}>Done</Button>
      </div>
    </Panel>
  );
}

function BucketCredentials() {
  const tokens = useLoad(listTokens, []);
  const [editing, setEditing] = useState<ServiceToken | "new">();
  const [deleting, setDeleting] = useState<ServiceToken>();
  const rows = tokens.data?.filter((one) => one.id !== BUILT_IN_TOKEN);
  const add = <Button aria-haspopup="dialog" icon={<PlusIcon />} onClick={() => setEditing("new")}>Add credentials</Button>;
  return (
    <Card title="Bucket credentials" about="Access keys of R2, S3 or any S3-compatible store, for instances that index a bucket." action={add}>
      {tokens.error ? (
        <Failed error={tokens.error} retry={tokens.reload} title="Could not list the credentials" />
      ) : !rows ? (
        <Waiting />
      ) : !rows.length ? (
        <Nothing icon={<KeyIcon size={36} />} title="No credentials yet">
          Until you add some, instances with a bucket use the server's own credentials, if any.
        </Nothing>
      ) : (
        <Rows>
          {rows.map((one) => (
            <Line key={one.id} title={one.name} facts={[`access key ID ${one.cf_api_id}`, `added ${ago(one.created_at)}`]}>
              <Button aria-haspopup="dialog" variant="ghost" shape="square" icon={<PencilSimpleIcon />} aria-label={`Replace ${one.name}`} title="Replace" onClick={() => setEditing(one)} />
              <Button aria-haspopup="dialog" variant="ghost" shape="square" icon={<TrashIcon />} aria-label={`Delete ${one.name}`} title="Delete" onClick={() => setDeleting(one)} />
            </Line>
          ))}
        </Rows>
      )}
      {editing && <CredentialsDialog {...(editing !== "new" && { before: editing })} onSaved={() => void tokens.reload()} onClose={() => setEditing(undefined)} />}
      {deleting && (
        <Confirm
          open
          onClose={() => setDeleting(undefined)}
          title={`Delete the credentials “${deleting.name}”?`}
          action="Delete"
          run={async () => {
            await deleteServiceToken(deleting.id);
            say(`Deleted ${deleting.name}`);
            await tokens.reload();
          }}
        >
          The access key and its secret are removed from this server for good. Credentials that an instance uses cannot be deleted: give the instance others first.
        </Confirm>
      )}
    </Card>
  );
}
