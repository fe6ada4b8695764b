// What a page shows while it waits, when nothing is there, and when something went wrong.
import { Banner } from "@cloudflare/kumo/components/banner";
import { Button } from "@cloudflare/kumo/components/button";
import { Loader } from "@cloudflare/kumo/components/loader";
import { createKumoToastManager } from "@cloudflare/kumo/components/toast";
import { WarningCircleIcon } from "@phosphor-icons/react";
import type { ReactNode } from "react";
import { ApiError, told } from "../api/client";

export const toasts = createKumoToastManager();

export function say(title: string, description?: string): void {
  toasts.add({ title, ...(description && { description }), variant: "success" });
}

export function warn(title: string, description: string): void {
  toasts.add({ title, description, variant: "warning", timeout: 10_000 });
}

export function complain(error: unknown): void {
  toasts.add({ title: "That did not work", description: told(error), variant: "error", timeout: 10_000 });
}

export function Waiting({ what = "Loading" }: { what?: string }) {
  return (
    <p role="status" className="flex items-center gap-2 py-10 text-kumo-subtle">
      <Loader size="sm" /> {what} …
    </p>
  );
}

const ADVICE: Record<number, string> = {
  0: "Start it with secondlook serve, then try again.",
  401: "Log in with a token of this server; secondlook token create makes one.",
  403: "This token is not allowed to do that. Use one with edit permission for this account.",
  404: "It may have been deleted, or belong to another account or namespace.",
  429: "Too many requests.",
};

export function Failed({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const advice = error instanceof ApiError ? ADVICE[error.status] : undefined;
  return (
    <div role="alert">
      <Banner
        variant="error"
        icon={<WarningCircleIcon weight="fill" />}
        title={title ?? "Could not load this"}
        description={`${told(error)} ${advice && !told(error).includes(advice) ? advice : ""}`}
        action={
          retry && (
            <Button size="sm" variant="secondary" onClick={retry}>
              Try again
            </Button>
          )
        }
      />
    </div>
  );
}

export function Nothing({ icon, title, children, action }: { icon?: ReactNode; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-3 rounded-xl border border-dashed border-kumo-line px-6 py-14 text-center">
      {icon && <div className="text-kumo-subtle">{icon}</div>}
      <h2 className="text-base font-semibold">{title}</h2>
      {children && <div className="max-w-lg text-kumo-subtle">{children}</div>}
      {action}
    </div>
  );
}
