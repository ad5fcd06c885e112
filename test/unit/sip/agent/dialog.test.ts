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

test("a request goes to the remote target, along the loose routers", () => {
  const dialog = dialogThrough("<sip:two.example;lr>", "<sip:one.example;lr>;x=1")
  const bye = dialog.request("BYE")
  expect(bye.uri).toBe("sip:bob@192.0.2.2;transport=tcp")
  expect(bye.headers.getAll("Route")).toEqual(["<sip:one.example;lr>;x=1", "<sip:two.example;lr>"])
  expect(dialog.nextHop.host).toBe("one.example")
})

test("a strict router before all others gets its own URI, the remote target behind the Routes (RFC 3261 §12.2.1.1)", () => {
  const dialog = dialogThrough("<sip:two.example;lr>", "<sip:one.example;method=INVITE;x=1?Subject=none>")
  const bye = dialog.request("BYE")
  expect(bye.uri).toBe("sip:one.example;x=1")
  expect(bye.headers.getAll("Route")).toEqual(["<sip:two.example;lr>", "<sip:bob@192.0.2.2;transport=tcp>"])
  expect(dialog.nextHop.host).toBe("one.example")
})
