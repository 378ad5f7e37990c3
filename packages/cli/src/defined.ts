type UndefinedKeys<T> = { [K in keyof T]: undefined extends T[K] ? K : never }[keyof T]

/** The type of an object whose undefined properties have been left out. */
export type Defined<T> = { [K in Exclude<keyof T, UndefinedKeys<T>>]: T[K] } & {
  [K in UndefinedKeys<T>]?: Exclude<T[K], undefined>
}

/** Leaves out what is undefined: a request has a field or has it not. */
export function defined<T extends object>(value: T): Defined<T> {
  const kept = Object.entries(value).filter(([, field]) => field !== undefined)
  // TypeScript does not follow keys through entries.
  return Object.fromEntries(kept) as Defined<T>
}
