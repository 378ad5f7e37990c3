import postgres from 'postgres'

import { createLog } from '../../lib/log.ts'
import { dieOnBugs } from '../die-on-bugs.ts'

/**
 * Loses its connection in the middle of a transaction, in a process of its own: `lost-write-child.ts
 * <socket>`. Prints what it was told of, and ends a moment later where nothing else has ended it.
 */
const [, , path] = process.argv
if (path === undefined) throw new Error('wrong arguments')

dieOnBugs(createLog({ level: 'warn', toStderr: true }))
const sql = postgres({ path, user: 'postgres', database: 'postgres', max: 1 })
const told: unknown = await sql
  .begin(async (transaction) => transaction`select pg_terminate_backend(pg_backend_pid())`)
  .catch((error: unknown) => error)
process.stdout.write(`${String(told)}\n`)
setTimeout(() => process.exit(0), 200)
