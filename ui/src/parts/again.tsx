// The session ended while a page was open: log in again above it, and lose nothing.
import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { type FormEvent, useState } from "react";
import { tryLogin } from "../api/calls";
import { ApiError, told } from "../api/client";
import { useLost } from "../hooks";
import { logInAgain, logOut, session } from "../session";
import { TextField } from "./fields";

const REASONS = {
  refused: "The server no longer accepts this token: it was revoked or has expired.",
  elsewhere: "You logged out in another tab.",
};

export function LogInAgain() {
  const lost = useLost();
  const [token, setToken] = useState("");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const account = session()?.account ?? "";

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    event.stopPropagation();
    setBusy(true);
    setError(undefined);
    try {
      await tryLogin({ token: token.trim(), account });
      logInAgain(token.trim());
      setToken("");
    } catch (problem) {
      setError(problem instanceof ApiError && problem.status === 401 ? "The server does not accept this token." : told(problem));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog.Root open={lost !== null} disablePointerDismissal>
      <Dialog size="lg" className="p-6">
        <Dialog.Title className="text-lg font-semibold">Log in again</Dialog.Title>
        <Dialog.Description className="mt-2 text-kumo-subtle">
          {lost && REASONS[lost]} What you typed is still here, and uploads continue once you are logged in.
        </Dialog.Description>
        <form onSubmit={submit} className="mt-4 flex flex-col gap-4">
          <TextField
            label={`Token for the account ${account}`}
            type="password"
            value={token}
            onChange={setToken}
            error={error}
            autoFocus
            required
            autoComplete="current-password"
            help={<>Create one with <code>secondlook token create</code>, or open a new sign-in link in another tab.</>}
          />
          <div className="flex justify-end gap-2">
            <Button variant="secondary" onClick={logOut}>
              Log out
            </Button>
            <Button type="submit" variant="primary" loading={busy} disabled={busy || !token.trim()}>
              Log in
            </Button>
          </div>
        </form>
      </Dialog>
    </Dialog.Root>
  );
}
