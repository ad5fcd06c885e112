import { expect, test } from "vitest"
import { Dialog } from "../../../../src/sip/agent/dialog.ts"
import { SipResponse } from "../../../../src/sip/message/index.ts"

/** The caller's side of a dialog whose 200 has passed these proxies, the callee's first. */
function dialogThrough(...recordRoutes: string[]): Dialog {
  return Dialog.ofCaller(SipResponse.create(200, "OK", [
    ...recordRoutes.map((route): [string, string] => ["Record-Route", route]),
    ["From", "<sip:alice@example.org>;tag=a"],
    ["To", "<sip:bob@example.org>;tag=b"],
    ["Call-ID", "1"],
    ["CSeq", "1 INVITE"],
    ["Contact", "<sip:bob@192.0.2.2;transport=tcp>"],
  ]))
}

test.each([
  ["goes to the remote target, along the loose routers", "<sip:one.example;lr>;x=1",
    "sip:bob@192.0.2.2;transport=tcp", ["<sip:one.example;lr>;x=1", "<sip:two.example;lr>"]],
  ["goes to a strict router before all others by its own URI, the remote target behind the Routes (RFC 3261 §12.2.1.1)", "<sip:one.example;method=INVITE;x=1?Subject=none>",
    "sip:one.example;x=1", ["<sip:two.example;lr>", "<sip:bob@192.0.2.2;transport=tcp>"]],
])("a request %s", (_law, first, uri, routes) => {
  const dialog = dialogThrough("<sip:two.example;lr>", first)
  const bye = dialog.request("BYE")
  expect(bye.uri).toBe(uri)
  expect(bye.headers.getAll("Route")).toEqual(routes)
  expect(dialog.nextHop.host).toBe("one.example")
})
