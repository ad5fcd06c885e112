/** The options with a default for each that is missing or undefined. */
export function withDefaults<T extends object>(defaults: T, options: { readonly [Name in keyof T]?: T[Name] | undefined }): T {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...defaults, ...(Object.fromEntries(given) as Partial<T>) }
}
