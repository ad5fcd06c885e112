/**
 * So much of XML 1.0 and its namespaces as presence documents need, in bounds: no document type and so no entities of
 * its own, names in ASCII, UTF-8 alone. What is read is never passed on as it was written, but written anew.
 */
import { SipSyntaxError } from "../message/index.ts"

/** An attribute; without a prefix it is in no namespace. */
export interface XmlAttribute {
  readonly prefix: string
  readonly name: string
  readonly namespace: string
  readonly value: string
}

/** An element. */
export interface XmlElement {
  /** As written; empty for none. */
  readonly prefix: string
  readonly name: string
  /** Empty for none. */
  readonly namespace: string
  /** Without those that declare namespaces. */
  readonly attributes: readonly XmlAttribute[]
  /** Texts are unescaped. */
  readonly children: readonly (XmlElement | string)[]
}

/** Namespaces in force, by prefix. */
type Scope = ReadonlyMap<string, string>

const maxDepth = 16
const maxElements = 256
const maxAttributes = 32
const maxNameLength = 64

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"
const xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
const outermost: Scope = new Map([["", ""], ["xml", xmlNamespace]])
const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }
const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" }
const forbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u
const allForbidden = new RegExp(forbidden, "gu")
const space = /[ \t\r\n]*/y
const name = /(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)/y
const equals = /[ \t\r\n]*=[ \t\r\n]*/y

/** As text or as an attribute's value: what must not stand there is a replacement character. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? "").replace(allForbidden, "\uFFFD")
}

/** The outermost element. Throws a SipSyntaxError where the document is malformed, or beyond the bounds. */
export function parseXml(bytes: Uint8Array): XmlElement {
  return new Reader(decode(bytes)).document()
}

function decode(bytes: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw bad("XML That Is Not UTF-8")
  }
  if (forbidden.test(text)) throw bad("Forbidden Character In XML")
  return text
}

function bad(reason: string): SipSyntaxError {
  return new SipSyntaxError(400, reason)
}

