import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isP2PSipError } from "../../../../src/errors.ts"
import {
  createResponse,
  parseMessage,
  RejectedRequest,
  SipRequest,
  SipResponse,
  SipSyntaxError,
  validateRequest,
} from "../../../../src/sip/message/index.ts"
import type { Headers } from "../../../../src/sip/message/index.ts"
import { readers } from "../../../fuzz/read-everything.ts"
import { messageBytes, nameAddress, requestBytes, viaValue } from "../../../fuzz/sip-arbitraries.ts"
import { hostileDatagrams } from "../../../fuzz/sip-datagrams.ts"

/** Runs it; a SipSyntaxError is an answer, anything else is a fault of ours. */
function orSyntaxError<T>(action: () => T): T | SipSyntaxError {
  try {
    return action()
  } catch (error) {
    if (error instanceof SipSyntaxError) return error
    throw error
  }
}

/** What any bytes may do to us: give a message whose every part is readable or refused, or a fault that can be answered. */
function survive(bytes: Uint8Array): void {
  const message = orSyntaxError(() => parseMessage(bytes))
  if (!(message instanceof SipSyntaxError)) {
    for (const read of readers(message)) orSyntaxError(read)
    expect(parseMessage(message.toBytes()).toBytes()).toEqual(message.toBytes())
    return
  }
  expect(message.status).toBeGreaterThanOrEqual(400)
  expect(message.reason).toMatch(/^[ -~]+$/)
  if (!(message instanceof RejectedRequest)) return
  const answer = parseMessage(createResponse(message.request, message.status, message.reason, { toTag: "t1" }).toBytes())
  expect(answer).toMatchObject({ status: message.status, reason: message.reason })
}

