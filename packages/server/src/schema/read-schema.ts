import type { Sql } from 'postgres'

import { type Catalog, openCatalog } from './catalog.ts'
import { readComments } from './comments.ts'
import { readConstraints } from './constraints.ts'
import { readEventTriggers, readOmissions, readPublications } from './database-wide.ts'
import { readForeignData } from './foreign-data.ts'
import { readIndexes } from './indexes.ts'
import { readExtensions, readSchemas } from './namespaces.ts'
import { type Dependency, inOrder } from './order.ts'
import { readDefaultPrivileges, readPrivileges } from './privileges.ts'
import {
  readAggregates,
  readCasts,
  readConversions,
  readFunctions,
  readOperators,
} from './routines.ts'
import type { Address, SchemaObject } from './schema-object.ts'
import { readSequences } from './sequences.ts'
import { readPolicies, readRules, readStatistics, readTriggers } from './table-behaviour.ts'
import { readTables } from './tables.ts'
import { readTextSearch } from './text-search.ts'
import { readCollations, readTypes } from './types.ts'
import { readViews } from './views.ts'

/** An object with what is said about it once it is there. */
export interface DescribedObject extends SchemaObject {
  comments: string[]
  grants: string[]
}

/** The schema of one database, in the order in which it can be made anew. */
export interface DatabaseSchema {
  objects: DescribedObject[]
  /** Comments and grants on what is no object of its own here, such as what extensions made. */
  others: string[]
  defaultPrivileges: string[]
  /** Names of what is there and cannot be written. */
  omissions: string[]
}

/** No schema of reason takes longer; one that waits for a lock is not worth waiting for. */
const statementTimeoutMs = 60_000

const readers = [
  readSchemas,
  readExtensions,
  readForeignData,
  readCollations,
  readTypes,
  readFunctions,
  readAggregates,
  readOperators,
  readCasts,
  readConversions,
  readTextSearch,
  readSequences,
  readTables,
  readViews,
  readConstraints,
  readIndexes,
  readStatistics,
  readRules,
  readTriggers,
  readPolicies,
  readPublications,
  readEventTriggers,
]

/**
 * Reads the schema of the database that `sql` is connected to, as a superuser with nothing but
 * `pg_catalog` in its search path. Reads catalogs and runs nothing of users. No passwords: user
 * mappings and subscriptions are left out.
 */
export async function readSchema(sql: Sql): Promise<DatabaseSchema> {
  return sql.begin('isolation level repeatable read read only', async (transaction) => {
    await transaction`select set_config('statement_timeout', ${String(statementTimeoutMs)}, true)`
    const catalog = await openCatalog(transaction)
    const objects: SchemaObject[] = []
    for (const read of readers) objects.push(...(await read(catalog)))
    const ordered = inOrder(objects, await readDependencies(catalog))
    return {
      ...(await describe(catalog, ordered)),
      defaultPrivileges: await readDefaultPrivileges(catalog),
      omissions: await readOmissions(catalog),
    }
  })
}

async function readDependencies({ sql }: Catalog): Promise<Dependency[]> {
  return sql<Dependency[]>`
    select classid::regclass || ':' || objid as from, refclassid::regclass || ':' || refobjid as to
    from pg_depend where objid >= 16384 and deptype <> 'e'
    order by 1, 2`
}

async function describe(
  catalog: Catalog,
  ordered: readonly SchemaObject[],
): Promise<Pick<DatabaseSchema, 'objects' | 'others'>> {
  const described = ordered.map((object) => ({
    ...object,
    comments: [] as string[],
    grants: [] as string[],
  }))
  const byAddress = new Map<Address, (typeof described)[number]>()
  for (const object of described) {
    for (const address of object.addresses) byAddress.set(address, object)
  }
  const others: string[] = []
  for (const { address, statement } of await readComments(catalog)) {
    ;(byAddress.get(address)?.comments ?? others).push(statement)
  }
  const grants = await readPrivileges(catalog)
  for (const { address, statements } of grants) {
    ;(byAddress.get(address)?.grants ?? others).push(...statements)
  }
  return { objects: described, others }
}
