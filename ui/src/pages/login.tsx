import { Banner } from "@cloudflare/kumo/components/banner";
import { Button } from "@cloudflare/kumo/components/button";
import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { type FormEvent, useState } from "react";
import { readHealth, tryLogin } from "../api/calls";
import { ApiError, told } from "../api/client";
import { useLoad, useTitle } from "../hooks";
import { Logo, ThemeButton } from "../parts/brand";
import { TextField } from "../parts/fields";
import { Failed } from "../parts/states";
import { FIRST_ACCOUNT, lastAccount, logIn, signInProblem } from "../session";

export function Login() {
  useTitle("Log in");
  const [token, setToken] = useState("");
  const [account, setAccount] = useState(lastAccount());
  const [remember, setRemember] = useState(false);
  const [error, setError] = useState<string>();
  const [missing, setMissing] = useState<{ account: string; others: string[] }>();
  const [busy, setBusy] = useState(false);
  const health = useLoad(readHealth, []);

  /** An account comes to be by its first use, so that a typing error would open an empty one: ask first. */
  async function open(wanted: string, create = false): Promise<void> {
    const next = { token: token.trim(), account: wanted.trim() || FIRST_ACCOUNT };
    setBusy(true);
    setError(undefined);
    setMissing(undefined);
    try {
      const { exists, others } = await tryLogin(next);
      const fresh = next.account === FIRST_ACCOUNT && !others.length;
      if (exists || create || fresh) logIn(next, remember);
      else setMissing({ account: next.account, others });
    } catch (problem) {
      const refused = problem instanceof ApiError && problem.status === 401;
      setError(refused ? "The server does not accept this token. Create one with: secondlook token create" : told(problem));
    } finally {
      setBusy(false);
    }
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    void open(account);
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
        {signInProblem() && (
          <div role="alert" className="mb-4">
            <Banner variant="error" title="The sign-in link did not work" description={signInProblem()} />
          </div>
        )}
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
            help={<>Create one with <code>secondlook token create</code>, or open the sign-in link that the server printed when it started.</>}
          />
          <TextField label="Account" value={account} onChange={(next) => { setAccount(next); setMissing(undefined); }} placeholder={FIRST_ACCOUNT} help="Each account has its own instances. The demo uses the account demo." autoComplete="username" />
          {missing && <NoAccount missing={missing} busy={busy} create={() => open(missing.account, true)} use={(name) => { setAccount(name); void open(name); }} />}
          <Checkbox label="Remember me in this browser" checked={remember} onCheckedChange={(on) => setRemember(on)} />
          <Button type="submit" variant="primary" loading={busy} disabled={busy || !token.trim()} className="w-full justify-center">
            Log in
          </Button>
        </form>
        <div className="mt-4 text-center text-[13px] text-kumo-subtle">
          {health.error ? <Failed error={health.error} retry={health.reload} title="The server is unreachable" /> : health.data ? `Version ${health.data.version}` : "…"}
        </div>
      </div>
    </main>
  );
}

const SUGGESTED = 5;

function NoAccount({ missing, busy, create, use }: { missing: { account: string; others: string[] }; busy: boolean; create: () => void; use: (name: string) => void }) {
  const { account, others } = missing;
  return (
    <div role="alert" className="rounded-lg bg-kumo-recessed p-3">
      <p className="break-words">There is no account “{account}” yet. Create it?</p>
      <div className="mt-2 flex flex-wrap gap-2">
        <Button size="sm" type="button" disabled={busy} onClick={create}>
          Create account {account}
        </Button>
        {others.slice(0, SUGGESTED).map((name) => (
          <Button key={name} size="sm" type="button" variant="ghost" disabled={busy} onClick={() => use(name)}>
            Use {name}
          </Button>
        ))}
      </div>
    </div>
  );
}
