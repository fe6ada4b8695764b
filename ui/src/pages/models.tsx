// The models of this server: what each is good for, whether it is here, and a download for those that are not.
import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { Meter } from "@cloudflare/kumo/components/meter";
import { DownloadSimpleIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { cancelDownload, downloadModel } from "../api/admin";
import { listModels } from "../api/calls";
import type { Model } from "../api/types";
import { useLoad, useTitle } from "../hooks";
import { ModelBadge } from "../parts/badges";
import { Card, Heading } from "../parts/card";
import { DialogForm } from "../parts/dialog-form";
import { TextField } from "../parts/fields";
import { languagesOf } from "../parts/models";
import { Rows } from "../parts/rows";
import { complain, Failed, say, Waiting } from "../parts/states";
import { bytes, count, millions } from "../words";

const QUICK = 1000;

export default function Models() {
  useTitle("Models");
  const [busy, setBusy] = useState(false);
  const models = useLoad(
    async () => {
      const found = [...(await listModels("embedding")), ...(await listModels("reranking"))];
      setBusy(found.some((one) => one.download?.state === "running"));
      return found;
    },
    [],
    busy ? QUICK : 0,
  );
  const rows = models.data ?? [];
  const here = rows.filter((one) => one.status !== "absent");
  const groups: [string, string, Model[]][] = [
    ["Ready to use", "Installed on this server, or reached through a configured API.", here],
    ["Can be downloaded", "Downloaded once to this server, for every instance to use.", rows.filter((one) => one.status === "absent" && !one.obstacle)],
    ["Cannot run from their weights", "Known models whose published weights this server does not support.", rows.filter((one) => one.status === "absent" && one.obstacle)],
  ];
  return (
    <>
      <Heading title="Models" about="Embedding models turn text into vectors. Reranking models reorder the retrieved chunks by relevance to the query." />
      {models.error && !models.data ? (
        <Failed error={models.error} retry={models.reload} title="Could not list the models" />
      ) : !models.data ? (
        <Waiting />
      ) : (
        <div className="flex flex-col gap-6">
          {groups
            .filter(([, , some]) => some.length)
            .map(([title, about, some]) => (
              <Card key={title} title={title} about={about}>
                <Rows>
                  {some.map((one) => (
                    <Row key={one.name} model={one} reload={models.reload} />
                  ))}
                </Rows>
              </Card>
            ))}
        </div>
      )}
    </>
  );
}

function Row({ model, reload }: { model: Model; reload: () => Promise<void> }) {
  const [asking, setAsking] = useState(false);
  const download = model.download;
  const running = download?.state === "running";
  const facts = [millions(model.parameters), languagesOf(model), model.licence, model.max_tokens && `reads ${count(model.max_tokens)} tokens`];
  async function begin(): Promise<void> {
    try {
      await downloadModel(model.name, "");
    } catch (error) {
      complain(error);
    }
    await reload();
  }
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3">
      <div className="min-w-0 flex-1 basis-72">
        <div className="flex flex-wrap items-center gap-2">
          <span className="font-medium break-all">{model.name}</span>
          <Badge variant="secondary">{model.task}</Badge>
          {model.obstacle ? <Badge variant="warning">cannot run here</Badge> : <ModelBadge status={model.status} />}
        </div>
        {model.purpose && <div>{model.purpose}</div>}
        <div className="text-[13px] break-words text-kumo-subtle">{facts.filter(Boolean).join(" · ")}</div>
        {model.obstacle && <div className="text-[13px] break-words text-kumo-warning">{model.obstacle.replaceAll("`", "")}</div>}
        {model.status === "unavailable" && <div className="text-[13px] break-words text-kumo-warning">{model.note}</div>}
        {download?.state === "failed" && <div role="alert" className="text-[13px] break-words text-kumo-danger">The download failed: {download.error}</div>}
        {download?.state === "cancelled" && <div className="text-[13px] text-kumo-subtle">The download was cancelled; the next one resumes it.</div>}
      </div>
      {running && (
        <div className="flex w-full items-center gap-3 sm:w-72">
          <div className="min-w-0 flex-1">
            <Meter label={download.file || "Connecting"} value={download.bytes} max={download.total_bytes ?? Math.max(1, download.bytes)} customValue={download.total_bytes ? `${bytes(download.bytes)} of ${bytes(download.total_bytes)}` : bytes(download.bytes)} />
          </div>
          <Button aria-label={`Cancel the download of ${model.name}`} onClick={() => cancelDownload(model.name).then(reload).catch(complain)}>Cancel</Button>
        </div>
      )}
      {model.status === "absent" && !model.obstacle && !running && (
        <Button
          icon={<DownloadSimpleIcon />}
          aria-label={`Download ${model.name}`}
          {...(model.needs_revision && { "aria-haspopup": "dialog" as const })}
          onClick={() => (model.needs_revision ? setAsking(true) : void begin())}
        >
          {download ? "Try again" : "Download"}
        </Button>
      )}
      {asking && <Revision name={model.name} onClose={() => setAsking(false)} onBegun={reload} />}
    </li>
  );
}

function Revision({ name, onClose, onBegun }: { name: string; onClose: () => void; onBegun: () => Promise<void> }) {
  const [revision, setRevision] = useState("");
  return (
    <DialogForm
      title={`Download ${name}`}
      about="No revision of this model is pinned. Enter a commit that you trust; the files are checked against it from then on."
      action="Download"
      ready={revision.trim() !== ""}
      onClose={onClose}
      run={async () => {
        await downloadModel(name, revision.trim());
        say("Download started");
        await onBegun();
      }}
    >
      <TextField label="Revision" name="revision" value={revision} onChange={setRevision} placeholder="c5ee24cb16019beea0893ab7796b1df96625c6b8" help="The commit hash from the model's page on the hub." required autoFocus autoComplete="off" />
    </DialogForm>
  );
}
