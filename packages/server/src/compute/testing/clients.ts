import postgres, { type Sql } from 'postgres'

import { createVerifier } from '../../lib/scram.ts'

/** A project's role with its password, as tests log in. */
export interface Login {
  role: string
  password: string
  database: string
  /** Start-up parameters. */
  startup?: Record<string, string>
}

export const owner: Login = { role: 'app.owner', password: 'correct horse', database: 'app' }

export async function ownerBootstrap(): Promise<{
  role: string
  verifier: string
  database: string
}> {
  // The smallest number of iterations that PostgreSQL takes: these tests are not about its cost.
  const verifier = await createVerifier(owner.password, { iterations: 1 })
  return { role: owner.role, verifier, database: owner.database }
}

/** A client as the gateway's would be: over the socket, with the role's password. */
export function connectAs(socketPath: string, login: Login): Sql {
  return postgres({
    path: socketPath,
    user: login.role,
    password: login.password,
    database: login.database,
    max: 1,
    fetch_types: false,
    prepare: false,
    connect_timeout: 5,
    onnotice: () => undefined,
    ...(login.startup && { connection: login.startup }),
  })
}
