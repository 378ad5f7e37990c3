import { isReservedRole } from './object-names.ts'
import type { JwksSource } from './spec.ts'

/** Whom tokens are for where nothing is said, as on Neon. */
const defaultTokenRoles = ['authenticator', 'authenticated', 'anonymous']

/**
 * Names that mean themselves in both files, whatever the version: there is a meaning to `+`, `/`, `@` and
 * quotes.
 */
const plainName = /^[A-Za-z_][\w$-]*$/

/** The roles that tokens of a source are for: never the platform's or PostgreSQL's own. */
export function rolesOfSource({ roleNames }: JwksSource): string[] {
  const names = roleNames.length > 0 ? roleNames : defaultTokenRoles
  return names.filter((name) => plainName.test(name) && !isReservedRole(name))
}

/** Of all sources, each once and in order, so that files differ only where the roles do. */
export function tokenRoles(sources: readonly JwksSource[]): string[] {
  return [...new Set(sources.flatMap(rolesOfSource))].toSorted()
}
