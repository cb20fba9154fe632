/** A headless Chromium of this machine, driven over its own protocol; for tests of the live page. */

const candidates = ["chromium", "chromium-browser", "google-chrome"] as const;
const startMs = 20_000;
const commandMs = 20_000;

/** Shape: undefined when this machine has none. */
export function findBrowser(): string | undefined {
  const named = Deno.env.get("CHROMIUM");
  if (named) return named;
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    for (const name of candidates) {
      try {
        if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
      } catch {
        // Not there.
      }
    }
  }
  return undefined;
}

interface Answer {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

type Handler = (method: string, params: Record<string, unknown>) => void;

export class Browser {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #handlers = new Map<string, Handler>();
  #id = 0;

  private constructor(child: Deno.ChildProcess, folder: string, socket: WebSocket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(data) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
      else this.#handlers.get(answer.sessionId ?? "")?.(answer.method!, answer.params ?? {});
    };
  }

  static async start(program: string): Promise<Browser> {
    const folder = await Deno.makeTempDir({ prefix: "mesher-browser-" });
    const child = new Deno.Command(program, {
      args: [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-proxy-server",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
        `--user-data-dir=${folder}`,
        "about:blank",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const socket = new WebSocket(await debuggerUrl(folder));
      await new Promise<void>((resolve, reject) => {
        socket.onopen = () => resolve();
        socket.onerror = () => reject(new Error("the browser takes no connection"));
      });
      return new Browser(child, folder, socket);
    } catch (error) {
      child.kill("SIGKILL");
      await child.status;
      throw error;
    }
  }

  async send(
    method: string,
    params: Record<string, unknown> = {},
    sessionId?: string,
  ): Promise<Record<string, unknown>> {
    const id = ++this.#id;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    this.#socket.send(
      JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }),
    );
    const timer = setTimeout(
      () => resolve({ error: { message: `no answer in ${commandMs} ms` } }),
      commandMs,
    );
    const answer = await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result ?? {};
  }

  async newPage(size: PageSize): Promise<Page> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId as string, targetId as string);
    this.#handlers.set(sessionId as string, (method, params) => page.heard(method, params));
    await page.begin(size);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#socket.onclose = () => resolve());
    this.#socket.close();
    await closed;
    this.#child.kill("SIGKILL");
    await this.#child.status;
    // Children of the browser may still write for a moment.
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        await Deno.remove(this.#folder, { recursive: true });
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/** Where the browser says that it can be driven. */
async function debuggerUrl(folder: string): Promise<string> {
  const endMs = performance.now() + startMs;
  while (performance.now() < endMs) {
    try {
      const [port, path] = (await Deno.readTextFile(`${folder}/DevToolsActivePort`)).split("\n");
      if (path) return `ws://127.0.0.1:${port}${path}`;
    } catch {
      // Not written yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the browser did not start in time");
}

export interface PageSize {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
}

export class Page {
  readonly #browser: Browser;
  readonly #session: string;
  readonly #target: string;
  /** What the page complained of: exceptions, errors of the console, refused by the content policy. */
  readonly complaints: string[] = [];
  #loaded: () => void = () => {};

  constructor(browser: Browser, session: string, target: string) {
    this.#browser = browser;
    this.#session = session;
    this.#target = target;
  }

  #send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#session);
  }

  async begin({ width, height, dark = false }: PageSize): Promise<void> {
    await Promise.all(["Page", "Runtime", "Log"].map((domain) => this.#send(`${domain}.enable`)));
    await this.resize({ width, height, dark });
  }

  async resize({ width, height, dark = false }: PageSize): Promise<void> {
    await this.#send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.#send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
    });
  }

  heard(method: string, params: Record<string, unknown>): void {
    if (method === "Page.loadEventFired") this.#loaded();
    else if (method === "Runtime.exceptionThrown") {
      const { exceptionDetails } = params as {
        exceptionDetails: { text: string; exception?: { description?: string } };
      };
      this.complaints.push(exceptionDetails.exception?.description ?? exceptionDetails.text);
    } else if (method === "Runtime.consoleAPICalled") {
      const { type, args } = params as { type: string; args: { value?: unknown }[] };
      if (type !== "error" && type !== "warning") return;
      this.complaints.push(args.map((one) => String(one.value)).join(" "));
    } else if (method === "Log.entryAdded") {
      const { entry } = params as { entry: { level: string; text: string; url?: string } };
      if (entry.level === "error") this.complaints.push(`${entry.text} ${entry.url ?? ""}`);
    }
  }

  /** Goes there and waits until all files are loaded; another place on the same page is no load. */
  async open(url: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#loaded = resolve;
    const timer = setTimeout(() => reject(new Error(`${url} was not loaded in time`)), commandMs);
    await this.#send("Page.navigate", { url });
    await promise;
    clearTimeout(timer);
  }

  /** The value of an expression in the page; a promise is waited for. */
  async evaluate<Value = unknown>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    }) as {
      result: { value?: Value };
      exceptionDetails?: { exception?: { description?: string }; text: string };
    };
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value as Value;
  }

  /** Waits until an expression is true. Errors: with `what` when it is not in time. */
  async until(expression: string, what: string, timeoutMs = 15_000): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    while (performance.now() < endMs) {
      if (await this.evaluate<boolean>(`Boolean(${expression})`)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const text = await this.evaluate<string>("document.body.innerText.slice(0, 3000)");
    throw new Error(`the page did not show ${what} in time; it says:\n${text}`);
  }

  async key(key: string, { shift = false } = {}): Promise<void> {
    const code = { Tab: 9, Enter: 13, Escape: 27 }[key] ?? 0;
    const params = {
      key,
      code: key,
      windowsVirtualKeyCode: code,
      modifiers: shift ? 8 : 0,
      ...(key === "Enter" ? { text: "\r" } : {}),
    };
    await this.#send("Input.dispatchKeyEvent", { type: "keyDown", ...params });
    await this.#send("Input.dispatchKeyEvent", { type: "keyUp", ...params });
  }

  async type(text: string): Promise<void> {
    await this.#send("Input.insertText", { text });
  }

  async pointAt(x: number, y: number): Promise<void> {
    await this.#send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
  }

  /** Writes the whole page, or what is seen of it, as a picture. */
  async picture(path: string, { whole = true } = {}): Promise<void> {
    const { data } = await this.#send("Page.captureScreenshot", {
      format: "png",
      captureBeyondViewport: whole,
    });
    const bytes = Uint8Array.from(atob(data as string), (one) => one.charCodeAt(0));
    await Deno.writeFile(path, bytes);
  }

  async close(): Promise<void> {
    await this.#browser.send("Target.closeTarget", { targetId: this.#target });
  }
}
