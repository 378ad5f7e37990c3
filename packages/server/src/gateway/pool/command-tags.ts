/**
 * What a command tag tells: the NUL-terminated body of a CommandComplete, which is at `start` to `end` of
 * a buffer. Asked of every statement, so the tags of everyday ones are sorted out by their first bytes.
 *
 * Tags do not say whether the session has changed: `SET` is also SET LOCAL's, `SELECT 1` also that of
 * `CREATE TEMP TABLE … AS`. Texts do, see `session-hints.ts`.
 */

/** Every prepared statement of the session is gone. */
export function tagForgetsStatements(bytes: Buffer, start: number, end: number): boolean {
  return isMatch(forgetting, bytes, start, end)
}

/** One prepared statement is gone. */
export function tagDeallocates(bytes: Buffer, start: number, end: number): boolean {
  return isMatch(deallocating, bytes, start, end)
}

/**
 * A statement that was prepared before may have another result now. So it may after CALL, but where
 * procedures are the daily work nothing could stay prepared.
 */
export function tagChangesDefinitions(bytes: Buffer, start: number, end: number): boolean {
  return isMatch(definitions, bytes, start, end)
}

/** Functions, or what calls them unseen, may be others now. */
export function tagChangesFunctions(bytes: Buffer, start: number, end: number): boolean {
  return isMatch(functions, bytes, start, end)
}

const deallocating = /^DEALLOCATE$/
const forgetting = /^(?:DEALLOCATE|DISCARD) ALL$/
/** An index changes no result. */
const definitions = /^(?:(?:CREATE|ALTER|DROP) (?!INDEX$)|IMPORT FOREIGN SCHEMA$|DO$)/
/**
 * Policies, operators, casts, views and ALTER TABLE's defaults can call functions as well as triggers do.
 * CREATE TABLE could too; temporary tables are made too often to look through all functions for each.
 */
const functions = /^(?:CREATE (?!TABLE$)|ALTER )(?!(?:INDEX|SEQUENCE|ROLE|DATABASE)$)|^DO$/

/** Longer than any tag that matters. */
const maxTagBytes = 64

function isMatch(pattern: RegExp, bytes: Buffer, start: number, end: number): boolean {
  if (isEveryday(bytes, start) || end - start > maxTagBytes) return false
  return pattern.test(bytes.toString('latin1', start, end - 1))
}

/** Tags of queries, transactions and COPY; those of others that begin like these are out as well. */
function isEveryday(bytes: Buffer, at: number): boolean {
  switch (bytes[at] ?? 0) {
    case 0x53: // SELECT, START TRANSACTION, SAVEPOINT, SET
    case 0x55: // UPDATE
    case 0x42: // BEGIN
    case 0x4d: // MERGE, MOVE
    case 0x46: // FETCH
    case 0x52: // ROLLBACK, RELEASE
      return true
    case 0x49: // INSERT, not IMPORT
      return bytes[at + 1] === 0x4e
    case 0x43: // COMMIT, COPY, not CREATE
      return bytes[at + 1] === 0x4f
    case 0x44: // DELETE, not DEALLOCATE
      return bytes[at + 2] === 0x4c
    default:
      return false
  }
}
