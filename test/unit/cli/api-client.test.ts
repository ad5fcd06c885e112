import { once } from "node:events"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, expect, test } from "vitest"
import { ApiClient } from "../../../src/cli/api-client.ts"

let server: Server | undefined
afterEach(() => void server?.close())

test("a web server that is no peer is told apart from one", async () => {
  server = createServer((_request, response) => void response.end("<html>\n</html>\n"))
  await once(server.listen(0, "127.0.0.1"), "listening")
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new ApiClient(url)
  const message = `expected JSON from ${url}, found something else; is that a peer?`
  await expect(client.status()).rejects.toThrow(message)
  await expect(client.lookup("key").next()).rejects.toThrow(message)
})
