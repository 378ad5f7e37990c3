import { AppError } from '../lib/errors.ts'
import { superuserName } from './access-files.ts'

/** The group that every role of a project is a member of, as on Neon; never a superuser. */
export const memberGroup = 'neon_superuser'

/** `NAMEDATALEN - 1`: PostgreSQL would silently cut off the rest. */
const maxNameBytes = 63

/** PostgreSQL itself refuses these as names of roles, quoted or not. */
const reservedRoles = new Set([superuserName, memberGroup, 'public', 'none'])

const reservedDatabases = new Set(['postgres', 'template0', 'template1'])

/**
 * The name itself, where it can be a role's or a database's that a user makes. Rejects other names with
 * AppError `invalid_request`, which says what is allowed.
 */
export function checkObjectName(kind: 'role' | 'database', name: string): string {
  const bytes = Buffer.from(name, 'utf8')
  const isSound = !name.includes('\0') && bytes.toString('utf8') === name
  if (!isSound || bytes.length < 1 || bytes.length > maxNameBytes) {
    throw new AppError(
      'invalid_request',
      `a ${kind} name has 1 to ${maxNameBytes} bytes of UTF-8 without a NUL character`,
    )
  }
  if (kind === 'role' ? isReservedRole(name) : reservedDatabases.has(name)) {
    throw new AppError('invalid_request', `${kind} name ${name} is reserved; choose another name`)
  }
  return name
}

/** Whether the platform or PostgreSQL made this role for itself. */
export function isReservedRole(name: string): boolean {
  return reservedRoles.has(name) || name.startsWith('pg_')
}

/**
 * A name as an SQL identifier. postgres.js has a helper of its own, which takes a dot for a qualified
 * name (`a.b` becomes `"a"."b"`), while a dot is welcome in the name of a role or a database.
 */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as an SQL literal, where `standard_conforming_strings` is on. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
