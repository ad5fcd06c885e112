import { expect, test } from "vitest"
import { AddressBook } from "../../../src/link/address-book.ts"

test("news comes first, and a peer has at most eight addresses", () => {
  const book = new AddressBook(10)
  for (let number = 0; number < 12; number++) book.learn({ peerId: "x", addresses: [`/ip4/10.0.0.${number}/tcp/1`] })
  const addresses = book.addressesOf("x")
  expect(addresses.length).toBe(8)
  expect(addresses[0]).toBe("/ip4/10.0.0.11/tcp/1")
  expect(addresses.at(-1)).toBe("/ip4/10.0.0.4/tcp/1")
})

test("the peer unheard of for longest is forgotten first", () => {
  const book = new AddressBook(2)
  for (const peerId of ["x", "y", "x", "z"]) book.learn({ peerId, addresses: [`/ip4/10.0.0.1/tcp/1`] })
  expect(["x", "y", "z"].map((peerId) => book.addressesOf(peerId).length)).toEqual([1, 0, 1])
})

test("addresses of absurd length are not kept", () => {
  const book = new AddressBook(2)
  book.learn({ peerId: "x", addresses: ["/dns4/" + "a".repeat(10_000)] })
  expect(book.addressesOf("x")).toEqual([])
  expect(book.size).toBe(0)
})
