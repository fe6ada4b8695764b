// The pages of the account, at the top of every page.
import { useChosenInSight } from "../hooks";
import { Link, usePath } from "../router";

const PAGES: [path: string, label: string, below: string[]][] = [
  ["/", "Instances", ["/instances", "/create", "/namespaces/"]],
  ["/namespaces", "Namespaces", []],
  ["/models", "Models", []],
  ["/tokens", "Tokens", []],
  ["/help", "Help", ["/help/"]],
];

export function MainNav() {
  const path = usePath();
  const here = PAGES.find(([own, , below]) => path === own || below.some((one) => path.startsWith(one)))?.[0];
  const list = useChosenInSight(here ?? "");
  return (
    <nav ref={list} aria-label="Main" className="relative order-last -mx-4 flex w-[calc(100%+2rem)] gap-1 overflow-x-auto px-3 pb-2 sm:order-none sm:mx-0 sm:w-auto sm:px-0 sm:pb-0">
      {PAGES.map(([own, label]) => (
        <Link
          key={own}
          to={own}
          aria-current={own === here ? "page" : undefined}
          className={`flex min-h-8 items-center rounded-lg px-2.5 whitespace-nowrap ${own === here ? "bg-kumo-recessed font-medium" : "text-kumo-subtle hover:bg-kumo-tint hover:text-kumo-default"}`}
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}
