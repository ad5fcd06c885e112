/** Headless Chromium with a page that is a phone. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { chromium as driver, type Browser, type Page } from "playwright-core"
import { build } from "rolldown"
import { chromium } from "./debian.ts"

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

/** The libraries, each with a page of its own. */
const pages = { JsSIP: "browser-page.js", "SIP.js": "sip-js-page.js" } as const

/** What makes a page a phone. */
export type PhoneLibrary = keyof typeof pages

/** What the page offers as `window.phone`; see browser-page.js. `expectPlain` has JsSIP's page alone. */
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
    const scripts = new Map<string, string>()
    for (const page of Object.values(pages)) scripts.set(`/${page}`, await bundle(page))
    const server = createServer(({ url = "" }, response) => {
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(`<!doctype html><script>${scripts.get(url) ?? ""}</script>`)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const browser = await driver.launch({ executablePath: chromium.command, args: flags })
    return new PhoneBrowser(browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => server.close())
  }

  /** A phone in a new window. The peers' certificates are made by the test, and nobody's authority has signed them. */
  async open(library: PhoneLibrary): Promise<BrowserPhone> {
    const context = await this.#browser.newContext({ ignoreHTTPSErrors: true, permissions: ["microphone"] })
    const page = await context.newPage()
    await page.goto(`${this.origin}/${pages[library]}`)
    return new BrowserPhone(page)
  }

  async stop(): Promise<void> {
    await this.#browser.close()
    this.#stop()
  }
}

async function bundle(page: string): Promise<string> {
  const input = new URL(page, import.meta.url).pathname
  const { output } = await build({ input, platform: "browser", write: false, logLevel: "silent", output: { format: "iife" } })
  return output[0].code.replaceAll("</script", "<\\/script")
}
