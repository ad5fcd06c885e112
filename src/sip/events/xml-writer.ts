/** Elements as text again, each with the declarations that it needs wherever it is put. */
import { escapeXml, type XmlElement } from "./xml.ts"

/** What watchers look for by the prefix alone (RFC 4479, RFC 4480). */
const usualPrefixes: Readonly<Record<string, string>> = {
  "urn:ietf:params:xml:ns:pidf:data-model": "dm",
  "urn:ietf:params:xml:ns:pidf:rpid": "rpid",
}

/** How one element is to be written. */
export interface XmlWriting {
  /** In force where the element is put; needs no prefix. */
  readonly defaultNamespace: string
  /** What to write for the value of an attribute `id`. */
  readonly idFor: (id: string) => string
}

/** The element; parts of it that are in no namespace, and so belong to nothing known, are left out. */
export function writeXml(element: XmlElement, writing: XmlWriting): string {
  return new Writer(writing).outermost(element)
}

class Writer {
  readonly #writing: XmlWriting
  /** By namespace. */
  readonly #prefixes = new Map<string, string>()

  constructor(writing: XmlWriting) {
    this.#writing = writing
  }

  /** Its declarations are known when all of it has been written. */
  outermost(element: XmlElement): string {
    const text = this.#element(element)
    const tagEnd = /^<[\w.:-]+/.exec(text)?.[0].length ?? 0
    const declarations = [...this.#prefixes].map(([namespace, prefix]) => ` xmlns:${prefix}="${escapeXml(namespace)}"`)
    return text.slice(0, tagEnd) + declarations.join("") + text.slice(tagEnd)
  }

  #element({ prefix, name, namespace, attributes, children }: XmlElement): string {
    const tag = namespace === this.#writing.defaultNamespace ? name : `${this.#prefixFor(namespace, prefix)}:${name}`
    const written = attributes.map((attribute) => {
      const { value } = attribute
      if (attribute.namespace === "") return ` ${attribute.name}="${escapeXml(attribute.name === "id" ? this.#writing.idFor(value) : value)}"`
      const qualified = attribute.prefix === "xml" ? "xml" : this.#prefixFor(attribute.namespace, attribute.prefix)
      return ` ${qualified}:${attribute.name}="${escapeXml(value)}"`
    })
    const content = this.#content(children)
    return content === "" ? `<${tag}${written.join("")}/>` : `<${tag}${written.join("")}>${content}</${tag}>`
  }

  /** White space between elements is for people. */
  #content(children: XmlElement["children"]): string {
    const hasElements = children.some((child) => typeof child !== "string")
    return children.map((child) => {
      if (typeof child === "string") return hasElements && child.trim() === "" ? "" : escapeXml(child)
      return child.namespace === "" ? "" : this.#element(child)
    }).join("")
  }

  #prefixFor(namespace: string, wanted: string): string {
    const known = this.#prefixes.get(namespace)
    if (known !== undefined) return known
    const taken = new Set(this.#prefixes.values())
    const preferred = usualPrefixes[namespace] ?? wanted
    let prefix = preferred
    for (let number = 1; prefix === "" || prefix === "xmlns" || taken.has(prefix); number++) prefix = `n${number}`
    this.#prefixes.set(namespace, prefix)
    return prefix
  }
}
