/** What the package exports, as the compiler sees it. */
import { join, relative } from "node:path"
import ts from "typescript"
import { root } from "./sources.ts"

/** `FILE: NAME` for each export of the entry points that has no doc comment. */
export function undocumentedExports(entries: readonly string[]): string[] {
  const config = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
  const program = ts.createProgram(entries.map((entry) => join(root, entry)), options)
  const checker = program.getTypeChecker()
  const missing = new Set<string>()
  for (const entry of entries) {
    const file = program.getSourceFile(join(root, entry))
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file)
    if (module === undefined) throw new Error(`${entry}: expected a module`)
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      if (symbol.getDocumentationComment(checker).length > 0) continue
      const declared = symbol.declarations?.[0]?.getSourceFile().fileName ?? entry
      missing.add(`${relative(root, declared)}: ${symbol.name}`)
    }
  }
  return [...missing].sort()
}
