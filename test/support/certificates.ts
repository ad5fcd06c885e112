/** Certificates made on the spot, as PEM files. */
import { webcrypto } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import "reflect-metadata"
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator, type JsonGeneralNames } from "@peculiar/x509"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
const notBefore = new Date("2020-01-01T00:00:00Z")
const notAfter = new Date("2049-12-31T00:00:00Z")

export interface PemFiles {
  readonly certificate: string
  readonly key: string
}

/** An authority of one test, and its folder. */
export class TestAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), "p2psip-tls-"))
  /** Path of the root certificate. */
  readonly ca = join(this.folder, "ca.pem")
  readonly #keys: webcrypto.CryptoKeyPair
  #serial = 1

  constructor(keys: webcrypto.CryptoKeyPair) {
    this.#keys = keys
  }

  static async create(): Promise<TestAuthority> {
    const authority = new TestAuthority(await generateKeys())
    const root = await X509CertificateGenerator.createSelfSigned({
      serialNumber: "01",
      name: "CN=Test authority",
      notBefore,
      notAfter,
      signingAlgorithm: algorithm,
      keys: authority.#keys,
      extensions: [new BasicConstraintsExtension(true, 1, true)],
    })
    writeFileSync(authority.ca, root.toString("pem"))
    return authority
  }

  /** A certificate for these names, in two files called `name`; what was there is replaced. */
  async issue(name: string, names: JsonGeneralNames, commonName = "somebody"): Promise<PemFiles> {
    const keys = await generateKeys()
    const certificate = await X509CertificateGenerator.create({
      serialNumber: (++this.#serial).toString(16).padStart(2, "0"),
      subject: `CN=${commonName}`,
      issuer: "CN=Test authority",
      notBefore,
      notAfter,
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
    })
    const files = { certificate: join(this.folder, `${name}.pem`), key: join(this.folder, `${name}.key`) }
    const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64")
    writeFileSync(files.certificate, certificate.toString("pem"))
    writeFileSync(files.key, `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`)
    return files
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
}