class Reader {
  readonly #text: string
  #at = 0
  #elements = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): XmlElement {
    this.#declaration()
    this.#skipMisc()
    if (this.#text[this.#at] !== "<") throw bad("Malformed XML")
    const element = this.#element(1, outermost)
    this.#skipMisc()
    if (this.#at < this.#text.length) throw bad("Malformed XML")
    return element
  }

  #declaration(): void {
    if (!/^<\?xml[ \t\r\n]/.test(this.#text)) return
    const declaration = this.#upTo("?>")
    const encoding = /[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)["']/.exec(declaration)?.[1] ?? "utf-8"
    if (!/^(?:utf-8|us-ascii)$/i.test(encoding)) throw bad("XML That Is Not UTF-8")
  }

  /** White space, comments and processing instructions, which say nothing to us. */
  #skipMisc(): void {
    for (;;) {
      this.#match(space)
      if (!this.#skipRemark()) return
    }
  }

  #skipRemark(): boolean {
    if (this.#startsWith("<!--")) {
      this.#at += 4
      this.#upTo("-->")
    } else if (this.#startsWith("<?")) this.#upTo("?>")
    else return false
    return true
  }

  /** After its `<`. */
  #element(depth: number, outer: Scope): XmlElement {
    if (depth > maxDepth || ++this.#elements > maxElements) throw bad("XML Too Deep Or Too Long")
    this.#at++
    const tag = this.#name()
    const raw = this.#attributes()
    const scope = scopeOf(raw, outer)
    const attributes = raw.filter(({ prefix, local }) => !declares(prefix, local)).map(({ prefix, local, value }) => {
      return { prefix, name: local, namespace: prefix === "" ? "" : namespaceOf(prefix, scope), value }
    })
    requireOnce(attributes)
    const namespace = namespaceOf(tag.prefix, scope)
    const isEmpty = this.#takes("/>")
    if (!isEmpty && !this.#takes(">")) throw bad("Malformed XML")
    const children = isEmpty ? [] : this.#content(tag.whole, depth, scope)
    return { prefix: tag.prefix, name: tag.local, namespace, attributes, children }
  }

  #attributes(): readonly RawAttribute[] {
    const attributes: RawAttribute[] = []
    for (;;) {
      const isApart = this.#match(space) !== ""
      if (this.#text[this.#at] === ">" || this.#startsWith("/>")) return attributes
      if (!isApart || attributes.length >= maxAttributes) throw bad("Malformed XML")
      const { prefix, local } = this.#name()
      if (this.#match(equals) === "") throw bad("Malformed XML")
      attributes.push({ prefix, local, value: this.#quoted() })
    }
  }

  #quoted(): string {
    const quote = this.#text[this.#at] ?? ""
    if (quote !== '"' && quote !== "'") throw bad("Malformed XML")
    this.#at++
    const value = this.#upTo(quote)
    if (value.includes("<")) throw bad("Malformed XML")
    return unescapeXml(value)
  }

  /** Up to the end tag, and that. */
  #content(tag: string, depth: number, scope: Scope): readonly (XmlElement | string)[] {
    const children: (XmlElement | string)[] = []
    let text = ""
    const endText = (): void => {
      if (text !== "") children.push(text)
      text = ""
    }
    for (;;) {
      const next = this.#text.indexOf("<", this.#at)
      if (next === -1) throw bad("Malformed XML")
      text += unescapeXml(this.#text.slice(this.#at, next))
      this.#at = next
      if (this.#takes("</")) {
        if (this.#name().whole !== tag) throw bad("Malformed XML")
        this.#match(space)
        if (!this.#takes(">")) throw bad("Malformed XML")
        endText()
        return children
      }
      if (this.#takes("<![CDATA[")) text += this.#upTo("]]>")
      else if (!this.#skipRemark()) {
        endText()
        children.push(this.#element(depth + 1, scope))
      }
    }
  }

  #name(): { whole: string; prefix: string; local: string } {
    name.lastIndex = this.#at
    const [whole = "", prefix = "", local = ""] = name.exec(this.#text) ?? []
    if (whole === "" || whole.length > maxNameLength) throw bad(this.#startsWith("!") ? "Document Type Or Entities In XML" : "Malformed XML")
    this.#at += whole.length
    return { whole, prefix, local }
  }

  /** What stands before `end`, which is passed over. */
  #upTo(end: string): string {
    const at = this.#text.indexOf(end, this.#at)
    if (at === -1) throw bad("Malformed XML")
    const passed = this.#text.slice(this.#at, at)
    this.#at = at + end.length
    return passed
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [matched = ""] = pattern.exec(this.#text) ?? []
    this.#at += matched.length
    return matched
  }

  #takes(text: string): boolean {
    if (!this.#startsWith(text)) return false
    this.#at += text.length
    return true
  }

  #startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.#at)
  }
}

interface RawAttribute {
  readonly prefix: string
  readonly local: string
  readonly value: string
}

function declares(prefix: string, local: string): boolean {
  return prefix === "xmlns" || (prefix === "" && local === "xmlns")
}

function scopeOf(attributes: readonly RawAttribute[], outer: Scope): Scope {
  const declared = attributes.filter(({ prefix, local }) => declares(prefix, local))
  if (declared.length === 0) return outer
  const scope = new Map(outer)
  for (const { prefix, local, value } of declared) {
    // Namespaces in XML §3: these two are bound for ever, and a prefix to something.
    const isReserved = local === "xml" || (prefix !== "" && local === "xmlns") || value === xmlNamespace || value === xmlnsNamespace
    if (isReserved || (prefix !== "" && value === "")) throw bad("Malformed Namespace In XML")
    scope.set(prefix === "" ? "" : local, value)
  }
  return scope
}

function namespaceOf(prefix: string, scope: Scope): string {
  const namespace = scope.get(prefix)
  if (namespace === undefined) throw bad("Unknown Namespace In XML")
  return namespace
}

function requireOnce(attributes: readonly XmlAttribute[]): void {
  const names = attributes.map(({ namespace, name: local }) => `${namespace} ${local}`)
  if (new Set(names).size < names.length) throw bad("Attribute Given Twice In XML")
}

function unescapeXml(raw: string): string {
  if (!raw.includes("&")) return raw
  return raw.replace(/&([^;]{0,12})(;?)/g, (_, entity: string, end: string) => {
    const character = end === "" ? undefined : characterOf(entity)
    if (character === undefined || forbidden.test(character)) throw bad("Unknown Entity In XML")
    return character
  })
}

function characterOf(entity: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([\dA-Fa-f]{1,6})|(\d{1,7}))$/.exec(entity) ?? []
  if (hex === undefined && decimal === undefined) return Object.hasOwn(entities, entity) ? entities[entity] : undefined
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
  return code <= 0x10_ffff ? String.fromCodePoint(code) : undefined
}
