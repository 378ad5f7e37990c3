import { randomBytes } from 'node:crypto'

import postgres, { type Sql } from 'postgres'

import { createVerifier } from '../lib/scram.ts'
import { ofDatabase } from './database-errors.ts'
import { quoteIdentifier, quoteLiteral } from './object-names.ts'
import { roleExists, runSecret } from './roles.ts'
import { postgresPort } from './settings.ts'
import { type Cluster, disconnect, platformDatabase, safeOptions } from './superuser.ts'

/** A role made for work that may run what users wrote, which the superuser must not do. */
export interface LoginRole {
  name: string
  /** As an identifier. */
  role: string
  password: string
}

/**
 * Makes a role that can log in, under a name that no role of `source` has; what an earlier attempt has
 * left of it is used again. `attributes` are of CREATE ROLE.
 */
export async function createLoginRole(
  cluster: Cluster,
  wanted: { source: Cluster; name: string; attributes: string },
): Promise<LoginRole> {
  const password = randomBytes(24).toString('base64url')
  const verifier = await createVerifier(password)
  const name = await wanted.source.withSuperuser(platformDatabase, async (sql) => {
    let free = wanted.name
    while (await roleExists(sql, free)) free += '_'
    return free
  })
  const role = quoteIdentifier(name)
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    if (!(await roleExists(sql, name))) await sql.unsafe(`create role ${role}`)
    const attributes = `login ${wanted.attributes} password ${quoteLiteral(verifier)}`
    await runSecret(sql, `alter role ${role} ${attributes}`)
  })
  return { name, role, password }
}

/** Runs work in one session of such a role. */
export async function withLoginRole<T>(
  cluster: Cluster,
  { name, password }: LoginRole,
  database: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const socketDirectory = await cluster.socketDirectory()
  const sql = postgres({
    path: `${socketDirectory}/.s.PGSQL.${postgresPort}`,
    database,
    user: name,
    password,
    max: 1,
    ssl: false,
    fetch_types: false,
    prepare: false,
    onnotice: () => undefined,
    connection: { application_name: 'coppice', options: safeOptions(socketDirectory) },
  })
  try {
    return await ofDatabase(async () => work(sql))
  } finally {
    await disconnect(sql)
  }
}
