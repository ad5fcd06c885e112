import { expect, test } from "vitest"
import { differences, formatSettings } from "../../../src/link/settings.ts"

test("peers that have something otherwise are told apart by its name; what one of them does not tell is no difference", () => {
  const own = { domains: "aa", users: "bb" }
  expect(formatSettings(own)).toBe("p2psip (domains=aa users=bb)")
  expect(differences(own, formatSettings(own))).toEqual([])
  expect(differences(own, formatSettings({ users: "cc", domains: "aa" }))).toEqual(["users"])
  expect(differences(own, formatSettings({ domains: "dd", users: "cc", more: "e" }))).toEqual(["domains", "users"])
  expect(differences(own, formatSettings({}))).toEqual([])
  expect(differences(own, "js-libp2p/3.3.11")).toEqual([])
  expect(differences(own, `p2psip (domains=${"d".repeat(1000)})`)).toEqual([])
})
