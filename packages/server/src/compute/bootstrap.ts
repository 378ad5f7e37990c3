import { createDatabase } from './databases.ts'
import { createRole } from './roles.ts'
import type { Cluster } from './superuser.ts'

export interface Bootstrap {
  role: string
  /** The role's password as SCRAM-SHA-256 verifier. */
  verifier: string
  /** Whether the project has logical replication. */
  replication?: boolean
  database: string
}

/** Makes the first role of a project and the database that it owns. May be repeated. */
export async function bootstrapCluster(
  cluster: Cluster,
  { role, verifier, database, replication = false }: Bootstrap,
): Promise<void> {
  await createRole(cluster, { name: role, verifier, replication })
  await createDatabase(cluster, { name: database, owner: role })
}
