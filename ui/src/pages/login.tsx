import { Button } from "@cloudflare/kumo/components/button";
import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { type FormEvent, useState } from "react";
import { listInstances, readHealth } from "../api/calls";
import { ApiError, told } from "../api/client";
import { useLoad, useTitle } from "../hooks";
import { Logo, ThemeButton } from "../parts/brand";
import { TextField } from "../parts/fields";
import { Failed } from "../parts/states";
import { FIRST_ACCOUNT, lastAccount, logIn, tryOn } from "../session";

export function Login() {
  useTitle("Log in");
  const [token, setToken] = useState("");
  const [account, setAccount] = useState(lastAccount());
  const [remember, setRemember] = useState(false);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const health = useLoad(readHealth, []);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    const next = { token: token.trim(), account: account.trim() || FIRST_ACCOUNT };
    setBusy(true);
    setError(undefined);
    try {
      await tryOn(next, () => listInstances("default", "", 1));
      logIn(next, remember);
    } catch (problem) {
      const refused = problem instanceof ApiError && problem.status === 401;
      setError(refused ? "This server does not know that token. Make one with: secondlook token create" : told(problem));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="flex min-h-screen flex-col items-center justify-center px-4 py-10">
      <div className="absolute top-3 right-3">
        <ThemeButton />
      </div>
      <div className="w-full max-w-sm">
        <div className="mb-6 flex flex-col items-center gap-3 text-center">
          <Logo />
          <h1 className="text-2xl font-semibold tracking-tight">Log in to Secondlook</h1>
          <p className="text-kumo-subtle">Search that takes a second look at every result.</p>
        </div>
        <form onSubmit={submit} className="flex flex-col gap-4 rounded-xl border border-kumo-hairline bg-kumo-base p-6 shadow-xs">
          <TextField
            label="Token"
            type="password"
            value={token}
            onChange={setToken}
            error={error}
            autoFocus
            required
            autoComplete="current-password"
            help={<>Made by <code>secondlook token create</code>; the demo prints one.</>}
          />
          <TextField label="Account" value={account} onChange={setAccount} placeholder={FIRST_ACCOUNT} help="Any name; it separates data. The demo's account is demo." autoComplete="username" />
          <Checkbox label="Remember me in this browser" checked={remember} onCheckedChange={(on) => setRemember(on)} />
          <Button type="submit" variant="primary" loading={busy} disabled={busy || !token.trim()} className="w-full justify-center">
            Log in
          </Button>
        </form>
        <div className="mt-4 text-center text-[13px] text-kumo-subtle">
          {health.error ? <Failed error={health.error} retry={health.reload} title="The server does not answer" /> : health.data ? `Version ${health.data.version}` : "…"}
        </div>
      </div>
    </main>
  );
}