describe("whatever arrives", () => {
  test("arbitrary bytes give a message or a SipSyntaxError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), survive), { numRuns: 500 })
  })

  test("arbitrary lines after a good start line do as well", () => {
    const line = fc.string({ unit: fc.constantFrom(..."aVia:/ <>\"\\;=,@%\t\0\xff", "\r\n", "SIP/2.0", "sip:"), maxLength: 60 })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        survive(Buffer.from(`INVITE sip:a@b SIP/2.0\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1"))
      }),
      { numRuns: 500 },
    )
  })

  test("a good message with one byte changed does as well", () => {
    fc.assert(
      fc.property(messageBytes, fc.nat(), fc.integer({ min: 0, max: 255 }), (bytes, at, byte) => {
        bytes[at % bytes.length] = byte
        survive(bytes)
      }),
      { numRuns: 1000 },
    )
  })

  test("hostile datagrams do as well", () => {
    for (const datagram of hostileDatagrams({ seed: 4475, count: 600 })) survive(datagram)
  })
})

describe("a well-formed message", () => {
  test("comes out byte for byte, whatever was read of it", () => {
    fc.assert(
      fc.property(messageBytes, (bytes) => {
        const message = parseMessage(bytes)
        for (const read of readers(message)) read()
        expect(message.toString()).toBe(bytes.toString("latin1"))
      }),
      { numRuns: 500 },
    )
  })

  test("validates, and its response goes back the way it came", () => {
    fc.assert(
      fc.property(requestBytes, (bytes) => {
        const request = parseMessage(bytes)
        if (!(request instanceof SipRequest)) throw new Error("expected a request")
        validateRequest(request)
        const response = parseMessage(createResponse(request, 200, "OK", { toTag: "t1" }).toBytes())
        expect(response).toBeInstanceOf(SipResponse)
        expect(response.headers.getAll("Via")).toEqual(request.headers.getAll("Via"))
        expect(response.from).toEqual(request.from)
        expect(response.to.tag).toBe(request.to.tag ?? "t1")
        expect([response.callId, response.cseq]).toEqual([request.callId, request.cseq])
      }),
      { numRuns: 300 },
    )
  })
})

/** Header fields after a trip over the wire. */
function sent(request: SipRequest): [string, string][] {
  return [...parseMessage(request.toBytes()).headers]
}

describe("editing", () => {
  const edited = (law: (request: SipRequest, headers: Headers) => void): void => {
    const parsed = requestBytes.map((bytes) => parseMessage(bytes)).filter((message) => message instanceof SipRequest)
    fc.assert(
      fc.property(parsed, (request) => law(request, request.headers)),
      { numRuns: 200 },
    )
  }

  test("to prepend and to remove the first is to do nothing", () => {
    fc.assert(
      fc.property(requestBytes, viaValue.filter((via) => !via.includes("\r")), (bytes, via) => {
        const request = parseMessage(bytes)
        request.headers.prepend("v", via)
        expect(request.via?.sentBy).toBeDefined()
        expect(request.headers.removeFirst("Via")).toBe(via.trim())
        expect(request.toString()).toBe(bytes.toString("latin1"))
      }),
      { numRuns: 300 },
    )
  })

  test("removeFirst takes away the first of getAll, to the last", () => {
    edited((request, headers) => {
      for (const name of ["Via", "Route", "Contact", "Supported"]) {
        const values = headers.getAll(name)
        for (let first = headers.removeFirst(name); first !== undefined; first = headers.removeFirst(name)) {
          expect(first).toBe(values.shift())
          expect(headers.getAll(name)).toEqual(values)
        }
        expect(values).toEqual([])
        expect(headers.has(name)).toBe(false)
      }
      expect(sent(request)).toEqual([...headers])
    })
  })

  test("dropFirst takes away as many as removeFirst in so many calls", () => {
    edited((_request, headers) => {
      for (const name of ["Via", "Route", "Contact", "Supported"]) {
        const count = Math.floor(headers.getAll(name).length / 2)
        const one = headers.clone()
        for (let i = 0; i < count; i++) one.removeFirst(name)
        headers.dropFirst(name, count)
        expect(headers.getAll(name)).toEqual(one.getAll(name))
        expect(headers.size).toBe(one.size)
      }
    })
  })

  test("replaceFirst changes the first value and nothing else", () => {
    edited((request, headers) => {
      const others = [...headers].filter(([name]) => !/^(v|via)$/i.test(name))
      const [, ...rest] = headers.getAll("Via")
      headers.replaceFirst("Via", "SIP/2.0/UDP new.example")
      expect(headers.getAll("Via")).toEqual(["SIP/2.0/UDP new.example", ...rest])
      expect(sent(request).filter(([name]) => !/^(v|via)$/i.test(name))).toEqual(others)
    })
  })

  test("set leaves one field, at the place of the first; append comes last of its name", () => {
    edited((request, headers) => {
      const before = [...headers].map(([name]) => name)
      headers.set("X-Unknown", "1")
      expect(headers.getAll("x-unknown")).toEqual(["1"])
      if (before.includes("X-Unknown")) expect([...headers][before.indexOf("X-Unknown")]).toEqual(["X-Unknown", "1"])
      headers.append("X-UNKNOWN", "2")
      headers.append("Route", "<sip:last>")
      expect(headers.getAll("X-Unknown")).toEqual(["1", "2"])
      expect(headers.getAll("Route").at(-1)).toBe("<sip:last>")
      expect(sent(request)).toEqual([...headers])
    })
  })

  test("a clone's edits do not show in the original", () => {
    edited((request) => {
      const before = request.toString()
      const copy = request.clone()
      copy.headers.remove("Via")
      copy.maxForwards = 1
      copy.uri = "sip:elsewhere.example"
      expect(request.toString()).toBe(before)
    })
  })
})

describe("no value grows into a header of its own", () => {
  const anyText = fc.string({ unit: fc.oneof(fc.constantFrom("\r", "\n", "\0", "\r\n", "\u010d", "\u010a", "\\", ":"), fc.string()), maxLength: 8 })

  test("through a header's name and value", () => {
    fc.assert(
      fc.property(anyText, anyText, (name, value) => {
        const request = SipRequest.create("OPTIONS", "sip:a@b", [["Via", "SIP/2.0/UDP a"]])
        try {
          request.headers.append(name, value)
        } catch (error) {
          expect(isP2PSipError(error, "P2PSIP_BAD_ARGUMENT")).toBe(true)
          return
        }
        const fields = [...parseMessage(request.toBytes()).headers]
        expect(fields.length).toBe(/^(l|content-length)$/i.test(name) ? 2 : 3)
      }),
      { numRuns: 1000 },
    )
  })

  test("through the start line", () => {
    fc.assert(
      fc.property(anyText, anyText, fc.integer({ min: 100, max: 699 }), (method, uri, status) => {
        const response = parseMessage(SipResponse.create(status, method + uri).toBytes())
        expect([...response.headers]).toEqual([["Content-Length", "0"]])
        try {
          const request = orSyntaxError(() => parseMessage(SipRequest.create(method, uri).toBytes()))
          if (request instanceof SipRequest) expect([...request.headers]).toEqual([["Content-Length", "0"]])
        } catch (error) {
          expect(isP2PSipError(error, "P2PSIP_BAD_ARGUMENT")).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test("through a parameter", () => {
    fc.assert(
      fc.property(nameAddress, anyText, anyText, (address, name, value) => {
        const request = SipRequest.create("OPTIONS", "sip:a@b", [["From", address.replaceAll("\r\n", "")]])
        try {
          const from = request.from.withParam(name, value)
          request.headers.set("From", from.toString())
        } catch (error) {
          expect(isP2PSipError(error, "P2PSIP_BAD_ARGUMENT")).toBe(true)
          return
        }
        const { params } = parseMessage(request.toBytes()).from
        expect(params.get(name)).toBe(value)
      }),
      { numRuns: 1000 },
    )
  })
})
