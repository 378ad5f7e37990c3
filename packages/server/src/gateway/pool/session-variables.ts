/** Moving a server session from the variables that it has to those that a client wants. */
import { quoteLiteral, quoteSettingName } from './sql-quoting.ts'

/**
 * Equal exactly where names and values are. Neither can hold a NUL: PostgreSQL's protocol ends texts
 * with it.
 */
export function signatureOf(variables: ReadonlyMap<string, string>): string {
  return [...variables]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}\0${value}\0`)
    .join('')
}

/**
 * The text of one Query that makes `from` into `to`, wholly or not at all; undefined where they are
 * equal. What `to` does not have is RESET. Settings are made as the role that has logged in, so another
 * is left first and taken last. The text is ASCII, and so means the same in every `client_encoding`.
 */
export function transition(
  from: ReadonlyMap<string, string>,
  to: ReadonlyMap<string, string>,
): string | undefined {
  const missing = [...from.keys()].filter((name) => !to.has(name))
  const changed = [...to].filter(([name, value]) => from.get(name) !== value)
  if (missing.length === 0 && changed.length === 0) return undefined
  const role = to.get('role')
  const settings = changed.filter(([name]) => name !== 'role')
  return [
    ...(from.has('role') ? ['reset role'] : []),
    ...missing.filter(isNoRole).map((name) => `reset ${quoteSettingName(name)}`),
    ...(settings.length > 0 ? [setAll(settings)] : []),
    ...(role === undefined ? [] : [setAll([['role', role]])]),
  ].join('; ')
}

function isNoRole(name: string): boolean {
  return name !== 'role'
}

/** Answers no value: the client's encoding may be unable to hold it. */
function setAll(settings: readonly (readonly [name: string, value: string])[]): string {
  const calls = settings.map(
    ([name, value]) =>
      `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false) is null`,
  )
  return `select ${calls.join(', ')}`
}
