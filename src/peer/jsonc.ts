/** JSON with comments and trailing commas, as people write configuration. */

/**
 * The same text as plain JSON: comments and trailing commas become blanks, so
 * that every position in an error of `JSON.parse` is that of the file.
 */
export function withoutComments(text: string): string {
  const tokens = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g
  const plain = text.replace(tokens, (token) => (token.startsWith("/") ? blank(token) : token))
  const ends = /"(?:[^"\\\n]|\\.)*"|,(?=\s*[\]}])/g
  return plain.replace(ends, (token) => (token === "," ? " " : token))
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ")
}
