/** The way to a Secondlook server: addresses, the token, and answers taken out of their envelopes. */

export class Server {
  /**
   * @param {{SECONDLOOK_URL?: string, SECONDLOOK_TOKEN?: string, SECONDLOOK_ACCOUNT?: string}} env
   */
  constructor(env) {
    this.url = (env.SECONDLOOK_URL || "http://127.0.0.1:8787").replace(/\/+$/, "");
    this.token = env.SECONDLOOK_TOKEN || "";
    this.root = `${this.url}/client/v4/accounts/${encodeURIComponent(env.SECONDLOOK_ACCOUNT || "default")}`;
  }

  /**
   * The raw answer, whatever its status.
   *
   * @param {string} path below the account
   * @param {{method?: string, json?: unknown, body?: BodyInit, query?: Record<string, unknown>}} options
   * @param {(status: number, message: string) => Error} failure
   */
  async fetch(path, { method = "GET", json, body, query } = {}, failure) {
    const url = new URL(this.root + path);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    }
    const headers = this.token ? { authorization: `Bearer ${this.token}` } : {};
    if (json !== undefined) headers["content-type"] = "application/json";
    try {
      return await fetch(url, { method, headers, body: json === undefined ? body : JSON.stringify(json) });
    } catch (error) {
      throw failure(0, `no Secondlook server at ${this.url} (${error.message}): start it, or set SECONDLOOK_URL`);
    }
  }

  /** The raw answer; an error status is thrown as the error that `failure` makes of it. */
  async ask(path, options, failure) {
    const answer = await this.fetch(path, options, failure);
    if (!answer.ok) throw failure(answer.status, await messageOf(answer));
    return answer;
  }

  /** The whole body, read as JSON. */
  async read(path, options, failure) {
    const text = await (await this.ask(path, options, failure)).text();
    try {
      return JSON.parse(text);
    } catch {
      throw failure(0, `${this.url} is not a Secondlook server: it answered ${JSON.stringify(text.slice(0, 200))}`);
    }
  }

  /** `result` of the envelope. */
  async result(path, options, failure) {
    return (await this.read(path, options, failure)).result;
  }

  /** `result` and `result_info` of a list. */
  async page(path, options, failure) {
    const { result, result_info } = await this.read(path, options, failure);
    return { result, result_info };
  }
}

/** The first message of an error envelope. */
async function messageOf(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).errors[0].message;
  } catch {
    return text.slice(0, 200) || answer.statusText;
  }
}

/** An error whose name tells its kind; names cross a service binding, classes do not. */
export function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}
