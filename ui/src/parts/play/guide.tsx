// Where to read how a language model is connected.
import { Link } from "../../router";

export function ConnectModel() {
  return (
    <Link to="/help/howto/connect-a-language-model" className="text-[13px] text-kumo-link underline">
      Connect a language model
    </Link>
  );
}
