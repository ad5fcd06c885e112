/** A peer's key pair: made once, kept in a file that only its owner can read. */
import { existsSync } from "node:fs"
import { link, mkdir, open, readFile, rm } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys"
import type { PrivateKey } from "@libp2p/interface"
import { P2PSipError } from "../errors.ts"

const fileName = "peer.key"

/** A fresh Ed25519 key, for a peer that is nobody after a restart. */
export function createKey(): Promise<PrivateKey> {
  return generateKeyPair("Ed25519")
}

/**
 * The key in `folder`, made there if there is none. Rejects with
 * `P2PSIP_STORAGE` when the folder or the file cannot be used.
 */
export async function loadOrCreateKey(folder: string): Promise<PrivateKey> {
  const path = join(folder, fileName)
  try {
    await createFolder(folder)
    return await readKey(path) ?? await writeKey(path, await createKey())
  } catch (cause) {
    if (cause instanceof P2PSipError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new P2PSipError("P2PSIP_STORAGE", `data folder ${folder}: expected to read or create ${fileName} in it, found ${reason}`, { cause })
  }
}

/** One folder at a time: Node's recursive mkdir never returns where the file system says ENOENT for an existing parent. */
async function createFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === "EEXIST") return
    const parent = dirname(resolve(folder))
    if (codeOf(error) !== "ENOENT" || existsSync(parent)) throw error
    await createFolder(parent)
    await mkdir(folder, { mode: 0o700 })
  }
}

async function readKey(path: string): Promise<PrivateKey | undefined> {
  let text: string
  try {
    text = await readFile(path, "latin1")
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
  try {
    return privateKeyFromProtobuf(Buffer.from(text, "base64"))
  } catch (cause) {
    throw new P2PSipError("P2PSIP_STORAGE", `${path}: expected a private key in base64, found other bytes; restore the file or remove it`, { cause })
  }
}

/** Returns the key that is in the file afterwards: another process may have been first. */
async function writeKey(path: string, key: PrivateKey): Promise<PrivateKey> {
  const draft = `${path}.${process.pid}`
  await rm(draft, { force: true })
  const file = await open(draft, "wx", 0o600)
  try {
    await file.writeFile(`${Buffer.from(privateKeyToProtobuf(key)).toString("base64")}\n`)
    await file.sync()
    // A link, not a rename: it fails when the file is there already.
    await link(draft, path)
    return key
  } catch (error) {
    const other = codeOf(error) === "EEXIST" ? await readKey(path) : undefined
    if (other === undefined) throw error
    return other
  } finally {
    await file.close()
    await rm(draft, { force: true })
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined
}
