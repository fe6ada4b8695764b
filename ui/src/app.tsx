// The frame around every page, and which page a path leads to.
import { Button } from "@cloudflare/kumo/components/button";
import { SignOutIcon } from "@phosphor-icons/react";
import { Component, lazy, type ReactNode, Suspense } from "react";
import { useSession } from "./hooks";
import { Login } from "./pages/login";
import { Logo, ThemeButton } from "./parts/brand";
import { LogInAgain } from "./parts/again";
import { LeaveDialog } from "./parts/leave";
import { MainNav } from "./parts/nav";
import { ModelsProvider } from "./parts/models";
import { Failed, Waiting } from "./parts/states";
import { UploadIndicator } from "./parts/uploads";
import { Link, match, unlessUnsaved, usePath } from "./router";
import { logOut } from "./session";

const Instances = lazy(() => import("./pages/instances"));
const Namespaces = lazy(() => import("./pages/namespaces"));
const Models = lazy(() => import("./pages/models"));
const Tokens = lazy(() => import("./pages/tokens"));
const Help = lazy(() => import("./pages/help"));
const Create = lazy(() => import("./pages/create"));
const Created = lazy(() => import("./pages/created"));
const Instance = lazy(() => import("./pages/instance/layout"));

export function App() {
  const session = useSession();
  if (!session) return <Login />;
  return (
    <ModelsProvider key={session.account}>
      <Frame account={session.account}>
        <Suspense fallback={<Waiting />}>
          <Page />
        </Suspense>
      </Frame>
      <LeaveDialog />
      <LogInAgain />
    </ModelsProvider>
  );
}

function Page() {
  const path = usePath();
  if (path === "/" || path === "/login") return <Instances namespace="default" />;
  const making = match("/create", path) ?? match("/create/:step", path);
  if (making) return <Create step={making.step ?? ""} />;
  const made = match("/create/done/:namespace/:name", path);
  if (made) return <Created namespace={made.namespace ?? ""} name={made.name ?? ""} />;
  if (path === "/namespaces") return <Namespaces />;
  if (path === "/models") return <Models />;
  if (path === "/tokens") return <Tokens />;
  if (path === "/help" || path.startsWith("/help/")) return <Help name={path.slice("/help/".length)} />;
  const listed = match("/namespaces/:namespace", path);
  if (listed) return <Instances namespace={listed.namespace ?? "default"} />;
  const found = match("/instances/:namespace/:name", path) ?? match("/instances/:namespace/:name/:tab", path) ?? match("/instances/:namespace/:name/:tab/:section", path);
  if (found)
    return <Instance namespace={found.namespace ?? ""} name={found.name ?? ""} tab={found.tab ?? "overview"} section={found.section ?? ""} />;
  return (
    <div className="py-16 text-center">
      <h1 className="text-2xl font-semibold">Page not found</h1>
      <p className="mt-2">
        <Link to="/" className="text-kumo-link underline">
          All instances
        </Link>
      </p>
    </div>
  );
}

function Frame({ account, children }: { account: string; children: ReactNode }) {
  return (
    <div className="min-h-screen">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-kumo-base focus:p-3">
        Skip to the content
      </a>
      <header className="border-b border-kumo-hairline bg-kumo-base">
        <div className="mx-auto flex max-w-7xl flex-wrap items-center gap-x-4 px-4 sm:h-14 sm:flex-nowrap sm:px-6">
          <Link to="/" className="flex min-h-12 items-center gap-2.5 text-[15px] font-semibold" aria-label="Secondlook: all instances">
            <Logo /> Secondlook
          </Link>
          <MainNav />
          <UploadIndicator />
          <span className="ml-auto hidden text-[13px] text-kumo-subtle sm:inline">
            Account <strong className="font-medium text-kumo-default">{account}</strong>
          </span>
          <div className="ml-auto flex items-center sm:ml-0">
            <ThemeButton />
            <Button variant="ghost" shape="square" aria-label="Log out" onClick={() => unlessUnsaved(logOut)} icon={<SignOutIcon />} />
          </div>
        </div>
      </header>
      <main id="main" className="mx-auto max-w-7xl px-4 py-7 sm:px-6">
        <Catch>{children}</Catch>
      </main>
    </div>
  );
}

/** A page that breaks leaves the frame, and says so. */
class Catch extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error)
      return <Failed title="Something went wrong on this page" error={this.state.error} retry={() => location.reload()} />;
    return this.props.children;
  }
}
