/** Headless Chromium with a page that is a phone. */
import { spawnSync } from "node:child_process"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { chromium, type Browser, type Page } from "playwright-core"
import { build } from "rolldown"

const executablePath = "/usr/bin/chromium"
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
]

function version(): string | undefined {
  const { error, stdout } = spawnSync(executablePath, ["--version"], { encoding: "utf8" })
  return error === undefined ? /Chromium [\d.]+/.exec(stdout)?.[0] : undefined
}

/** The version of Debian's Chromium, installed first where that is possible. Throws with what is missing. */
export function requireChromium(): string {
  const found = version()
  if (found !== undefined) return found
  if (process.getuid?.() !== 0) throw new Error("Chromium is missing: as root, run `apt-get install chromium`, then try again")
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  spawnSync("apt-get", ["update"], { env })
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], { env })
  const installed = version()
  if (installed === undefined) throw new Error("Chromium is missing, and apt-get cannot install chromium")
  return installed
}

/** What the page offers as `window.phone`; see browser-page.js. */
interface PagePhone {
  register(url: string, uri: string, password?: string): Promise<string>
  expectPlain(isPlain: boolean): void
  call(to: string): Promise<string>
  hangUp(): void
  ended(): Promise<string>
  packetsReceived(): Promise<number>
}

/** A phone in a page of its own. */
export class BrowserPhone {
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
  }

  /** Does something in the page. */
  async ask<Name extends keyof PagePhone>(name: Name, ...args: Parameters<PagePhone[Name]>): Promise<Awaited<ReturnType<PagePhone[Name]>>> {
    return this.#page.evaluate<Awaited<ReturnType<PagePhone[Name]>>>(`window.phone.${name}(...${JSON.stringify(args)})`)
  }
}

/** The browser, and the web server of the page. */
export class PhoneBrowser {
  /** What the page's requests say that they come from. */
  readonly origin: string
  readonly #browser: Browser
  readonly #stop: () => void

  private constructor(browser: Browser, origin: string, stop: () => void) {
    this.#browser = browser
    this.origin = origin
    this.#stop = stop
  }

  static async start(): Promise<PhoneBrowser> {
    const script = await bundle()
    const server = createServer((_request, response) => {
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(`<!doctype html><script>${script}</script>`)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const browser = await chromium.launch({ executablePath, args: flags })
    return new PhoneBrowser(browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => server.close())
  }

  /** A phone in a new window. The peers' certificates are made by the test, and nobody's authority has signed them. */
  async open(): Promise<BrowserPhone> {
    const context = await this.#browser.newContext({ ignoreHTTPSErrors: true, permissions: ["microphone"] })
    const page = await context.newPage()
    await page.goto(this.origin)
    return new BrowserPhone(page)
  }

  async stop(): Promise<void> {
    await this.#browser.close()
    this.#stop()
  }
}

async function bundle(): Promise<string> {
  const input = new URL("browser-page.js", import.meta.url).pathname
  const { output } = await build({ input, platform: "browser", write: false, logLevel: "silent", output: { format: "iife" } })
  return output[0].code.replaceAll("</script", "<\\/script")
}
